-- Statements are separated by an empty line. Times are milliseconds since 1970, ids UUIDv7 text, lists and maps JSON text.

-- A write that must have hit puts `insert into expect select changes()` behind itself; see expectChange().
create view expect as select 0 as changed

create trigger expect_change instead of insert on expect when new.changed = 0
begin
  select raise(abort, 'stale_write');
end

create table users (
  id text primary key not null,
  email text not null,
  name text not null,
  password_hash text not null,
  disabled_at integer,
  created_at integer not null
)

create unique index users_email on users (email)

create table teams (
  id text primary key not null,
  name text not null,
  created_at integer not null
)

create table memberships (
  team_id text not null references teams (id) on delete cascade,
  user_id text not null references users (id) on delete cascade,
  role text not null,
  created_at integer not null,
  primary key (team_id, user_id)
)

create index memberships_user on memberships (user_id)

create table domains (
  id text primary key not null,
  team_id text not null references teams (id) on delete cascade,
  name text not null,
  status text not null,
  region text not null,
  return_path_label text not null,
  open_tracking integer not null,
  click_tracking integer not null,
  tracking_label text,
  tls text not null,
  sending integer not null,
  receiving integer not null,
  check_until integer,
  check_job_id text,
  checked_at integer,
  verified_at integer,
  receiving_verified_at integer,
  created_at integer not null,
  check (sending or receiving)
)

create unique index domains_name on domains (name)

create index domains_team on domains (team_id, id)

create table dkim_keys (
  id text primary key not null,
  domain_id text not null references domains (id) on delete cascade,
  selector text not null,
  algorithm text not null,
  public_key text not null,
  sealed_private_key text not null,
  created_at integer not null
)

create unique index dkim_keys_selector on dkim_keys (domain_id, selector)

-- What the last look at DNS found for each record a domain should publish; the records themselves are derived.
create table domain_checks (
  domain_id text not null references domains (id) on delete cascade,
  host text not null,
  type text not null,
  status text not null,
  found text not null,
  reason text not null,
  failing_since integer,
  checked_at integer not null,
  primary key (domain_id, host, type)
)

create table api_keys (
  id text primary key not null,
  team_id text not null references teams (id) on delete cascade,
  name text not null,
  token_hash text not null,
  token_start text not null,
  permission text not null,
  domain_id text references domains (id) on delete cascade,
  last_used_at integer,
  created_at integer not null
)

create unique index api_keys_token on api_keys (token_hash)

create index api_keys_team on api_keys (team_id, id)

create index api_keys_domain on api_keys (domain_id)

create table suppressions (
  id text primary key not null,
  team_id text not null references teams (id) on delete cascade,
  address text not null,
  reason text not null,
  source_id text,
  created_at integer not null
)

create unique index suppressions_team_address on suppressions (team_id, address)

-- Bodies, shared by the emails that have the same (D8). Ids come in order: keyed by their hash, every body would dirty a
-- page somewhere, which is a third of what an accepted email writes.
create table contents (
  id text primary key not null,
  html text,
  text text,
  created_at integer not null
)

create table emails (
  id text primary key not null,
  team_id text not null references teams (id) on delete cascade,
  domain_id text,
  api_key_id text,
  message_id text not null,
  sender text not null,
  recipients text not null,
  cc text not null,
  bcc text not null,
  reply_to text not null,
  subject text not null,
  content_id text not null references contents (id),
  headers text not null,
  tags text not null,
  topic_id text,
  last_event text not null,
  scheduled_at integer,
  created_at integer not null
)

create index emails_team on emails (team_id, id)

create table attachments (
  id text primary key not null,
  email_id text not null references emails (id) on delete cascade,
  position integer not null,
  filename text,
  content_type text,
  content_id text,
  size integer not null,
  blob_hash text not null
)

create index attachments_email on attachments (email_id, position)

create index attachments_blob on attachments (blob_hash)

-- One email to one envelope recipient (D6).
create table deliveries (
  id text primary key not null,
  team_id text not null,
  email_id text not null references emails (id) on delete cascade,
  recipient text not null,
  domain text not null,
  state text not null,
  attempts integer not null,
  last_reply text,
  mx_host text,
  first_attempt_at integer,
  next_attempt_at integer,
  settled_at integer,
  created_at integer not null
) without rowid

create index deliveries_email on deliveries (email_id)

create table events (
  id text primary key not null,
  team_id text not null,
  type text not null,
  email_id text,
  delivery_id text,
  recipient text,
  data text not null,
  created_at integer not null
) without rowid

create index events_email on events (email_id, id)

create table counters (
  team_id text not null,
  hour integer not null,
  domain_id text not null,
  event text not null,
  total integer not null,
  primary key (team_id, hour, domain_id, event)
) without rowid

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

-- The queue (D5). A row is here until its work has ended; only the holder of its lease may end it.
create table jobs (
  id text primary key not null,
  kind text not null,
  lane text not null,
  payload text not null,
  run_at integer not null,
  attempts integer not null,
  fence integer not null,
  node text,
  lease_until integer,
  last_error text,
  created_at integer not null
) without rowid

create index jobs_ready on jobs (lane, run_at) where node is null

create index jobs_leased on jobs (node, lease_until) where node is not null

-- When a lane has something to do next, so that nobody rescans what is not due; null: nothing waits in it.
create table lanes (
  lane text primary key not null,
  next_at integer,
  blocked_until integer,
  blocked_by text
) without rowid

create index lanes_next on lanes (next_at) where next_at is not null

create table sandbox_messages (
  id text primary key not null,
  team_id text not null,
  email_id text not null,
  delivery_id text not null,
  mail_from text not null,
  rcpt_to text not null,
  is_encrypted integer not null,
  raw blob not null,
  created_at integer not null
)

create index sandbox_messages_team on sandbox_messages (team_id, id)

-- One row that /readyz writes, because only a write shows that writes reach the disk.
create table readiness (
  id integer primary key not null,
  probed_at integer not null
)
