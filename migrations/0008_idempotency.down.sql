drop table idempotency_keys

create table idempotency_keys (
  team_id text not null,
  endpoint text not null,
  key text not null,
  body_hash text not null,
  answer text not null,
  created_at integer not null,
  primary key (team_id, endpoint, key)
) without rowid

create index idempotency_keys_created on idempotency_keys (created_at)
