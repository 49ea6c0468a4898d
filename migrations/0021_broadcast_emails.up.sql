-- What was sent to somebody by broadcasts is looked for broadcast by broadcast. Other emails are not in it, so that
-- accepting them writes nothing more.
create index emails_broadcast on emails (team_id, id) where broadcast_id is not null
