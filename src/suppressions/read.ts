import type { App } from "../app.ts";
import type { Keyset } from "../db/page.ts";
import { Refusal } from "../errors.ts";
import { isId } from "../ids.ts";
import { suppressionKey } from "./address.ts";
import type { Suppression, SuppressionReason } from "./schema.ts";
import { endOfPrefix, findSuppression, listByKeys, listByPrefix, listSuppressions } from "./store.ts";

export const suppressionNotFound = () => new Refusal("not_found", "Suppression not found");

export async function getSuppression(app: App, teamId: string, idOrEmail: string): Promise<Suppression> {
  const found = isId(idOrEmail)
    ? (await listByKeys(app.db, teamId, "id", [idOrEmail.toLowerCase()], app.now()))[0]
    : await findByAddress(app, teamId, idOrEmail);
  if (!found) throw suppressionNotFound();
  return found;
}

async function findByAddress(app: App, teamId: string, email: string): Promise<Suppression | undefined> {
  const key = suppressionKey(email);
  return key === undefined ? undefined : findSuppression(app.db, teamId, key, app.now());
}

/** Rows looked at in one go for a reason, or for what has not expired, among addresses that begin alike. */
const rowsPerLook = 5_000;

export interface SuppressionSearch {
  /** How the address begins. */
  prefix: string;
  reasons?: SuppressionReason[];
  /** The address the page before ended at. */
  after?: string;
  limit: number;
}

/** One page of those whose addresses begin so, by address. It may be short, and even empty, though more follow. */
export async function searchSuppressions(
  app: App,
  teamId: string,
  { prefix: typed, reasons, after, limit }: SuppressionSearch,
): Promise<{ rows: Suppression[]; next: string | undefined }> {
  const prefix = typed.trim().toLowerCase();
  const end = await endOfPrefix(app.db, teamId, { prefix, after, rows: rowsPerLook });
  const wanted = { prefix, reasons, after, end, limit: limit + 1 };
  const found = await listByPrefix(app.db, teamId, wanted, app.now());
  const rows = found.slice(0, limit);
  return { rows, next: found.length > limit ? rows.at(-1)!.address : end };
}

/** One page of a team's suppressions and one more, newest first; of some reasons, or of all. */
export async function getSuppressions(
  app: App,
  teamId: string,
  reasons: SuppressionReason[] | undefined,
  page: Keyset,
): Promise<Suppression[]> {
  if (!reasons) return listSuppressions(app.db, teamId, undefined, page, app.now());
  // One look at the index for each: asked for together, they would have to be sorted, a million of them.
  const lists = await Promise.all(
    reasons.map((reason) => listSuppressions(app.db, teamId, reason, page, app.now())),
  );
  const rows = lists.flat().sort((a, b) => (a.id < b.id ? 1 : -1));
  if (page.limit === undefined) return rows;
  return page.before ? rows.slice(-page.limit - 1) : rows.slice(0, page.limit + 1);
}
