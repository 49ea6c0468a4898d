-- What the messages of an email carry to tell of opens and clicks (JSON); null: nothing.
alter table emails add column tracking text

-- Where the tracked links of a body lead: for all its recipients once. They outlive the body, because people click on.
create table links (
  content_id text not null,
  id text not null,
  url text not null,
  primary key (content_id, id)
) without rowid

-- What was told of a delivery's opens and clicks: when a person first did each, and how many events there are.
create table engagements (
  delivery_id text primary key not null references deliveries (id) on delete cascade,
  opened_at integer,
  clicked_at integer,
  by_people integer not null,
  by_machines integer not null
) without rowid
