-- The words of emails, written some time after the emails themselves so that accepting does not pay for them. A row's
-- rowid is the first 62 bits of its email's id, so that newest first is the order of rowids, and the words of an email
-- are found without a table between.
create virtual table email_search using fts5(
  scope, sender, recipients, subject, tags, message_id,
  content = '', contentless_delete = 1, tokenize = 'unicode61 remove_diacritics 2'
)

-- The words there are, one after another, to see how many begin alike.
create virtual table email_search_terms using fts5vocab(email_search, instance)

-- Up to which email the words are written.
create table email_search_progress (
  id integer primary key not null check (id = 1),
  email_id text not null
)

insert into email_search_progress (id, email_id) values (1, '')

-- What went wrong, is late, or was read is a part of all, and asked for most. Accepting and delivering write none of it.
create index emails_outcome on emails (team_id, last_event, id)
where last_event in ('bounced', 'complained', 'failed', 'suppressed', 'canceled', 'delivery_delayed', 'opened', 'clicked')
