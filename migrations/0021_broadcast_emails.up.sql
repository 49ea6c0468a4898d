-- What was sent to somebody by broadcasts is looked for broadcast by broadcast. Other emails are not in it, so that
-- accepting them writes nothing more.
create index emails_broadcast on emails (team_id, id) where broadcast_id is not null

-- Bodies lie before the status in a row, and whoever reads it from there reads them. Lists by status and text are looked
-- through in the index alone.
drop index broadcasts_team

create index broadcasts_team on broadcasts (team_id, id, status, name, subject)
