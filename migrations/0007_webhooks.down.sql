drop trigger webhook_jobs_of_event

drop trigger webhook_events_of_event

delete from jobs where kind in ('webhook', 'clear_webhook', 'replay_webhook', 'forget_webhook_events')

delete from lanes where kind in ('webhook', 'clear_webhook', 'replay_webhook', 'forget_webhook_events')

alter table events drop column webhook_id

drop table webhook_attempts

drop table webhook_events

drop table webhook_subscriptions

drop table webhooks
