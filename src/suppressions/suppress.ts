/** The addresses a team no longer sends to, and why. */
import type { App } from "../app.ts";
import type { Write } from "../db/write.ts";
import { recipientKey } from "../mail/address.ts";
import { addAll } from "./changes.ts";
import { teamsWithAny } from "./memory.ts";
import type { Suppression, SuppressionReason } from "./schema.ts";
import { hasSuppressions, listSuppressed } from "./store.ts";

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

/** Why a team does not send to an address, as it is now; undefined where it does. Asked before every attempt. */
export async function whySuppressed(
  app: App,
  teamId: string,
  address: string,
): Promise<SuppressionReason | undefined> {
  const key = recipientKey(address);
  return (await lookAmong(app, teamId, [key])).get(key);
}

/**
 * Those of the addresses that are suppressed, as `recipientKey`s, each with the reason; asked when mail is accepted. A
 * team's first suppression may be seen two seconds late: the attempt asks again.
 */
export async function suppressedAmong(
  app: App,
  teamId: string,
  addresses: string[],
): Promise<Map<string, SuppressionReason>> {
  const hasAny = await teamsWithAny.recall(app, teamId, () => hasSuppressions(app.db, teamId));
  if (hasAny) return lookAmong(app, teamId, addresses.map(recipientKey));
  return app.sandbox ? sandboxSuppressed(app, addresses.map(recipientKey)) : new Map();
}

async function lookAmong(app: App, teamId: string, keys: string[]): Promise<Map<string, SuppressionReason>> {
  const reasons = sandboxSuppressed(app, keys);
  for (const { address, reason } of await listSuppressed(app.db, teamId, keys, app.now())) {
    reasons.set(address, reason);
  }
  return reasons;
}

/** In the sandbox `suppressed@` of any domain is a suppressed address (D11). */
function sandboxSuppressed(app: App, keys: string[]): Map<string, SuppressionReason> {
  const reasons = new Map<string, SuppressionReason>();
  if (!app.sandbox) return reasons;
  for (const key of keys) if (/^suppressed(\+[^@]*)?@/.test(key)) reasons.set(key, "bounce");
  return reasons;
}
