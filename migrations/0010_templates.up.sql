-- Emails made once for many. What is sent is the published version; the current one is what is being worked on.
create table templates (
  id text primary key not null,
  team_id text not null references teams (id) on delete cascade,
  name text not null,
  description text,
  alias text,
  current_version_id text not null,
  published_version_id text,
  published_at integer,
  created_at integer not null,
  updated_at integer not null
)

create index templates_team on templates (team_id, id)

create unique index templates_alias on templates (team_id, alias)

-- A version is never changed: an edit makes another one.
create table template_versions (
  id text primary key not null,
  template_id text not null references templates (id) on delete cascade,
  number integer not null,
  sender text,
  subject text,
  reply_to text not null,
  html text not null,
  text text,
  variables text not null,
  published_at integer,
  created_at integer not null
)

create index template_versions_template on template_versions (template_id, id)

create unique index template_versions_number on template_versions (template_id, number)

-- What the fields of an email's content are filled with (JSON); null: it has none.
alter table emails add column merge text
