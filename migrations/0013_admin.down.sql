drop table audit

drop table invitations

drop table sign_ins

update memberships set role = 'member' where role in ('developer', 'viewer')
