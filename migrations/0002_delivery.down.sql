drop table mta_sts_policies

drop table attempts

drop table pauses

drop index lanes_next

alter table lanes drop column kind

create index lanes_next on lanes (next_at) where next_at is not null
