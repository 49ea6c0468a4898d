-- Whole days of tag_counters, by the first millisecond of each day of UTC: a month of hours takes 24 times as long to read.
create table tag_days (
  team_id text not null,
  name text not null,
  day integer not null,
  value text not null,
  event text not null,
  total integer not null,
  primary key (team_id, name, day, value, event)
) without rowid

insert into tag_days (team_id, name, day, value, event, total)
select team_id, name, hour - hour % 86400000, value, event, sum(total) from tag_counters
group by team_id, name, hour - hour % 86400000, value, event

create trigger tag_days_begun after insert on tag_counters
begin
  insert into tag_days (team_id, name, day, value, event, total)
  values (new.team_id, new.name, new.hour - new.hour % 86400000, new.value, new.event, new.total)
  on conflict (team_id, name, day, value, event) do update set total = total + excluded.total;
end

create trigger tag_days_counted after update of total on tag_counters
begin
  update tag_days set total = total + new.total - old.total
  where team_id = new.team_id and name = new.name and day = new.hour - new.hour % 86400000
    and value = new.value and event = new.event;
end
