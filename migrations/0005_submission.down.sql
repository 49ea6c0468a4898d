drop table email_sources
