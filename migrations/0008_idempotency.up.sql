-- Keys are random, so each touches a page of its own: the smaller the rows, the fewer pages there are, and who removes the
-- old ones walks through all of them rather than have every key pay for an index. Nothing but a fingerprint is asked for; those of the last day can't be made of what is here, and go.
drop table idempotency_keys

create table idempotency_keys (
  fingerprint text primary key not null,
  body_hash text not null,
  answer text not null,
  created_at integer not null
) without rowid
