// What a browser holds instead of a password: a random token in a cookie, known here by its hash and revocable.
import { randomBytes } from "node:crypto";
import { and, eq, lt, ne, type SQL } from "drizzle-orm";
import { type App, atomically } from "../app.ts";
import { auditEntry } from "../audit/service.ts";
import { type Keyset, newestFirst, pageOf } from "../db/page.ts";
import { expectChange, type Write } from "../db/write.ts";
import { WriteConflict } from "../errors.ts";
import { newIdAt } from "../ids.ts";
import type { Role } from "../roles.ts";
import { memberships, type SignIn, signIns, type Team, teams, type User, users } from "./schema.ts";
import { refuseOtherPassword } from "./service.ts";
import { expectPassword } from "./store.ts";

/** A sign-in ends when it was not used for two weeks, and after three months in any case. */
const idleMs = 14 * 86_400_000;
const longestMs = 90 * 86_400_000;
/** Being seen is written down at most this often. */
const seenEveryMs = 5 * 60_000;

/** A person in a team, through one browser. */
export interface SignedIn {
  signInId: string;
  user: Pick<User, "id" | "email" | "name">;
  team: Team;
  role: Role;
}

/** Who does something of their own; without a sign-in where they come with a token, which is no browser. */
export type Self = Pick<SignedIn, "user"> & Partial<Pick<SignedIn, "signInId">>;

export interface Browser {
  /** The network address. */
  address: string;
  userAgent: string;
}

/** Signs a browser in for the password its person has shown. The token is for its cookie and nowhere else. */
export async function signIn(
  app: App,
  user: Pick<User, "id" | "email" | "passwordHash">,
  teamId: string,
  { address, userAgent }: Browser,
): Promise<string> {
  const { id: userId, email } = user;
  const token = randomBytes(32).toString("base64url");
  const createdAt = app.now();
  const row: SignIn = {
    ...{ id: newIdAt(createdAt), userId, teamId, tokenHash: hashOf(token), address, createdAt },
    userAgent: userAgent.slice(0, 300),
    seenAt: createdAt,
    expiresAt: new Date(createdAt.getTime() + idleMs),
  };
  await own(
    app,
    [
      ...expectPassword(app.db, user),
      app.db.delete(signIns).where(lt(signIns.expiresAt, createdAt)),
      app.db.insert(signIns).values(row),
    ],
    auditEntry(app, { teamId, userId, email, act: "Signed in", subject: userId, address }),
  ).catch(refuseOtherPassword);
  return token;
}

/**
 * Who a cookie's token speaks for. The person is looked up each time, so that a disabled person, an ended membership
 * or another role counts from the next request on.
 */
export async function findSignedIn(app: App, token: string): Promise<SignedIn | undefined> {
  const row = await app.db
    .select({
      signInId: signIns.id,
      seenAt: signIns.seenAt,
      expiresAt: signIns.expiresAt,
      createdAt: signIns.createdAt,
      user: { id: users.id, email: users.email, name: users.name, disabledAt: users.disabledAt },
      team: { id: teams.id, name: teams.name, createdAt: teams.createdAt },
      role: memberships.role,
    })
    .from(signIns)
    .innerJoin(users, eq(users.id, signIns.userId))
    .innerJoin(teams, eq(teams.id, signIns.teamId))
    .innerJoin(
      memberships,
      and(eq(memberships.teamId, signIns.teamId), eq(memberships.userId, signIns.userId)),
    )
    .where(eq(signIns.tokenHash, hashOf(token)))
    .get();
  if (!row || row.user.disabledAt || row.expiresAt <= app.now()) return undefined;
  const { signInId, user, team, role } = row;
  if (app.now().getTime() - row.seenAt.getTime() > seenEveryMs) await markSeen(app, row);
  return { signInId, user: { id: user.id, email: user.email, name: user.name }, team, role };
}

async function markSeen(
  app: App,
  { signInId, createdAt }: { signInId: string; createdAt: Date },
): Promise<void> {
  const seenAt = app.now();
  const expiresAt = new Date(Math.min(seenAt.getTime() + idleMs, createdAt.getTime() + longestMs));
  await own(app, [app.db.update(signIns).set({ seenAt, expiresAt }).where(eq(signIns.id, signInId))]);
}

/** Ends one sign-in of a person: the browser they sit at, or another of theirs; false where it is none (any more). */
export async function signOut(app: App, userId: string, signInId: string): Promise<boolean> {
  const end = app.db.delete(signIns).where(and(eq(signIns.id, signInId), eq(signIns.userId, userId)));
  return own(app, [end, expectChange()], takeTrace(app)).then(
    () => true,
    (error: unknown) => {
      if (error instanceof WriteConflict && error.kind === "stale") return false;
      throw error;
    },
  );
}

/** Ends all sign-ins of a person but the one they do it from. */
export async function signOutElsewhere(app: App, { user, signInId }: Self): Promise<void> {
  const end = app.db.delete(signIns).where(and(eq(signIns.userId, user.id), otherThan(signInId)));
  await own(app, [end], takeTrace(app));
}

/** Of a person's sign-ins, all but the one they come with, if any. */
export const otherThan = (signInId: string | undefined): SQL | undefined =>
  signInId === undefined ? undefined : ne(signIns.id, signInId);

/** One page of a person's sign-ins and one more, newest first. */
export async function listSignIns(app: App, userId: string, page: Keyset): Promise<SignIn[]> {
  const { where, orderBy, limit } = pageOf(signIns.id, eq(signIns.userId, userId), page);
  return newestFirst(await app.db.select().from(signIns).where(where).orderBy(orderBy).limit(limit), page);
}

/** The teams a person is in, by name. */
export async function listTeamsOf(app: App, userId: string): Promise<(Team & { role: Role })[]> {
  return app.db
    .select({ id: teams.id, name: teams.name, createdAt: teams.createdAt, role: memberships.role })
    .from(memberships)
    .innerJoin(teams, eq(teams.id, memberships.teamId))
    .where(eq(memberships.userId, userId))
    .orderBy(teams.name, teams.id);
}

/**
 * Looks at another team of theirs in this browser; false where they are not in it. With the network address they do it
 * from, the team they come to has it in its audit log, as the one they leave has what they are doing.
 */
export async function switchTeam(
  app: App,
  { signInId, user: { id: userId, email } }: SignedIn,
  teamId: string,
  address?: string,
): Promise<boolean> {
  const theirs = await listTeamsOf(app, userId);
  if (!theirs.some(({ id }) => id === teamId)) return false;
  const came = { teamId, userId, email, act: "Came from another team", subject: userId };
  await own(
    app,
    [
      app.db.update(signIns).set({ teamId }).where(eq(signIns.id, signInId)),
      ...(address === undefined ? [] : [auditEntry(app, { ...came, address })]),
    ],
    takeTrace(app),
  );
  return true;
}

function hashOf(token: string): string {
  return new Bun.CryptoHasher("sha256").update(token).digest("hex");
}

/**
 * Writes of a person's own, which a viewer may do too, and which change nothing of the team. They leave no trace in its
 * audit log unless they bring one.
 */
export async function own(app: App, writes: Write[], trace?: Write): Promise<void> {
  await app.acting.run({}, () => atomically(app, trace ? [...writes, trace] : writes));
}

/** The trace of what a person is doing, for a write of their own that is to leave it. */
export function takeTrace(app: App): Write | undefined {
  const visitor = app.acting.getStore();
  const trace = visitor?.trace;
  if (visitor) visitor.trace = undefined;
  return trace;
}
