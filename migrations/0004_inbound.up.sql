-- Mail that came for a team's domains.
create table inbound_emails (
  id text primary key not null,
  team_id text not null references teams (id) on delete cascade,
  domain_id text,
  kind text not null,
  mail_from text not null,
  received_for text not null,
  delivery_id text,
  remote_address text not null,
  client_name text not null,
  tls text,
  blob_hash text,
  size integer not null,
  message_id text,
  sender text not null,
  recipients text not null,
  cc text not null,
  bcc text not null,
  reply_to text not null,
  subject text not null,
  verdicts text,
  problem text,
  created_at integer not null
)

create index inbound_emails_team on inbound_emails (team_id, kind, id)

create index inbound_emails_created on inbound_emails (created_at)

create index inbound_emails_blob on inbound_emails (blob_hash) where blob_hash is not null

create table inbound_raws (
  inbound_id text primary key not null references inbound_emails (id) on delete cascade,
  bytes blob not null
)

create table inbound_bodies (
  inbound_id text primary key not null references inbound_emails (id) on delete cascade,
  headers text not null,
  html text,
  text text,
  results text not null
)

create table inbound_attachments (
  id text primary key not null,
  inbound_id text not null references inbound_emails (id) on delete cascade,
  position integer not null,
  filename text,
  content_type text not null,
  content_disposition text not null,
  content_id text,
  size integer not null,
  blob_hash text not null
)

create index inbound_attachments_inbound on inbound_attachments (inbound_id, position)

create index inbound_attachments_blob on inbound_attachments (blob_hash)

-- What becomes of mail for some addresses of a domain: the first that matches decides.
create table inbound_routes (
  id text primary key not null,
  team_id text not null references teams (id) on delete cascade,
  domain_id text not null references domains (id) on delete cascade,
  position integer not null,
  match text not null,
  value text not null,
  action text not null,
  webhook_id text,
  reply text,
  created_at integer not null
)

create index inbound_routes_domain on inbound_routes (domain_id, position, id)

create index inbound_routes_team on inbound_routes (team_id)

-- Blobs that have lost a name: to be removed where they have no other.
create table unnamed_blobs (
  hash text primary key not null,
  since integer not null
) without rowid

create index unnamed_blobs_since on unnamed_blobs (since)
