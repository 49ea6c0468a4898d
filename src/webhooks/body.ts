import type { App } from "../app.ts";
import { ByteBudget } from "../byte-budget.ts";
import type { Event } from "../events/schema.ts";
import { type DueCall, findInboundBody, findInboundSize } from "./event-store.ts";
import { payloadOf } from "./payload.ts";

type Call = Pick<DueCall, "told" | "webhook" | "email">;

/** Whole emails larger than this share what memory there is for them: anybody may send some, and endpoints may be slow. */
const bigBytes = 256 * 1024;
const mostAtOnce = 64 * 1024 * 1024;

/** An email, its JSON and what is sent of it are in memory together. */
const copies = 3;

/** Has `use` send the JSON an endpoint gets, once there is memory for it. */
export async function withBodyOf<T>(
  app: App,
  call: Call,
  event: Event,
  use: (body: string) => Promise<T>,
): Promise<T> {
  const inboundId = carriedEmail(call, event);
  const size = inboundId && (await findInboundSize(app.db, call.webhook.teamId, inboundId));
  const giveBack = size && size > bigBytes ? await budgetOf(app).take(size * copies) : undefined;
  try {
    return await use(await bodyOf(app, call, event));
  } finally {
    giveBack?.();
  }
}

/** The JSON an endpoint gets; the same bytes whenever it is asked for. */
export async function bodyOf(app: App, call: Call, event: Event): Promise<string> {
  const { told, webhook, email } = call;
  const inboundId = carriedEmail(call, event);
  const body = inboundId ? await findInboundBody(app.db, webhook.teamId, inboundId) : undefined;
  return JSON.stringify(payloadOf({ name: told.name, event, email, body }));
}

/** The received email that the endpoint gets whole. */
function carriedEmail({ told, webhook }: Call, { type, data }: Event): string | undefined {
  const isWanted = type === "email.received" && (webhook.includeBody || told.name === "email.inbound");
  return isWanted && typeof data.email_id === "string" ? data.email_id : undefined;
}

const budgets = new WeakMap<App, ByteBudget>();

function budgetOf(app: App): ByteBudget {
  const budget = budgets.get(app) ?? new ByteBudget(mostAtOnce);
  budgets.set(app, budget);
  return budget;
}
