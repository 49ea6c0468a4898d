-- From when a broadcast's rate counts, and how many deliveries were given their turns since: a rate that is changed counts
-- from then on.
alter table broadcasts add column paced_at integer

alter table broadcasts add column paced integer not null default 0

update broadcasts set paced_at = started_at, paced = recipients - skipped_suppressed where started_at is not null

-- When its conductor last looked whether everybody has had an attempt: long ago, where the server stood still.
alter table broadcasts add column watched_at integer

-- Those on their way stood still for the upgrade at least.
update broadcasts set watched_at = 0 where status = 'sending'
