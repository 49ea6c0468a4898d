alter table broadcasts drop column paced

alter table broadcasts drop column paced_at
