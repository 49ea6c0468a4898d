-- What counters come to, for whoever looks at a month or a year: a team with ten domains has 60,000 of a month. They have what
-- was counted before the hour that the walk `counter_sums` has come to. A job brings it there when the hour is over, so that
-- counting writes nothing more; what is counted in an hour later than that, by whatever clock, the triggers add.
create table counter_hours (
  team_id text not null,
  hour integer not null,
  event text not null,
  total integer not null,
  primary key (team_id, hour, event)
) without rowid

create table counter_days (
  team_id text not null,
  day integer not null,
  domain_id text not null,
  broadcast_id text not null,
  event text not null,
  total integer not null,
  primary key (team_id, day, domain_id, broadcast_id, event)
) without rowid

create table provider_days (
  team_id text not null,
  day integer not null,
  provider text not null,
  event text not null,
  total integer not null,
  primary key (team_id, day, provider, event)
) without rowid

-- The hours of all teams. Only an hour's first event of a kind is a new counter, so that these cost next to nothing.
create index counters_hour on counters (hour)

create index provider_counters_hour on provider_counters (hour)

create trigger counter_begun_late after insert on counters
when new.hour < (select cast(cursor as integer) from walks where name = 'counter_sums')
begin
  insert into counter_hours (team_id, hour, event, total)
  values (new.team_id, new.hour, new.event, new.total)
  on conflict (team_id, hour, event) do update set total = total + excluded.total;
  insert into counter_days (team_id, day, domain_id, broadcast_id, event, total)
  values (new.team_id, new.hour - new.hour % 86400000, new.domain_id, new.broadcast_id, new.event, new.total)
  on conflict (team_id, day, domain_id, broadcast_id, event) do update set total = total + excluded.total;
end

create trigger counter_counted_late after update of total on counters
when new.hour < (select cast(cursor as integer) from walks where name = 'counter_sums')
begin
  update counter_hours set total = total + new.total - old.total
  where team_id = new.team_id and hour = new.hour and event = new.event;
  update counter_days set total = total + new.total - old.total
  where team_id = new.team_id and day = new.hour - new.hour % 86400000 and domain_id = new.domain_id
    and broadcast_id = new.broadcast_id and event = new.event;
end

create trigger provider_counter_begun_late after insert on provider_counters
when new.hour < (select cast(cursor as integer) from walks where name = 'counter_sums')
begin
  insert into provider_days (team_id, day, provider, event, total)
  values (new.team_id, new.hour - new.hour % 86400000, new.provider, new.event, new.total)
  on conflict (team_id, day, provider, event) do update set total = total + excluded.total;
end

create trigger provider_counter_counted_late after update of total on provider_counters
when new.hour < (select cast(cursor as integer) from walks where name = 'counter_sums')
begin
  update provider_days set total = total + new.total - old.total
  where team_id = new.team_id and day = new.hour - new.hour % 86400000
    and provider = new.provider and event = new.event;
end
