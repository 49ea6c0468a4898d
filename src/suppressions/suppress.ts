/** The addresses a team no longer sends to, and why. */
import type { App } from "../app.ts";
import type { Write } from "../db/write.ts";
import { recipientKey } from "../mail/address.ts";
import { addAll } from "./changes.ts";
import type { Suppression } from "./schema.ts";
import { findSuppression, listSuppressed } from "./store.ts";

/** The writes that stop a team's mail to an address; they belong in the batch of what was learnt about it. */
export function suppress(
  app: App,
  {
    teamId,
    address,
    reason,
    sourceId = null,
  }: Pick<Suppression, "teamId" | "address" | "reason"> & { sourceId?: string | null },
): Write[] {
  const row = { address: recipientKey(address), reason, sourceId, expiresAt: null, createdAt: app.now() };
  return addAll(app, teamId, [row]);
}

export async function isSuppressed(app: App, teamId: string, address: string): Promise<boolean> {
  const key = recipientKey(address);
  return (
    isSandboxSuppressed(app, key) || (await findSuppression(app.db, teamId, key, app.now())) !== undefined
  );
}

/** Those of the addresses that are suppressed, as `recipientKey`s. */
export async function suppressedAmong(app: App, teamId: string, addresses: string[]): Promise<Set<string>> {
  const keys = addresses.map(recipientKey);
  const suppressed = await listSuppressed(app.db, teamId, keys, app.now());
  return new Set([...suppressed, ...keys.filter((key) => isSandboxSuppressed(app, key))]);
}

/** In the sandbox `suppressed@` of any domain is a suppressed address (D11). */
function isSandboxSuppressed(app: App, key: string): boolean {
  return app.sandbox && /^suppressed(\+[^@]*)?@/.test(key);
}
