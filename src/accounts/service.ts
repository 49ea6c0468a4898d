// accounts/ is the people: who may log in, in which team, and the tokens that show it.
import { type App, atomically } from "../app.ts";
import { expectChange, type Write } from "../db/write.ts";
import { Refusal, WriteConflict } from "../errors.ts";
import { newId } from "../ids.ts";
import { parseAddress, recipientKey } from "../mail/address.ts";
import { guess } from "./guesses.ts";
import {
  hashPassword,
  isPassword,
  longestPassword,
  nobodysPassword,
  requireUsablePassword,
} from "./password.ts";
import type { Membership, Team, User } from "./schema.ts";
import {
  deleteSignIns,
  findNewestTeamOf,
  findOldestTeam,
  findTeamOf,
  findUserByEmail,
  hasUsers,
  insertFirstUser,
  insertMembership,
  insertTeam,
  insertUser,
  listUsersWithTeams,
  markDisabled,
  markEnabled,
  type UserWithTeam,
  updatePassword,
} from "./store.ts";

export interface NewAccount {
  email: string;
  password: string;
  name: string;
  /** The name of the new team. */
  team: string;
}

/** A person and the team they act for. */
export interface Account {
  user: User;
  team: Team;
}

/** Makes an account and its team for whoever asks, as far as `auth.registration` lets them. */
export async function register(app: App, account: NewAccount): Promise<Account> {
  switch (app.config.auth.registration) {
    case "closed":
      throw registrationClosed();
    case "first-user":
      return createFirstAccount(app, account);
    case "open":
      return createAccount(app, account, (row) => [insertUser(app.db, row)]);
  }
}

/** Makes the first account, the operator's. Of two at once one wins; the other is refused like all that come later. */
export async function createFirstAccount(app: App, account: NewAccount): Promise<Account> {
  if (await hasUsers(app.db)) throw registrationClosed(); // before a hash is spent on it
  return createAccount(app, account, (row) => [insertFirstUser(app.db, row), expectChange()]);
}

async function createAccount(
  app: App,
  { email, password, name, team: teamName }: NewAccount,
  insert: (row: User) => Write[],
): Promise<Account> {
  const team = { id: newId(), name: nameFrom(teamName, "team_name"), createdAt: app.now() };
  const user = await newUser(app, { email, password, name });
  await atomically(app, [
    ...insert(user),
    insertTeam(app.db, team),
    insertMembership(app.db, { teamId: team.id, userId: user.id, role: "owner", createdAt: team.createdAt }),
  ]).catch(refuseTaken);
  return { user, team };
}

export interface Credentials {
  email: string;
  password: string;
  /** The network address it is asked from. */
  address: string;
}

/**
 * Who has this address and password, in the team they ask for or joined last. Whatever is wrong with the two, the answer
 * and the time it takes are the same.
 */
export async function logIn(app: App, credentials: Credentials, teamId?: string): Promise<Account> {
  const user = await findWhoHas(app, credentials);
  const newest = user && (await findNewestTeamOf(app.db, user.id));
  if (!user || !newest) throw wrongCredentials();
  if (teamId === undefined) return { user, team: newest };
  const team = await findTeamOf(app.db, user.id, teamId.toLowerCase());
  if (!team) throw new Refusal("validation_error", "Invalid `team_id` field. You are not in that team.");
  return { user, team };
}

/** The same for somebody who may be in no team: they are about to join one. */
export async function recognize(app: App, credentials: Credentials): Promise<User> {
  const user = await findWhoHas(app, credentials);
  if (!user) throw wrongCredentials();
  return user;
}

async function findWhoHas(app: App, { email, password, address }: Credentials): Promise<User | undefined> {
  const key = emailKey(email);
  const user = password.length <= longestPassword ? await findUserByEmail(app.db, key) : undefined;
  const isRight = await guess(app, { email: key, userId: user?.id, address }, () =>
    isPassword(password.slice(0, longestPassword), user?.passwordHash ?? nobodysPassword),
  );
  return isRight && !user?.disabledAt ? user : undefined;
}

const wrongCredentials = () => new Refusal("invalid_credentials", "Wrong email or password.");

/** What a batch with `expectPassword` means that found another: the password was right a moment ago, and is no more. */
export function refuseOtherPassword(error: unknown): never {
  throw error instanceof WriteConflict && error.kind === "stale" ? wrongCredentials() : error;
}

export interface NewMember {
  email: string;
  password: string;
  name: string;
  teamId: string;
  role: Membership["role"];
}

/** Adds a person to a team. */
export async function addUser(app: App, { teamId, role, ...person }: NewMember): Promise<User> {
  const user = await newUser(app, person);
  const { id: userId, createdAt } = user;
  await atomically(app, [
    insertUser(app.db, user),
    insertMembership(app.db, { teamId, userId, role, createdAt }),
  ]).catch(refuseTaken);
  return user;
}

/** Changes a password; every token and every sign-in under the old one ends with it. */
export async function setPassword(app: App, email: string, password: string): Promise<User> {
  requireUsablePassword(password);
  const user = await getUser(app, email);
  const passwordHash = await hashPassword(password);
  await atomically(app, [
    updatePassword(app.db, user.email, passwordHash),
    deleteSignIns(app.db, user.email),
  ]);
  return { ...user, passwordHash };
}

/**
 * Locks a person out: they can't log in, and the tokens they have are refused. Their sign-ins end, so that none comes
 * back with them. Their team and its keys stay.
 */
export async function disableUser(app: App, email: string): Promise<User> {
  const user = await getUser(app, email);
  await atomically(app, [markDisabled(app.db, user.email, app.now()), deleteSignIns(app.db, user.email)]);
  return user;
}

export async function enableUser(app: App, email: string): Promise<User> {
  const user = await getUser(app, email);
  await atomically(app, [markEnabled(app.db, user.email)]);
  return user;
}

/** Whether a team is the operator's, the first one on the server: it may do what concerns all teams. */
export async function isOperator(app: App, teamId: string): Promise<boolean> {
  return (await findOldestTeam(app.db))?.id === teamId;
}

/** Refuses a team that is not the operator's, for what concerns all teams. */
export async function requireOperator(app: App, teamId: string): Promise<void> {
  if (await isOperator(app, teamId)) return;
  throw new Refusal(
    "not_permitted",
    "This concerns every team on the server: only the operator's team, the first one made, may do it.",
  );
}

export async function listUsers(app: App): Promise<UserWithTeam[]> {
  return listUsersWithTeams(app.db);
}

async function getUser(app: App, email: string): Promise<User> {
  const user = await findUserByEmail(app.db, emailKey(email));
  if (!user) throw new Refusal("not_found", `There is no user with the email address ${email}.`);
  return user;
}

/** A person who has no account yet, with their password hashed. */
export async function newUser(
  app: App,
  { email, password, name }: { email: string; password: string; name: string },
): Promise<User> {
  const parsed = parseAddress(email);
  if (!parsed || parsed.name !== undefined) {
    throw new Refusal(
      "validation_error",
      "Invalid `email` field. The email address needs to follow the `email@example.com` format.",
    );
  }
  requireUsablePassword(password);
  return {
    id: newId(),
    email: emailKey(parsed.address),
    name: nameFrom(name, "name"),
    passwordHash: await hashPassword(password),
    disabledAt: null,
    createdAt: app.now(),
  };
}

/** The form in which addresses are stored and looked for, so that no two accounts differ by a capital letter. */
export function emailKey(email: string): string {
  return recipientKey(parseAddress(email)?.address ?? email.trim());
}

export function nameFrom(text: string, field: string): string {
  const name = text.trim();
  if (name === "" || name.length > 100 || /[\p{Cc}\p{Cs}]/u.test(name)) {
    throw new Refusal(
      "validation_error",
      `Invalid \`${field}\` field. A name has 1 to 100 characters, in one line.`,
    );
  }
  return name;
}

function registrationClosed(): Refusal {
  return new Refusal("not_permitted", "Registration is closed. Ask whoever runs this server for an account.");
}

/** What a write that found an address taken means to whoever asked for it. */
export function refuseTaken(error: unknown): never {
  if (error instanceof WriteConflict && error.kind === "stale") throw registrationClosed();
  if (error instanceof WriteConflict && error.subject.includes("users.email")) {
    throw new Refusal("already_exists", "That email address already has an account.");
  }
  throw error;
}
