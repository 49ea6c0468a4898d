-- What others reported of a delivery and was told, and is never told again: events of it are not kept for ever.
create table told (
  delivery_id text not null references deliveries (id) on delete cascade,
  type text not null,
  primary key (delivery_id, type)
) without rowid

-- The second list is that of the index of outcomes, which SQLite takes only where it is said.
insert into told (delivery_id, type)
select distinct d.id, e.type from events e cross join deliveries d on d.id = e.delivery_id
where e.type in ('email.complained', 'email.unsubscribed', 'email.delivery_delayed')
  and e.type in ('email.bounced', 'email.complained', 'email.suppressed', 'email.unsubscribed', 'email.opened', 'email.clicked', 'email.delivery_delayed')
