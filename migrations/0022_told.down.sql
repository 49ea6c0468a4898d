drop table told
