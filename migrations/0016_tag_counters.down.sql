drop table tag_counters
