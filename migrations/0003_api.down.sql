drop table email_counters

create table counters_by_domain (
  team_id text not null,
  hour integer not null,
  domain_id text not null,
  event text not null,
  total integer not null,
  primary key (team_id, hour, domain_id, event)
) without rowid

insert into counters_by_domain (team_id, hour, domain_id, event, total)
select team_id, hour, domain_id, event, sum(total) from counters group by team_id, hour, domain_id, event

drop table counters

alter table counters_by_domain rename to counters

drop index emails_scheduled

drop table domain_claims

delete from dkim_keys where state <> 'active'

alter table dkim_keys drop column retire_at

alter table dkim_keys drop column state

alter table domains drop column first_verified_at

alter table domains drop column tracking_verified_at

drop table logs

-- Without its networks such a key would work from everywhere.
delete from api_keys where allowed_ips <> '[]'

alter table api_keys drop column allowed_ips

drop index suppressions_expiry

drop index suppressions_team_reason

drop index suppressions_team

-- What has ended must not begin anew; what has not ended yet stays, as the side on which nobody gets mail.
delete from suppressions where expires_at <= unixepoch() * 1000

alter table suppressions drop column expires_at
