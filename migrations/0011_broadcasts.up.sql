-- One email to many contacts. Until it is sent it is what its author writes; then `email_id` names the email it became.
create table broadcasts (
  id text primary key not null,
  team_id text not null references teams (id) on delete cascade,
  name text not null,
  segment_id text not null,
  topic_id text,
  sender text not null,
  subject text not null,
  reply_to text not null,
  preview_text text,
  html text,
  text text,
  rate_per_minute integer,
  status text not null,
  problem text,
  api_key_id text,
  email_id text,
  fallbacks text,
  conductor text,
  audience_end text,
  cursor text,
  steered text,
  steer_cursor text,
  watched text,
  recipients integer not null,
  skipped_unsubscribed integer not null,
  skipped_suppressed integer not null,
  scheduled_at integer,
  started_at integer,
  sent_at integer,
  created_at integer not null,
  updated_at integer not null
)

create index broadcasts_team on broadcasts (team_id, id)

alter table emails add column broadcast_id text

-- Of a broadcast's deliveries: the contact, and what is filled in for them (JSON).
alter table deliveries add column contact_id text

alter table deliveries add column merge_values text

-- Nobody gets a broadcast twice, whatever else may fail.
create unique index deliveries_broadcast on deliveries (email_id, recipient) where contact_id is not null

-- Who of an email's recipients did what, of the things that few of them do.
create index events_outcomes on events (email_id, type, delivery_id)
where type in ('email.bounced', 'email.complained', 'email.suppressed', 'email.unsubscribed', 'email.opened', 'email.clicked', 'email.delivery_delayed')

-- What was filled in of a contact goes with them. By the index of a broadcast's recipients, one look for each broadcast.
create trigger contacts_gone_from_broadcasts after delete on contacts
begin
  update deliveries set merge_values = null
  where email_id in (select email_id from broadcasts where team_id = old.team_id and email_id is not null)
    and recipient = old.email and contact_id = old.id;
end
