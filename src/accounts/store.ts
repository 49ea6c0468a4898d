import { and, asc, desc, eq, inArray, isNull, sql } from "drizzle-orm";
import type { Db } from "../db/open.ts";
import { expectChange, type Write } from "../db/write.ts";
import { type Membership, memberships, signIns, type Team, teams, type User, users } from "./schema.ts";

export async function findUserByEmail(db: Db, email: string): Promise<User | undefined> {
  return db.select().from(users).where(eq(users.email, email)).get();
}

/** A member as a session needs them: one read by primary keys, made for every request of a session. */
export async function findMember(
  db: Db,
  teamId: string,
  userId: string,
): Promise<(Pick<User, "passwordHash" | "disabledAt"> & Pick<Membership, "role">) | undefined> {
  return db
    .select({ passwordHash: users.passwordHash, disabledAt: users.disabledAt, role: memberships.role })
    .from(memberships)
    .innerJoin(users, eq(users.id, memberships.userId))
    .where(and(eq(memberships.teamId, teamId), eq(memberships.userId, userId)))
    .get();
}

/** The team a person joined last. */
export async function findNewestTeamOf(db: Db, userId: string): Promise<Team | undefined> {
  return db
    .select({ id: teams.id, name: teams.name, createdAt: teams.createdAt })
    .from(memberships)
    .innerJoin(teams, eq(teams.id, memberships.teamId))
    .where(eq(memberships.userId, userId))
    .orderBy(desc(memberships.createdAt), desc(teams.id))
    .limit(1)
    .get();
}

export async function findTeamOf(db: Db, userId: string, teamId: string): Promise<Team | undefined> {
  return db
    .select({ id: teams.id, name: teams.name, createdAt: teams.createdAt })
    .from(memberships)
    .innerJoin(teams, eq(teams.id, memberships.teamId))
    .where(and(eq(memberships.teamId, teamId), eq(memberships.userId, userId)))
    .get();
}

export async function listTeams(db: Db): Promise<Team[]> {
  return db.select().from(teams).orderBy(asc(teams.id));
}

/** The team that was made first, with the first account. */
export async function findOldestTeam(db: Db): Promise<Team | undefined> {
  return db.select().from(teams).orderBy(asc(teams.createdAt), asc(teams.id)).limit(1).get();
}

export interface UserWithTeam extends Omit<User, "passwordHash"> {
  team: string | null;
  role: Membership["role"] | null;
}

/** Everybody, the first one first, one row for each team they are in. */
export async function listUsersWithTeams(db: Db): Promise<UserWithTeam[]> {
  return db
    .select({
      id: users.id,
      email: users.email,
      name: users.name,
      disabledAt: users.disabledAt,
      createdAt: users.createdAt,
      team: teams.name,
      role: memberships.role,
    })
    .from(users)
    .leftJoin(memberships, eq(memberships.userId, users.id))
    .leftJoin(teams, eq(teams.id, memberships.teamId))
    .orderBy(asc(users.id), asc(teams.id));
}

export async function hasUsers(db: Db): Promise<boolean> {
  return (await db.select({ id: users.id }).from(users).limit(1)).length > 0;
}

export const insertUser = (db: Db, row: User) => db.insert(users).values(row);

/** Stores the user only while there is none: of two who register at once, one changes a row. */
export const insertFirstUser = (db: Db, row: User) =>
  db.insert(users).select(sql`
    select ${row.id}, ${row.email}, ${row.name}, ${row.passwordHash}, null, ${row.createdAt.getTime()}
    where not exists (select 1 from ${users})`);

export const insertTeam = (db: Db, row: Team) => db.insert(teams).values(row);

export const insertMembership = (db: Db, row: Membership) => db.insert(memberships).values(row);

export const updatePassword = (db: Db, email: string, passwordHash: string) =>
  db.update(users).set({ passwordHash }).where(eq(users.email, email));

/** Puts another password in the place of the one a person has shown; of two who do so at once, one does. */
export const replacePassword = (
  db: Db,
  { id, passwordHash: shown }: Pick<User, "id" | "passwordHash">,
  passwordHash: string,
): Write[] => [
  db
    .update(users)
    .set({ passwordHash })
    .where(and(eq(users.id, id), eq(users.passwordHash, shown), isNull(users.disabledAt))),
  expectChange(),
];

/** Ends what somebody begins with a password that was changed, or who was disabled, while it was looked at. */
export const expectPassword = (db: Db, user: Pick<User, "id" | "passwordHash">): Write[] =>
  replacePassword(db, user, user.passwordHash);

/** Leaves the day of an earlier disabling. */
export const markDisabled = (db: Db, email: string, disabledAt: Date) =>
  db
    .update(users)
    .set({ disabledAt })
    .where(and(eq(users.email, email), isNull(users.disabledAt)));

export const markEnabled = (db: Db, email: string) =>
  db.update(users).set({ disabledAt: null }).where(eq(users.email, email));

/** Ends every sign-in of a person, wherever they are. */
export const deleteSignIns = (db: Db, email: string) =>
  db
    .delete(signIns)
    .where(inArray(signIns.userId, db.select({ id: users.id }).from(users).where(eq(users.email, email))));
