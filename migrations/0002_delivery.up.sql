-- A lane belongs to a kind of work, so that one kind's backlog is never walked to find another's.
alter table lanes add column kind text not null default ''

update lanes set kind = substr(lane, 1, instr(lane || '/', '/') - 1)

drop index lanes_next

create index lanes_next on lanes (kind, next_at) where next_at is not null

-- Kinds of work that an operator has stopped; one lane is stopped by blocking it.
create table pauses (
  kind text primary key not null,
  reason text not null,
  created_at integer not null
) without rowid

-- One conversation with one host about one delivery. `number` counts the tries of the retry plan, `position` the hosts
-- asked in one try; `steps` and `tls` are JSON.
create table attempts (
  delivery_id text not null references deliveries (id) on delete cascade,
  number integer not null,
  position integer not null,
  outcome text not null,
  class text,
  host text,
  address text,
  local_address text,
  reused integer not null,
  steps text not null,
  tls text,
  limiter text,
  said text not null,
  started_at integer not null,
  ended_at integer not null,
  primary key (delivery_id, number, position)
) without rowid

-- MTA-STS policies of recipients' domains (RFC 8461), kept for their max_age.
create table mta_sts_policies (
  domain text primary key not null,
  policy_id text not null,
  mode text not null,
  mx text not null,
  fetched_at integer not null,
  expires_at integer not null
) without rowid

create index mta_sts_policies_expiry on mta_sts_policies (expires_at)
