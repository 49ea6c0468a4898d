-- How many events of a kind in an hour at a large provider, by the host that was asked: where a reputation is won or lost.
-- What is at no provider that is known stands in counters alone.
create table provider_counters (
  team_id text not null,
  hour integer not null,
  provider text not null,
  event text not null,
  total integer not null,
  primary key (team_id, hour, provider, event)
) without rowid
