-- Keys are random, so each touches a page of its own: the smaller the rows, the fewer pages there are. Nothing but a
-- fingerprint of team, endpoint and key is asked for; those of the last day can't be made of what is here, and go.
drop table idempotency_keys

create table idempotency_keys (
  fingerprint text primary key not null,
  body_hash text not null,
  answer text not null,
  created_at integer not null
) without rowid

create index idempotency_keys_created on idempotency_keys (created_at)
