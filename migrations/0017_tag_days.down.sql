drop trigger tag_days_counted

drop trigger tag_days_begun

drop table tag_days
