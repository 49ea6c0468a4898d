-- Endpoints that are called when something happens to a team's things.
create table webhooks (
  id text primary key not null,
  team_id text not null references teams (id) on delete cascade,
  endpoint text not null,
  events text not null,
  status text not null,
  include_body integer not null,
  sealed_secret text not null,
  sealed_old_secret text,
  old_secret_until integer,
  failing_since integer,
  last_failure_at integer,
  disabled_reason text,
  created_at integer not null
)

create index webhooks_team on webhooks (team_id, id)

-- Which enabled endpoint hears of which type of event, and by which name; a type of '*' is all of them. Asked for every
-- event that is recorded, so a row is here only while its endpoint is enabled.
create table webhook_subscriptions (
  team_id text not null,
  type text not null,
  webhook_id text not null references webhooks (id) on delete cascade,
  name text not null,
  primary key (team_id, type, webhook_id, name)
) without rowid

create index webhook_subscriptions_webhook on webhook_subscriptions (webhook_id)

-- One event for one endpoint. No foreign key: of an endpoint that goes they go in slices.
create table webhook_events (
  webhook_id text not null,
  id text not null,
  event_id text not null,
  name text not null,
  status text not null,
  tries integer not null,
  created_at integer not null,
  primary key (webhook_id, id)
) without rowid

create table webhook_attempts (
  webhook_id text not null,
  message_id text not null,
  id text not null,
  http_status integer,
  response text not null,
  error text,
  duration_ms integer not null,
  created_at integer not null,
  primary key (webhook_id, message_id, id)
) without rowid

-- The one endpoint that hears of an event, where it is not for those that subscribed to it.
alter table events add column webhook_id text

-- Whoever records an event has it heard, in the same transaction: a trigger can't be forgotten, and where nobody listens
-- it costs a third of a statement of its own. The id follows from the event's, so that it is the same for every endpoint.
create trigger webhook_events_of_event after insert on events
when new.type not in ('email.queued', 'email.canceled', 'webhook.disabled') and (
  new.webhook_id is not null
  or exists (select 1 from webhook_subscriptions where team_id = new.team_id and type in (new.type, '*')))
begin
  insert into webhook_events (webhook_id, id, event_id, name, status, tries, created_at)
  select webhook_id, 'msg_' || replace(new.id, '-', '') || iif(name in (new.type, '*'), '', '2'), new.id,
    iif(name <> '*', name, iif(new.type = 'email.unsubscribed', 'contact.unsubscribed', new.type)),
    'pending', 0, new.created_at
  from webhook_subscriptions
  where new.webhook_id is null and team_id = new.team_id and type in (new.type, '*');
  insert into webhook_events (webhook_id, id, event_id, name, status, tries, created_at)
  select id, 'msg_' || replace(new.id, '-', ''), new.id,
    coalesce((
      select name from webhook_subscriptions
      where team_id = new.team_id and type = new.type and webhook_id = new.webhook_id), new.type),
    'pending', 0, new.created_at
  from webhooks where id = new.webhook_id and team_id = new.team_id and status = 'enabled';
end

-- Each with its job, in the lane of its endpoint: what `enqueue` writes.
create trigger webhook_jobs_of_event after insert on webhook_events when new.status = 'pending'
begin
  insert into jobs (id, kind, lane, payload, run_at, attempts, fence, created_at)
  values (new.webhook_id || '/' || new.id, 'webhook', 'webhook/' || new.webhook_id,
    json_object('webhookId', new.webhook_id, 'id', new.id,
      'emailId', (select email_id from events where id = new.event_id)),
    new.created_at, 0, 0, new.created_at);
  insert into lanes (lane, kind, next_at) values ('webhook/' || new.webhook_id, 'webhook', new.created_at)
  on conflict (lane) do update set next_at = max(excluded.next_at, coalesce(blocked_until, 0))
  where next_at is null or excluded.next_at < next_at;
end
