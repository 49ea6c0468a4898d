-- What is kept of one person and is to go: where the walk through the tables is. The address is here until it has ended.
create table erasures (
  id text primary key not null,
  team_id text not null references teams (id) on delete cascade,
  address text,
  stage text not null,
  cursor text not null,
  counts text not null,
  created_at integer not null,
  completed_at integer
)

create index erasures_team on erasures (team_id, id)

-- Bodies of emails that were erased, until it is known whether other emails have the same.
create table erased_contents (
  erasure_id text not null references erasures (id) on delete cascade,
  content_id text not null,
  created_at integer not null,
  primary key (erasure_id, content_id)
) without rowid

-- Whom a broadcast goes to, as it was when it began; each row goes in the batch that gives the contact their delivery.
create table broadcast_audience (
  broadcast_id text not null references broadcasts (id) on delete cascade,
  contact_id text not null,
  is_wanted integer not null,
  primary key (broadcast_id, contact_id)
) without rowid
