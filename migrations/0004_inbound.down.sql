drop table inbound_announcements

drop table inbound_routes

drop table inbound_attachments

drop table inbound_bodies

drop table inbound_emails
