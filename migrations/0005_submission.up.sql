-- The message of an email that its client made whole and handed in by SMTP, as it came: a small one here, where it shares
-- the commit of its email, a large one in the blob store.
create table email_sources (
  email_id text primary key not null references emails (id) on delete cascade,
  size integer not null,
  raw blob,
  blob_hash text
)

create index email_sources_blob on email_sources (blob_hash) where blob_hash is not null
