drop index emails_outcome

drop table email_search_progress

drop table email_search_terms

drop table email_search
