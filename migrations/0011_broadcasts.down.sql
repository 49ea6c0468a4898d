drop trigger contacts_gone_from_broadcasts

delete from jobs where kind = 'conduct_broadcast'

delete from lanes where kind = 'conduct_broadcast'

drop index events_outcomes

drop index deliveries_broadcast

alter table deliveries drop column merge_values

alter table deliveries drop column contact_id

alter table emails drop column broadcast_id

drop table broadcasts
