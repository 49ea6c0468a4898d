drop index broadcasts_team

create index broadcasts_team on broadcasts (team_id, id)

drop index emails_broadcast
