drop table engagements

drop table links

alter table emails drop column tracking
