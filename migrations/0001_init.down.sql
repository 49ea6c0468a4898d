drop table readiness

drop table sandbox_messages

drop table lanes

drop table jobs

drop table idempotency_keys

drop table counters

drop table events

drop table deliveries

drop table attachments

drop table emails

drop table contents

drop table suppressions

drop table api_keys

drop table domain_checks

drop table dkim_keys

drop table domains

drop table memberships

drop table teams

drop table users

drop view expect
