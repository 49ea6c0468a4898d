import type { App } from "../app.ts";
import { ByteBudget } from "../byte-budget.ts";
import type { Event } from "../events/schema.ts";
import { perApp } from "../per-app.ts";
import { type DueCall, findInboundBody, findInboundSize } from "./event-store.ts";
import { payloadOf } from "./payload.ts";

/** The JSON an endpoint gets; the same bytes whenever it is asked for. */
export async function bodyOf(
  app: App,
  { told, webhook, email }: Pick<DueCall, "told" | "webhook" | "email">,
  event: Event,
): Promise<string> {
  const inboundId = wholeEmailOf({ told, webhook }, event);
  const body = inboundId && (await findInboundBody(app.db, webhook.teamId, inboundId));
  return JSON.stringify(payloadOf({ name: told.name, event, email, body: body || undefined }));
}

/** The received email whose bodies an endpoint gets with an event. */
function wholeEmailOf(
  { told, webhook }: Pick<DueCall, "told" | "webhook">,
  { type, data }: Event,
): string | undefined {
  const isWanted = type === "email.received" && (webhook.includeBody || told.name === "email.inbound");
  return isWanted && typeof data.email_id === "string" ? data.email_id : undefined;
}

/** Received emails are up to as large as messages may be, and an endpoint may be called with 25 at once. */
const mostBytesAtOnce = 32 * 1024 * 1024;
/** Smaller ones take no turns: who has only such never waits for others' receivers. */
const bigBytes = 256 * 1024;

const budgetOf = perApp(() => new ByteBudget(mostBytesAtOnce));

/** Waits until there is room in memory for what a call carries; gives what ends that. */
export async function takeRoom(app: App, due: DueCall, event: Event): Promise<() => void> {
  const { webhook } = due;
  const inboundId = wholeEmailOf(due, event);
  const size = inboundId === undefined ? 0 : await findInboundSize(app.db, webhook.teamId, inboundId);
  if (size < bigBytes) return () => {};
  return budgetOf(app).take(size);
}
