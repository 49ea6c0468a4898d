-- When what an email says was removed, bodies and files: they had been kept for as long as `retention.content` says.
alter table emails add column content_removed_at integer

-- How far work is that walks through a table for ever, by name.
create table walks (
  name text primary key not null,
  cursor text not null
) without rowid

-- Emails that the removal of contents has passed while they were still waited for, or had ended too lately.
create table kept_contents (
  email_id text primary key not null references emails (id) on delete cascade
) without rowid

-- A body is emptied once no email is left that keeps it. Bodies are made in the order of their ids, so that emails are
-- written at the end of it.
create index emails_content on emails (content_id) where content_removed_at is null
