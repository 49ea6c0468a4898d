alter table broadcasts drop column watched_at

alter table broadcasts drop column paced

alter table broadcasts drop column paced_at
