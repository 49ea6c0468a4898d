-- How many events of a kind in an hour of emails with a tag. The name comes first: whoever asks for one reads nothing of others.
create table tag_counters (
  team_id text not null,
  name text not null,
  hour integer not null,
  value text not null,
  event text not null,
  total integer not null,
  primary key (team_id, name, hour, value, event)
) without rowid
