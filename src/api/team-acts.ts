/** What is done to a team at more than one path, in one way and with one sentence in the audit log. */
import type { Team } from "../accounts/schema.ts";
import { renameTeam } from "../accounts/teams.ts";
import type { App } from "../app.ts";
import { type Inviting, invite } from "../invitations/service.ts";
import type { Asked } from "../logs/record.ts";
import { actingAs, whoIs } from "./acting.ts";
import type { Caller } from "./auth.ts";

export const renameTeamAs = (
  app: App,
  caller: Caller,
  asked: Asked | undefined,
  name: string,
): Promise<Team> =>
  actingAs(app, caller, asked, `Renamed the team to “${name}”`, caller.teamId, () =>
    renameTeam(app, caller.teamId, name),
  );

export async function inviteAs(
  app: App,
  caller: Caller,
  asked: Asked | undefined,
  { email, role }: { email: string; role: string },
): Promise<Inviting> {
  const invitedBy = await whoIs(app, caller);
  return actingAs(app, caller, asked, `Invited ${email} as ${role}`, "", () =>
    invite(app, caller.teamId, { email, role, invitedBy }),
  );
}
