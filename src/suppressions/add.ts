import { type App, atomically } from "../app.ts";
import { rawWrite } from "../db/write.ts";
import { requireKey } from "./address.ts";
import { addAll } from "./changes.ts";
import { type ExpiryWish, readExpiry } from "./expiry.ts";
import type { SuppressionReason } from "./schema.ts";

/** Suppresses an address at somebody's word and gives the suppression's id, which is the old one where it was suppressed already. */
export async function addSuppression(
  app: App,
  teamId: string,
  email: string,
  expiry: ExpiryWish,
  reason: SuppressionReason = "manual",
): Promise<string> {
  const [id] = await addAddresses(app, teamId, [requireKey("email", email)], expiry, reason);
  return id!;
}

/** The same for many, all or none; the ids are in the order of the addresses. */
export async function addSuppressions(
  app: App,
  teamId: string,
  emails: string[],
  expiry: ExpiryWish,
  reason: SuppressionReason = "manual",
): Promise<string[]> {
  const addresses = emails.map((email, index) => requireKey(`emails.${index}`, email));
  return addAddresses(app, teamId, addresses, expiry, reason);
}

async function addAddresses(
  app: App,
  teamId: string,
  addresses: string[],
  expiry: ExpiryWish,
  reason: SuppressionReason,
): Promise<string[]> {
  const about = {
    reason,
    sourceId: null,
    expiresAt: readExpiry(app, expiry),
    createdAt: app.now(),
  };
  const rows = addresses.map((address) => ({ address, ...about }));
  // Read in the same batch: a moment later somebody may have removed one of them.
  const results = await atomically(app, [...addAll(app, teamId, rows), listIds(teamId, addresses)]);
  const ids = new Map(results.at(-1)!.rows as [string, string][]);
  return addresses.map((address) => ids.get(address)!);
}

const listIds = (teamId: string, addresses: string[]) =>
  rawWrite(
    "select address, id from suppressions where team_id = ?1 and address in (select value from json_each(?2))",
    [teamId, JSON.stringify(addresses)],
  );
