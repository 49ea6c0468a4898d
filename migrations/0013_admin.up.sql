-- What a member may do is told apart further: who was a member may do all that concerns mail, and nothing about people.
update memberships set role = 'developer' where role = 'member'

-- A browser in which a person is signed in. The cookie's token is nowhere, only its hash.
create table sign_ins (
  id text primary key not null,
  user_id text not null references users (id) on delete cascade,
  team_id text not null references teams (id) on delete cascade,
  token_hash text not null,
  address text not null,
  user_agent text not null,
  seen_at integer not null,
  expires_at integer not null,
  created_at integer not null
)

create unique index sign_ins_token on sign_ins (token_hash)

create index sign_ins_user on sign_ins (user_id, id)

create index sign_ins_team on sign_ins (team_id)

create index sign_ins_expiry on sign_ins (expires_at)

create table invitations (
  id text primary key not null,
  team_id text not null references teams (id) on delete cascade,
  email text not null,
  role text not null,
  token_hash text not null,
  invited_by text not null,
  expires_at integer not null,
  created_at integer not null
)

create unique index invitations_token on invitations (token_hash)

create unique index invitations_team_email on invitations (team_id, email)

-- Who did what in the admin, written in the same batch as what was done. It outlives the people it names.
create table audit (
  id text primary key not null,
  team_id text not null references teams (id) on delete cascade,
  user_id text not null,
  email text not null,
  act text not null,
  subject text not null,
  address text not null,
  created_at integer not null
) without rowid

create index audit_team on audit (team_id, id)
