import { eq } from "drizzle-orm";
import type { App } from "../app.ts";
import { findTotals } from "../contacts/store.ts";
import { countUpTo, furthestNumbered } from "../db/page.ts";
import { domains } from "../domains/schema.ts";
import { apiKeys } from "../keys/schema.ts";
import { webhooks } from "../webhooks/schema.ts";
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
  const counted = (table: typeof domains | typeof apiKeys | typeof webhooks) =>
    countUpTo(app.db, table.id, eq(table.teamId, teamId), furthestNumbered);
  const [sentToday, sentThisMonth, ofDomains, ofKeys, ofWebhooks, contacts] = await Promise.all([
    sentSince(app, teamId, today),
    sentSince(app, teamId, `${today.slice(0, 7)}-01`),
    counted(domains),
    counted(apiKeys),
    counted(webhooks),
    findTotals(app.db, teamId),
  ]);
  return {
    ...{ sentToday, sentThisMonth, contacts: contacts.total },
    ...{ domains: ofDomains, keys: ofKeys, webhooks: ofWebhooks },
  };
}

async function sentSince(app: App, teamId: string, day: string): Promise<number> {
  const { totals } = await getMetrics(app, teamId, {
    ...{ startDate: day, timezone: "UTC", granularity: "daily" },
    ...{ metrics: ["sent"], dimensions: [], domainIds: [], emailIds: [], broadcastIds: [] },
  });
  return totals.sent ?? 0;
}
