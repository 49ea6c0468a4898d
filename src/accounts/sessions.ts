import { errors, jwtVerify, SignJWT } from "jose";
import type { App } from "../app.ts";
import { auditEntry } from "../audit/service.ts";
import { isId } from "../ids.ts";
import type { Role } from "../roles.ts";
import type { User } from "./schema.ts";
import type { Account } from "./service.ts";
import { own } from "./sign-ins.ts";
import { findMember } from "./store.ts";

/** Who a token speaks for. */
export interface Session {
  teamId: string;
  userId: string;
  role: Role;
  permission: "full_access";
  terms: TokenTerms;
}

/** What ends a token: its time, and another password than the one it was issued under. */
export interface TokenTerms {
  /** In seconds since 1970, as tokens have it. */
  exp: number;
  pwd: string;
}

/**
 * A token for one person in one team (JWT, HS256), good for `auth.jwtTtl` unless their password changes before. It is
 * tied to the password they have shown: one that was changed while that was looked at has ended the token already.
 */
export async function issueToken(
  app: App,
  { id, passwordHash }: Pick<User, "id" | "passwordHash">,
  teamId: string,
): Promise<string> {
  const exp = secondsOf(app.now()) + Math.ceil(app.config.auth.jwtTtl / 1000);
  return sign(app, id, teamId, { exp, pwd: fingerprint(passwordHash) });
}

/** A token for another team, on the terms of the one that asks: only a password begins a new time. */
export async function passOn(
  app: App,
  { userId, terms }: Pick<Session, "userId" | "terms">,
  teamId: string,
): Promise<string> {
  return sign(app, userId, teamId, terms);
}

function sign(app: App, userId: string, teamId: string, { exp, pwd }: TokenTerms): Promise<string> {
  return new SignJWT({ team_id: teamId, pwd })
    .setProtectedHeader({ alg: "HS256", typ: "JWT" })
    .setSubject(userId)
    .setIssuedAt(secondsOf(app.now()))
    .setExpirationTime(exp)
    .sign(signingKey(app));
}

const secondsOf = (at: Date): number => Math.floor(at.getTime() / 1000);

/** The token of somebody who has just shown their password; that they did is in the team's audit log. */
export async function beginSession(
  app: App,
  { user, team: { id: teamId } }: Account,
  address: string,
): Promise<string> {
  const { id: userId, email } = user;
  const act = "Logged in by the API";
  await own(app, [auditEntry(app, { teamId, userId, email, act, subject: userId, address })]);
  return issueToken(app, user, teamId);
}

/**
 * The session of a token, or undefined. The person is looked up each time, so that a changed password, a disabled
 * person or an ended membership counts from the next request on.
 */
export async function authenticateSession(app: App, token: string): Promise<Session | undefined> {
  const claims = await verifiedClaims(app, token);
  if (!claims) return undefined;
  const { sub: userId, team_id: teamId, exp } = claims;
  if (typeof userId !== "string" || typeof teamId !== "string" || !isId(userId) || !isId(teamId))
    return undefined;
  const member = await findMember(app.db, teamId, userId);
  if (!member || member.disabledAt) return undefined;
  const pwd = fingerprint(member.passwordHash);
  if (pwd !== claims.pwd) return undefined;
  return { teamId, userId, role: member.role, permission: "full_access", terms: { exp: Number(exp), pwd } };
}

async function verifiedClaims(app: App, token: string): Promise<Record<string, unknown> | undefined> {
  try {
    const { payload } = await jwtVerify(token, signingKey(app), {
      algorithms: ["HS256"], // RFC 8725 §3.1: the token does not choose how it is verified
      requiredClaims: ["sub", "team_id", "iat", "exp", "pwd"],
      currentDate: app.now(),
    });
    return payload;
  } catch (error) {
    if (error instanceof errors.JOSEError) return undefined;
    throw error;
  }
}

function signingKey({ config, secrets }: App): Uint8Array {
  const { jwtSecret } = config.auth;
  return jwtSecret === undefined ? secrets.derive("jwt") : new TextEncoder().encode(jwtSecret);
}

/**
 * Ties a token to the password it was issued under, to the second of the change and without a column for it. It gives
 * nothing away: to try passwords against it one would need the hash's salt.
 */
function fingerprint(passwordHash: string): string {
  return Bun.CryptoHasher.hash("sha256", passwordHash, "base64url").slice(0, 22);
}
