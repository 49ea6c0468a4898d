drop trigger provider_counter_counted_late

drop trigger provider_counter_begun_late

drop trigger counter_counted_late

drop trigger counter_begun_late

drop index provider_counters_hour

drop index counters_hour

drop table provider_days

drop table counter_days

drop table counter_hours

delete from walks where name = 'counter_sums'
