// keys/ is the API keys: what a program shows to act for a team, and its password for SMTP submission.
import { randomBytes } from "node:crypto";
import { type App, atomically, requireRole } from "../app.ts";
import type { Keyset } from "../db/page.ts";
import { expectChange } from "../db/write.ts";
import { Refusal, WriteConflict } from "../errors.ts";
import { isId, newId } from "../ids.ts";
import { forgetKeys, hashToken } from "./authenticate.ts";
import { readAllowedIps } from "./networks.ts";
import type { ApiKey, Permission } from "./schema.ts";
import {
  deleteKey,
  findKey,
  hasFullAccessKey,
  insertDomainKey,
  insertKey,
  listKeys,
  listKeysOfDomain,
  updateKeyFields,
} from "./store.ts";

export interface NewKey {
  name: string;
  /** `full_access` unless it says `sending_access`; text, because it comes from outside. */
  permission?: string | null;
  /** The one domain of the team the key may send from; only with `sending_access`. */
  domainId?: string | null;
  /** Addresses and networks it may be used from; from anywhere when there are none. */
  allowedIps?: readonly string[] | null;
}

/** What of a key can be changed; what is absent stays. */
export type KeyChanges = Partial<Pick<NewKey, "name" | "allowedIps">>;

/** Makes a key. The token is in the answer and nowhere else. */
export async function createKey(
  app: App,
  teamId: string,
  input: NewKey,
): Promise<{ id: string; token: string }> {
  const name = requireName(input.name);
  const permission = requirePermission(input.permission ?? "full_access");
  // It does what an admin does: whoever makes one must be one.
  if (permission === "full_access") requireRole(app, "admin");
  const domainId = requireDomainId(input.domainId ?? null, permission);
  const token = `re_${randomBytes(32).toString("hex")}`;
  const row = {
    id: newId(),
    teamId,
    name,
    tokenHash: hashToken(token),
    tokenStart: token.slice(0, 10),
    permission,
    lastUsedAt: null,
    createdAt: app.now(),
    allowedIps: readAllowedIps(input.allowedIps ?? []),
  };
  if (domainId === null) {
    await atomically(app, [insertKey(app.db, { ...row, domainId })]);
  } else {
    await atomically(app, [insertDomainKey(app.db, { ...row, domainId }), expectChange()]).catch(
      refuseStale("Domain not found"),
    );
  }
  return { id: row.id, token };
}

/** One page of a team's keys and one more, newest first. */
export async function listTeamKeys(app: App, teamId: string, page: Keyset): Promise<ApiKey[]> {
  return listKeys(app.db, teamId, page);
}

export async function getKey(app: App, teamId: string, id: string): Promise<ApiKey> {
  requireKeyId(id);
  const key = await findKey(app.db, teamId, id.toLowerCase());
  if (!key) throw new Refusal("not_found", keyNotFound);
  return key;
}

/** The keys that would go with a domain: those that may send from it alone; some of them where they are very many. */
export async function listDomainKeys(
  app: App,
  teamId: string,
  domainId: string,
  limit = 100,
): Promise<ApiKey[]> {
  return listKeysOfDomain(app.db, teamId, domainId, limit);
}

/** Changes a key: where it may be used from counts from the next request on here, and within two seconds on other nodes. */
export async function changeKey(app: App, teamId: string, id: string, changes: KeyChanges): Promise<void> {
  const known = await getChangeable(app, teamId, id);
  if (changes.name === undefined && changes.allowedIps === undefined) {
    throw new Refusal("missing_required_field", "Missing `name` field.");
  }
  const fields = {
    ...(changes.name === undefined ? {} : { name: requireName(changes.name) }),
    ...(changes.allowedIps === undefined ? {} : { allowedIps: readAllowedIps(changes.allowedIps ?? []) }),
  };
  await atomically(app, [updateKeyFields(app.db, teamId, known.id, fields), expectChange()]).catch(
    refuseStale(keyNotFound),
  );
  if (fields.allowedIps) forgetKeys(app);
}

/** Revokes a key: refused from the next request on here, and within two seconds on other nodes. */
export async function revokeKey(app: App, teamId: string, id: string): Promise<void> {
  const known = await getChangeable(app, teamId, id);
  await atomically(app, [deleteKey(app.db, teamId, known.id), expectChange()]).catch(
    refuseStale(keyNotFound),
  );
  forgetKeys(app);
}

/** Whether a team has a key that may do everything. */
export async function hasFullKey(app: App, teamId: string): Promise<boolean> {
  return hasFullAccessKey(app.db, teamId);
}

function requireName(text: string): string {
  const name = text.trim();
  if (name === "" || [...name].length > 50 || /[\p{Cc}\p{Cs}]/u.test(name)) {
    throw new Refusal(
      "validation_error",
      "Invalid `name` field. A name has 1 to 50 characters, in one line.",
    );
  }
  return name;
}

function requirePermission(text: string): Permission {
  if (text === "full_access" || text === "sending_access") return text;
  throw new Refusal("invalid_access", 'Access must be "full_access" | "sending_access"');
}

function requireDomainId(id: string | null, permission: Permission): string | null {
  if (id === null) return null;
  if (permission !== "sending_access") {
    throw new Refusal(
      "validation_error",
      "Invalid `domain_id` field. Only a key with `sending_access` can be restricted to a domain.",
    );
  }
  if (!isId(id)) throw new Refusal("invalid_parameter", "The `domain_id` must be a valid UUID.");
  return id.toLowerCase();
}

const keyNotFound = "API key not found";

/** What only an admin makes, only an admin changes and revokes. */
async function getChangeable(app: App, teamId: string, id: string): Promise<ApiKey> {
  const key = await getKey(app, teamId, id);
  if (key.permission === "full_access") requireRole(app, "admin");
  return key;
}

function requireKeyId(id: string): void {
  if (!isId(id)) throw new Refusal("not_found", keyNotFound);
}

const refuseStale = (message: string) => (error: unknown) => {
  if (error instanceof WriteConflict && error.kind === "stale") throw new Refusal("not_found", message);
  throw error;
};
