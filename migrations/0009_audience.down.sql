drop trigger contact_activity_of_event

delete from jobs where kind in ('import_contacts', 'clear_property', 'clear_segment', 'clear_topic', 'forget_imports')

delete from lanes where kind in ('import_contacts', 'clear_property', 'clear_segment', 'clear_topic', 'forget_imports')

drop table contact_import_errors

drop table contact_imports

drop table contact_topics

drop table topics

drop table segment_members

drop table segments

drop table contact_properties

drop table contact_activity

drop table contact_totals

drop table contacts
