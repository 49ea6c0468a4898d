import type { App } from "../app.ts";
import { getTotals } from "../contacts/read.ts";
import { furthestNumbered } from "../db/page.ts";
import { countDomains } from "../domains/store.ts";
import { countKeys } from "../keys/store.ts";
import { countWebhooks } from "../webhooks/store.ts";
import { getMetrics } from "./read.ts";

/** What a team has and has sent. */
export interface Usage {
  /** Recipients whose mail came to an end today, and since the first of the month; both of UTC. */
  sentToday: number;
  sentThisMonth: number;
  /** These three are counted to 10,000. */
  domains: number;
  keys: number;
  webhooks: number;
  contacts: number;
}

export async function getUsage(app: App, teamId: string): Promise<Usage> {
  const today = app.now().toISOString().slice(0, 10);
  const [sentToday, sentThisMonth, domains, keys, webhooks, contacts] = await Promise.all([
    sentSince(app, teamId, today),
    sentSince(app, teamId, `${today.slice(0, 7)}-01`),
    countDomains(app.db, teamId, furthestNumbered),
    countKeys(app.db, teamId, furthestNumbered),
    countWebhooks(app.db, teamId, furthestNumbered),
    getTotals(app, teamId),
  ]);
  return { sentToday, sentThisMonth, domains, keys, webhooks, contacts: contacts.total };
}

async function sentSince(app: App, teamId: string, day: string): Promise<number> {
  const { totals } = await getMetrics(app, teamId, {
    ...{ startDate: day, timezone: "UTC", granularity: "daily" },
    ...{ metrics: ["sent"], dimensions: [], domainIds: [], emailIds: [], broadcastIds: [] },
  });
  return totals.sent ?? 0;
}
