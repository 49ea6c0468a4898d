-- Clustered by team: a walk through a team's contacts reads the table in its order. What hangs on a contact goes with it
-- by a trigger, because a foreign key would need an index of all ids.
create table contacts (
  team_id text not null references teams (id) on delete cascade,
  id text not null,
  email text not null,
  first_name text,
  last_name text,
  unsubscribed integer not null,
  properties text not null,
  created_at integer not null,
  updated_at integer not null,
  primary key (team_id, id)
) without rowid

create unique index contacts_team_email on contacts (team_id, email)

create index contacts_team_first_name on contacts (team_id, first_name collate nocase, id) where first_name is not null

create index contacts_team_last_name on contacts (team_id, last_name collate nocase, id) where last_name is not null

create table contact_totals (
  team_id text primary key not null references teams (id) on delete cascade,
  total integer not null,
  unsubscribed integer not null
) without rowid

create table contact_activity (
  contact_id text primary key not null,
  delivered_at integer,
  opened_at integer,
  clicked_at integer,
  bounced_at integer
) without rowid

create table contact_properties (
  id text primary key not null,
  team_id text not null references teams (id) on delete cascade,
  key text not null,
  type text not null,
  label text,
  fallback_value text,
  deleted_at integer,
  created_at integer not null
)

create unique index contact_properties_team_key on contact_properties (team_id, key)

create index contact_properties_team on contact_properties (team_id, id)

create table segments (
  id text primary key not null,
  team_id text not null references teams (id) on delete cascade,
  name text not null,
  rules text,
  audience_id text,
  members integer not null,
  created_at integer not null
)

create index segments_team on segments (team_id, id)

create index segments_audience on segments (audience_id, id) where audience_id is not null

-- No foreign keys: the members of a segment that goes, a million perhaps, go in slices.
create table segment_members (
  segment_id text not null,
  contact_id text not null,
  primary key (segment_id, contact_id)
) without rowid

create index segment_members_contact on segment_members (contact_id, segment_id)

create table topics (
  id text primary key not null,
  team_id text not null references teams (id) on delete cascade,
  name text not null,
  description text,
  default_subscription text not null,
  visibility text not null,
  created_at integer not null,
  updated_at integer not null
)

create index topics_team on topics (team_id, id)

create table contact_topics (
  contact_id text not null,
  topic_id text not null,
  subscription text not null,
  primary key (contact_id, topic_id)
) without rowid

create index contact_topics_topic on contact_topics (topic_id, contact_id)

create table contact_imports (
  id text primary key not null,
  team_id text not null references teams (id) on delete cascade,
  status text not null,
  blob_hash text,
  size integer not null,
  options text not null,
  bytes_read integer not null,
  total integer not null,
  created integer not null,
  updated integer not null,
  skipped integer not null,
  failed integer not null,
  problem text,
  created_at integer not null,
  completed_at integer
)

create index contact_imports_team on contact_imports (team_id, id)

create index contact_imports_team_status on contact_imports (team_id, status, id)

create index contact_imports_created on contact_imports (created_at)

create index contact_imports_blob on contact_imports (blob_hash) where blob_hash is not null

create table contact_import_errors (
  import_id text not null references contact_imports (id) on delete cascade,
  line integer not null,
  message text not null,
  primary key (import_id, line)
) without rowid

create trigger contacts_counted after insert on contacts
begin
  insert into contact_totals (team_id, total, unsubscribed) values (new.team_id, 1, new.unsubscribed)
  on conflict (team_id) do update set total = total + 1, unsubscribed = unsubscribed + excluded.unsubscribed;
end

create trigger contacts_unsubscribed after update of unsubscribed on contacts when new.unsubscribed <> old.unsubscribed
begin
  update contact_totals set unsubscribed = unsubscribed + new.unsubscribed - old.unsubscribed
  where team_id = new.team_id;
end

create trigger contacts_gone after delete on contacts
begin
  update contact_totals set total = total - 1, unsubscribed = unsubscribed - old.unsubscribed
  where team_id = old.team_id;
  delete from segment_members where contact_id = old.id;
  delete from contact_topics where contact_id = old.id;
  delete from contact_activity where contact_id = old.id;
end

create trigger segment_members_counted after insert on segment_members
begin
  update segments set members = members + 1 where id = new.segment_id;
end

create trigger segment_members_gone after delete on segment_members
begin
  update segments set members = members - 1 where id = old.segment_id;
end

-- In the transaction of whoever records the event, as with webhooks. A team without contacts pays one look at a table of
-- a few rows; of opens and clicks only those that people made count.
create trigger contact_activity_of_event after insert on events
when new.type in ('email.delivered', 'email.opened', 'email.clicked', 'email.bounced') and new.recipient is not null
  and exists (select 1 from contact_totals where team_id = new.team_id and total > 0)
  and (new.type in ('email.delivered', 'email.bounced') or json_extract(new.data, '$.is_bot') is not 1)
begin
  insert into contact_activity (contact_id, delivered_at, opened_at, clicked_at, bounced_at)
  select id,
    iif(new.type = 'email.delivered', new.created_at, null), iif(new.type = 'email.opened', new.created_at, null),
    iif(new.type = 'email.clicked', new.created_at, null), iif(new.type = 'email.bounced', new.created_at, null)
  from contacts where team_id = new.team_id and email = lower(new.recipient)
  on conflict (contact_id) do update set
    delivered_at = coalesce(excluded.delivered_at, delivered_at),
    opened_at = coalesce(excluded.opened_at, opened_at),
    clicked_at = coalesce(excluded.clicked_at, clicked_at),
    bounced_at = coalesce(excluded.bounced_at, bounced_at);
end
