// What a person does about their own account, whatever their role in a team.
import { and, eq } from "drizzle-orm";
import type { App } from "../app.ts";
import { auditEntry } from "../audit/service.ts";
import { Refusal } from "../errors.ts";
import { hashPassword, requireUsablePassword } from "./password.ts";
import { memberships, signIns, type Team, teams, type User, users } from "./schema.ts";
import { nameFrom, recognize, refuseOtherPassword } from "./service.ts";
import { passOn, type Session } from "./sessions.ts";
import { listTeamsOf, otherThan, own, type Self, type SignedIn, takeTrace } from "./sign-ins.ts";
import { replacePassword } from "./store.ts";

/** A person in one of their teams. */
export interface OwnAccount extends Pick<SignedIn, "team" | "role"> {
  user: Pick<User, "id" | "email" | "name" | "createdAt">;
}

export async function getOwnAccount(app: App, teamId: string, userId: string): Promise<OwnAccount> {
  const account = await app.db
    .select({
      user: { id: users.id, email: users.email, name: users.name, createdAt: users.createdAt },
      team: { id: teams.id, name: teams.name, createdAt: teams.createdAt },
      role: memberships.role,
    })
    .from(memberships)
    .innerJoin(users, eq(users.id, memberships.userId))
    .innerJoin(teams, eq(teams.id, memberships.teamId))
    .where(and(eq(memberships.teamId, teamId), eq(memberships.userId, userId)))
    .get();
  if (!account) throw notInTeam();
  return account;
}

export async function renameSelf(app: App, { user }: Pick<SignedIn, "user">, name: string): Promise<void> {
  const write = app.db
    .update(users)
    .set({ name: nameFrom(name, "name") })
    .where(eq(users.id, user.id));
  await own(app, [write], takeTrace(app));
}

/**
 * Changes a person's password for the old one. Tokens and sign-ins under the old one end, but for this browser's. Gives
 * the person with the new one.
 */
export async function changeOwnPassword(
  app: App,
  { user, signInId }: Self,
  { old, password, address }: { old: string; password: string; address: string },
): Promise<Pick<User, "id" | "passwordHash">> {
  const shown = await recognize(app, { email: user.email, password: old, address }).catch(refuseOld);
  requireUsablePassword(password);
  const passwordHash = await hashPassword(password);
  await own(
    app,
    [
      ...replacePassword(app.db, shown, passwordHash),
      app.db.delete(signIns).where(and(eq(signIns.userId, user.id), otherThan(signInId))),
    ],
    takeTrace(app),
  )
    .catch(refuseOtherPassword)
    .catch(refuseOld);
  return { id: shown.id, passwordHash };
}

function refuseOld(error: unknown): never {
  if (!(error instanceof Refusal && error.code === "invalid_credentials")) throw error;
  throw new Refusal("invalid_credentials", "Invalid `old_password` field. That is not your password.");
}

/** A token for another of a person's teams, which has it in its audit log. `address` is the network's. */
export async function tokenForTeam(
  app: App,
  session: Pick<Session, "userId" | "terms">,
  email: string,
  teamId: string,
  address: string,
): Promise<{ team: Team; token: string }> {
  const { userId } = session;
  const team = (await listTeamsOf(app, userId)).find(({ id }) => id === teamId.toLowerCase());
  if (!team) throw notInTeam();
  const came = { act: "Came from another team, with a token", subject: userId, address };
  await own(app, [auditEntry(app, { teamId: team.id, userId, email, ...came })]);
  return { team, token: await passOn(app, session, team.id) };
}

const notInTeam = () => new Refusal("not_found", "You are not in that team.");
