drop table unnamed_blobs

drop table inbound_routes

drop table inbound_attachments

drop table inbound_bodies

drop table inbound_raws

drop table inbound_emails
