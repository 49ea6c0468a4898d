-- Suppressions may end by themselves, and are listed by id and by reason.
alter table suppressions add column expires_at integer

create index suppressions_team on suppressions (team_id, id)

create index suppressions_team_reason on suppressions (team_id, reason, id)

create index suppressions_expiry on suppressions (expires_at) where expires_at is not null

-- Networks a key may be used from (CIDR, JSON list); none: from anywhere.
alter table api_keys add column allowed_ips text not null default '[]'

-- Requests of the API, written behind them. A team's are read together, the newest first, so they lie together.
create table logs (
  team_id text not null,
  id text not null,
  key_id text,
  method text not null,
  path text not null,
  status integer not null,
  duration_ms integer not null,
  user_agent text,
  address text,
  request_body text,
  response_body text,
  created_at integer not null,
  primary key (team_id, id)
) without rowid

create index logs_refused on logs (team_id, id) where status >= 400

-- Since when a domain's tracking host leads to this server.
alter table domains add column tracking_verified_at integer

-- When a domain first might send: its keys may have signed mail since. Nobody knows it of those that were looked at before.
alter table domains add column first_verified_at integer

update domains set first_verified_at = coalesce(verified_at, created_at) where status <> 'not_started'

-- A key signs from when it was seen in DNS until another takes its place; then it stays published until `retire_at`.
alter table dkim_keys add column state text not null default 'active'

alter table dkim_keys add column retire_at integer

-- A team shows that a domain another team has added is its own, by a record only its owner can publish.
create table domain_claims (
  id text primary key not null,
  team_id text not null references teams (id) on delete cascade,
  name text not null,
  token text not null,
  status text not null,
  wanted text not null,
  domain_id text not null,
  blocked_reason text,
  failure_reason text,
  created_at integer not null,
  expires_at integer not null
)

create index domain_claims_team on domain_claims (team_id, id)

create unique index domain_claims_domain on domain_claims (domain_id)

create unique index domain_claims_open on domain_claims (name, team_id) where status in ('pending', 'blocked')

-- A domain isn't taken from a team that has mail waiting to go out from it.
create index emails_scheduled on emails (domain_id) where last_event = 'scheduled'

-- Counted by broadcast as well; empty: of none.
create table counters_by_broadcast (
  team_id text not null,
  hour integer not null,
  domain_id text not null,
  broadcast_id text not null,
  event text not null,
  total integer not null,
  primary key (team_id, hour, domain_id, broadcast_id, event)
) without rowid

insert into counters_by_broadcast (team_id, hour, domain_id, broadcast_id, event, total)
select team_id, hour, domain_id, '', event, total from counters

drop table counters

alter table counters_by_broadcast rename to counters

-- The same for single emails.
create table email_counters (
  email_id text not null,
  hour integer not null,
  event text not null,
  team_id text not null,
  total integer not null,
  primary key (email_id, hour, event)
) without rowid

create index email_counters_team on email_counters (team_id, hour)
