// invitations/ is how people come into a team: a link that is mailed, good for a week and for one person.
import { randomBytes } from "node:crypto";
import { and, eq, getTableColumns, gt, lte, not, sql } from "drizzle-orm";
import { isMemberByEmail, readRole } from "../accounts/members.ts";
import { type Invitation, invitations, type Team, teams, type User } from "../accounts/schema.ts";
import { emailKey, newUser, recognize, refuseTaken } from "../accounts/service.ts";
import { own } from "../accounts/sign-ins.ts";
import { findUserByEmail, insertMembership, insertUser } from "../accounts/store.ts";
import { getTeam } from "../accounts/teams.ts";
import { type App, atomically, requireRole } from "../app.ts";
import { auditEntry } from "../audit/service.ts";
import { type Keyset, newestFirst, pageOf } from "../db/page.ts";
import { expectChange, type Write } from "../db/write.ts";
import { getEmail } from "../emails/read.ts";
import { accept } from "../emails/send.ts";
import { Refusal, WriteConflict } from "../errors.ts";
import { isId, newIdAt } from "../ids.ts";
import { findRecipient } from "../inbound/recipients.ts";
import { parseAddress } from "../mail/address.ts";
import { invitationEmail } from "./mail.ts";

/** Nobody is invited as an owner: an owner makes one of somebody who has joined. */
export const invitedRoles = ["viewer", "developer", "admin"] as const;

const goodForMs = 7 * 86_400_000;
/** A server where anybody may register must not be one for sending strangers mail they did not ask for. */
const mostOpen = 100;

/** What was made of an invitation: mailed, or a link for whoever invites to hand over. */
export type Handing =
  | { kind: "mailed"; emailId: string }
  | { kind: "link"; link: string; why: "no_domain" | "suppressed" | "received_here" };

export interface Inviting {
  invitation: Invitation;
  handing: Handing;
}

/** Invites somebody to a team by mail. `invitedBy` is an email address. */
export async function invite(
  app: App,
  teamId: string,
  { email, role, invitedBy }: { email: string; role: string; invitedBy: string },
): Promise<Inviting> {
  requireRole(app, "admin");
  const parsed = parseAddress(email);
  if (!parsed || parsed.name !== undefined) {
    throw new Refusal(
      "validation_error",
      "Invalid `email` field. The email address needs to follow the `email@example.com` format.",
    );
  }
  const key = emailKey(parsed.address);
  const wanted = readRole(role, invitedRoles);
  if (await isMemberByEmail(app, teamId, key)) {
    throw new Refusal("already_exists", `Invalid \`email\` field. ${key} is in this team already.`);
  }
  const createdAt = app.now();
  if ((await listInvitations(app, teamId)).length >= mostOpen) {
    throw new Refusal("validation_error", `A team may have ${mostOpen} open invitations at most.`);
  }
  const made = makeToken(app);
  const { token: _, ...kept } = made;
  const row = { id: newIdAt(createdAt), teamId, email: key, role: wanted, invitedBy, createdAt, ...kept };
  // One that has expired is out of everybody's sight, and makes way.
  const writes = [
    app.db.delete(invitations).where(and(eq(invitations.teamId, teamId), expired(createdAt))),
    app.db.insert(invitations).values(row),
  ];
  const handing = await hand(app, row, made.token, writes).catch((error: unknown) => {
    if (!(error instanceof WriteConflict && error.kind === "unique")) throw error;
    throw new Refusal(
      "already_exists",
      `Invalid \`email\` field. ${key} is invited already: send that invitation again, or take it back.`,
    );
  });
  return { invitation: row, handing };
}

/** Sends an invitation again, with a new link that is good for another week; the old one ends. */
export async function inviteAgain(app: App, teamId: string, id: string): Promise<Inviting> {
  requireRole(app, "admin");
  const known = await getInvitation(app, teamId, id);
  const { token, ...kept } = makeToken(app);
  const invitation = { ...known, ...kept };
  const writes = [app.db.update(invitations).set(kept).where(eq(invitations.id, known.id)), expectChange()];
  const handing = await hand(app, invitation, token, writes).catch(refuseMissing);
  return { invitation, handing };
}

/** Takes an invitation back: its link leads nowhere from then on. */
export async function takeBack(app: App, teamId: string, id: string): Promise<void> {
  requireRole(app, "admin");
  const { id: known } = await getInvitation(app, teamId, id);
  await atomically(app, [app.db.delete(invitations).where(eq(invitations.id, known)), expectChange()]).catch(
    refuseMissing,
  );
}

export interface ListedInvitation extends Invitation {
  /** Whether its mail could not be delivered: its link leads nowhere, and it is to be sent again. */
  hasComeBack: boolean;
}

/** One page of a team's open invitations and one more, newest first; never more than a hundred in all. */
export async function listInvitations(
  app: App,
  teamId: string,
  page: Keyset = { limit: undefined },
): Promise<ListedInvitation[]> {
  const isOpen = and(eq(invitations.teamId, teamId), gt(invitations.expiresAt, app.now()));
  const { where, orderBy, limit } = pageOf(invitations.id, isOpen, page);
  return newestFirst(
    await app.db
      .select({ ...getTableColumns(invitations), hasComeBack })
      .from(invitations)
      .where(where)
      .orderBy(orderBy)
      .limit(limit),
    page,
  );
}

export interface OpenInvitation {
  invitation: Invitation;
  team: Team;
  /** Whether the address has an account here. */
  hasAccount: boolean;
}

export async function getOpenInvitation(app: App, token: string): Promise<OpenInvitation> {
  const found = await findInvitation(app, token);
  if (!found) throw invitationMissing();
  return found;
}

/** What a link leads to; undefined when it is none, has expired, has come back, or was used or taken back. */
export async function findInvitation(app: App, token: string): Promise<OpenInvitation | undefined> {
  const row = await app.db
    .select({ invitation: invitations, team: teams })
    .from(invitations)
    .innerJoin(teams, eq(teams.id, invitations.teamId))
    .where(
      and(eq(invitations.tokenHash, hashOf(token)), gt(invitations.expiresAt, app.now()), not(hasComeBack)),
    )
    .get();
  if (!row) return undefined;
  return { ...row, hasAccount: (await findUserByEmail(app.db, row.invitation.email)) !== undefined };
}

/** Makes an account for the person invited, in that team. */
async function joinAsNew(
  app: App,
  { invitation }: OpenInvitation,
  { name, password, address }: { name: string; password: string; address: string },
): Promise<User> {
  const user = await newUser(app, { email: invitation.email, name, password });
  await join(app, invitation, user, address, [insertUser(app.db, user)]).catch(refuseTaken);
  return user;
}

/** Lets somebody join who has shown that the invited address is theirs. */
export async function joinAs(
  app: App,
  { invitation }: OpenInvitation,
  user: Pick<User, "id" | "email">,
  address: string,
): Promise<void> {
  if (user.email !== invitation.email) {
    throw new Refusal(
      "not_permitted",
      `This invitation is for ${invitation.email}, and you are ${user.email}.`,
    );
  }
  await join(app, invitation, user, address, []);
}

/** Lets somebody join by a password: a new account's, or that of the one the address has. `address` is the network's. */
export async function joinByPassword(
  app: App,
  found: OpenInvitation,
  { name, password, address }: { name: string; password: string; address: string },
): Promise<User> {
  if (!found.hasAccount) return joinAsNew(app, found, { name, password, address });
  const user = await recognize(app, { email: found.invitation.email, password, address });
  await joinAs(app, found, user, address);
  return user;
}

/** Of two who use one link at once, one joins. */
async function join(
  app: App,
  { id, teamId, tokenHash, role }: Invitation,
  user: Pick<User, "id" | "email">,
  address: string,
  before: Write[],
): Promise<void> {
  const act = `Joined the team as ${role}`;
  const about = { teamId, userId: user.id, email: user.email, act, subject: user.id, address };
  await own(
    app,
    [
      app.db.delete(invitations).where(and(eq(invitations.id, id), eq(invitations.tokenHash, tokenHash))),
      expectChange(),
      ...before,
      insertMembership(app.db, { teamId, userId: user.id, role, createdAt: app.now() }).onConflictDoNothing(),
    ],
    auditEntry(app, about),
  ).catch(refuseMissing);
}

/** Writes the invitation and the email that carries its link in one batch. */
async function hand(app: App, row: Invitation, token: string, writes: Write[]): Promise<Handing> {
  const { teamId } = row;
  const link = `${app.config.server.publicUrl}/admin/invitation?token=${token}`;
  const { name: team } = await getTeam(app, teamId);
  const email = await invitationEmail(app, teamId, { ...row, team, link });
  // A mailbox of this server's is read by everybody in its team, and the link is for one of them.
  const isReceivedHere = (await findRecipient(app, row.email)).kind === "ours";
  if (!email || isReceivedHere) {
    await atomically(app, writes);
    return { kind: "link", link, why: isReceivedHere ? "received_here" : "no_domain" };
  }
  const carriedBy = ({ id }: { id: string }) =>
    app.db.update(invitations).set({ emailId: id }).where(eq(invitations.id, row.id));
  const { id } = await accept(app, { teamId }, email, (made) => [...writes, carriedBy(made)], atomically);
  const { lastEvent } = await getEmail(app, teamId, id);
  return lastEvent === "suppressed"
    ? { kind: "link", link, why: "suppressed" }
    : { kind: "mailed", emailId: id };
}

async function getInvitation(app: App, teamId: string, id: string): Promise<Invitation> {
  const row = isId(id)
    ? await app.db
        .select()
        .from(invitations)
        .where(and(eq(invitations.id, id.toLowerCase()), eq(invitations.teamId, teamId)))
        .get()
    : undefined;
  if (!row) throw invitationMissing();
  return row;
}

/** What is new each time an invitation is sent. */
function makeToken(app: App): Pick<Invitation, "tokenHash" | "expiresAt" | "emailId"> & { token: string } {
  const token = randomBytes(32).toString("base64url");
  const expiresAt = new Date(app.now().getTime() + goodForMs);
  return { token, tokenHash: hashOf(token), expiresAt, emailId: null };
}

/** A report that a message has come back quotes it, and those who read reports here are not those who were invited. */
const hasComeBack = sql<boolean>`exists (select 1 from deliveries d
  where d.email_id = invitations.email_id and d.state in ('bounced', 'failed'))`.mapWith(Boolean);

const expired = (now: Date) => lte(invitations.expiresAt, now);

function hashOf(token: string): string {
  return new Bun.CryptoHasher("sha256").update(token).digest("hex");
}

function refuseMissing(error: unknown): never {
  throw error instanceof WriteConflict && error.kind === "stale" ? invitationMissing() : error;
}

const invitationMissing = () =>
  new Refusal("not_found", "Invitation not found: it was used, taken back, or has expired.");
