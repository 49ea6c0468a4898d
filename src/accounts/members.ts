// Who is in a team, and what they may do there. An admin looks after everybody but owners; owners look after owners.
import { and, eq, sql } from "drizzle-orm";
import { type App, atomically, requireRole } from "../app.ts";
import { type Keyset, newestFirst, pageOf } from "../db/page.ts";
import { expectChange } from "../db/write.ts";
import { Refusal, WriteConflict } from "../errors.ts";
import { isId } from "../ids.ts";
import { type Role, roles } from "../roles.ts";
import { memberships, signIns, users } from "./schema.ts";

export interface Member {
  /** The person's. */
  id: string;
  email: string;
  name: string;
  role: Role;
  disabledAt: Date | null;
  /** When they joined. */
  createdAt: Date;
}

const columns = {
  id: memberships.userId,
  email: users.email,
  name: users.name,
  role: memberships.role,
  disabledAt: users.disabledAt,
  createdAt: memberships.createdAt,
};

/** One page of a team's members and one more; those whose accounts are the newest come first. */
export async function listMembers(app: App, teamId: string, page: Keyset): Promise<Member[]> {
  const { where, orderBy, limit } = pageOf(memberships.userId, eq(memberships.teamId, teamId), page);
  const rows = await app.db
    .select(columns)
    .from(memberships)
    .innerJoin(users, eq(users.id, memberships.userId))
    .where(where)
    .orderBy(orderBy)
    .limit(limit);
  return newestFirst(rows, page);
}

export async function getMember(app: App, teamId: string, userId: string): Promise<Member> {
  const member = isId(userId) ? await findMemberBy(app, teamId, userId.toLowerCase()) : undefined;
  if (!member) throw memberMissing();
  return member;
}

async function findMemberBy(app: App, teamId: string, userId: string): Promise<Member | undefined> {
  return app.db
    .select(columns)
    .from(memberships)
    .innerJoin(users, eq(users.id, memberships.userId))
    .where(and(eq(memberships.teamId, teamId), eq(memberships.userId, userId)))
    .get();
}

/** Gives a member another role, from their next request on. */
export async function changeRole(app: App, teamId: string, userId: string, role: string): Promise<Member> {
  requireRole(app, "admin");
  const wanted = readRole(role, roles);
  const member = await getMember(app, teamId, userId);
  if (wanted === "owner") requireRole(app, "owner");
  requireMayTouch(app, member);
  if (member.role === wanted) return member;
  await atomically(app, [
    app.db
      .update(memberships)
      .set({ role: wanted })
      .where(and(eq(memberships.teamId, teamId), stillAs(teamId, member))),
    expectChange(),
  ]).catch(refuseStale(member));
  return { ...member, role: wanted };
}

/** Takes a person out of a team, from their next request on. Their account stays, and so does all they made. */
export async function removeMember(app: App, teamId: string, userId: string): Promise<Member> {
  requireRole(app, "admin");
  const member = await getMember(app, teamId, userId);
  requireMayTouch(app, member);
  await atomically(app, [
    app.db.delete(memberships).where(and(eq(memberships.teamId, teamId), stillAs(teamId, member))),
    expectChange(),
    // Where they looked at this team they sign in again, to another of theirs.
    app.db.delete(signIns).where(and(eq(signIns.userId, member.id), eq(signIns.teamId, teamId))),
  ]).catch(refuseStale(member));
  return member;
}

/** Whether somebody with that address is in the team. */
export async function isMemberByEmail(app: App, teamId: string, email: string): Promise<boolean> {
  const row = await app.db
    .select({ role: memberships.role })
    .from(users)
    .innerJoin(memberships, and(eq(memberships.userId, users.id), eq(memberships.teamId, teamId)))
    .where(eq(users.email, email))
    .get();
  return row !== undefined;
}

/** Reads a role that comes from outside. */
export function readRole<R extends Role>(text: string, allowed: readonly R[]): R {
  const role = allowed.find((each) => each === text);
  if (role) return role;
  const names = new Intl.ListFormat("en", { type: "disjunction" }).format(allowed);
  throw new Refusal("validation_error", `Invalid \`role\` field. A role is ${names}.`);
}

function requireMayTouch(app: App, { role }: Member): void {
  if (role === "owner") requireRole(app, "owner");
}

/**
 * The member as they were read and, where they are an owner, only while the team has another one who can sign in: of two
 * owners who remove each other at once, one stays.
 */
function stillAs(teamId: string, { id, role }: Member) {
  const unchanged = and(eq(memberships.userId, id), eq(memberships.role, role));
  if (role !== "owner") return unchanged;
  return and(
    unchanged,
    sql`exists (select 1 from memberships other join users u on u.id = other.user_id
      where other.team_id = ${teamId} and other.role = 'owner' and other.user_id <> ${id} and u.disabled_at is null)`,
  );
}

const refuseStale = (member: Member) => (error: unknown) => {
  if (!(error instanceof WriteConflict && error.kind === "stale")) throw error;
  if (member.role !== "owner") throw memberMissing();
  throw new Refusal(
    "validation_error",
    `${member.name} is the team's last owner: make somebody else an owner first.`,
  );
};

const memberMissing = () => new Refusal("not_found", "That person is not in this team (any more).");
