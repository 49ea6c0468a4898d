import { eq } from "drizzle-orm";
import { type App, atomically, requireRole } from "../app.ts";
import { auditEntry } from "../audit/service.ts";
import { expectChange } from "../db/write.ts";
import { Refusal } from "../errors.ts";
import { newId } from "../ids.ts";
import { type Team, teams } from "./schema.ts";
import { nameFrom } from "./service.ts";
import { listTeamsOf, own, type SignedIn } from "./sign-ins.ts";
import { insertMembership, insertTeam } from "./store.ts";

export async function getTeam(app: App, teamId: string): Promise<Team> {
  const team = await app.db.select().from(teams).where(eq(teams.id, teamId)).get();
  if (!team) throw new Refusal("not_found", "Team not found");
  return team;
}

export async function renameTeam(app: App, teamId: string, name: string): Promise<Team> {
  requireRole(app, "admin");
  const changed = nameFrom(name, "name");
  await atomically(app, [
    app.db.update(teams).set({ name: changed }).where(eq(teams.id, teamId)),
    expectChange(),
  ]);
  return getTeam(app, teamId);
}

/** More than anybody needs, and few enough that nobody fills the server with empty ones. */
const mostTeams = 20;

/** Makes another team, of which the person is the owner. */
export async function createTeam(
  app: App,
  user: SignedIn["user"],
  name: string,
  address: string,
): Promise<Team> {
  const theirs = await listTeamsOf(app, user.id);
  if (theirs.filter(({ role }) => role === "owner").length >= mostTeams) {
    throw new Refusal("validation_error", `A person may own ${mostTeams} teams at most.`);
  }
  const createdAt = app.now();
  const team = { id: newId(), name: nameFrom(name, "name"), createdAt };
  const trace = auditEntry(app, {
    ...{ teamId: team.id, userId: user.id, email: user.email },
    ...{ act: `Created the team “${team.name}”`, subject: team.id, address },
  });
  await own(
    app,
    [
      insertTeam(app.db, team),
      insertMembership(app.db, { teamId: team.id, userId: user.id, role: "owner", createdAt }),
    ],
    trace,
  );
  return team;
}
