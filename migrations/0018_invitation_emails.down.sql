alter table invitations drop column email_id
