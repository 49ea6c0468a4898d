-- The email that carries an invitation's link: where it came back, the link may have been read by others.
alter table invitations add column email_id text
