import type { CounterName } from "../events/schema.ts";

/** The contract's, in its order. Opens and clicks are people's. */
export const metricNames = [
  "received",
  "delivered",
  "complained",
  "suppressed",
  "bounced",
  "bounced_transient",
  "bounced_permanent",
  "bounced_undetermined",
  "opened",
  "clicked",
  "unsubscribed",
  "delivery_delayed",
  "failed",
  "sent",
  "unique_opened",
  "unique_clicked",
  "delivery_rate",
  "open_rate",
  "click_rate",
  "bounce_rate",
  "complaint_rate",
  "unsubscribe_rate",
] as const;

/** Those and ours, which are told only to who asks for them by name: clients may know the contract's alone. */
export const knownMetrics = [...metricNames, "opened_machine", "clicked_machine"] as const;
export type Metric = (typeof knownMetrics)[number];

/** The contract's, and ours: the large provider that has the recipient's mailbox, and the email's tags. */
export const knownDimensions = ["period", "domain", "email", "broadcast", "provider", "tag"] as const;
export type Dimension = (typeof knownDimensions)[number];

export const granularities = ["hourly", "daily", "weekly", "monthly"] as const;
export type Granularity = (typeof granularities)[number];

/** How often each thing was counted; absent: never. */
export type Counts = Partial<Record<CounterName, number>>;

/** Every counter that a metric is made of. */
export const usedCounters = [
  "email.received",
  "email.delivered",
  "email.complained",
  "email.suppressed",
  "email.bounced",
  "email.bounced_transient",
  "email.bounced_permanent",
  "email.bounced_undetermined",
  "email.bounced_late",
  "email.opened",
  "email.clicked",
  "email.unsubscribed",
  "email.delivery_delayed",
  "email.failed",
  "email.unique_opened",
  "email.unique_clicked",
  "email.opened_machine",
  "email.clicked_machine",
] as const satisfies CounterName[];

const rates: Partial<Record<Metric, [part: Metric, whole: Metric]>> = {
  delivery_rate: ["delivered", "sent"],
  open_rate: ["unique_opened", "delivered"],
  click_rate: ["unique_clicked", "delivered"],
  bounce_rate: ["bounced", "sent"],
  complaint_rate: ["complained", "delivered"],
  unsubscribe_rate: ["unsubscribed", "delivered"],
};

/** What a metric comes to: counts are of recipients, rates percentages of two decimals, 0 of nothing. */
export function metricOf(metric: Metric, counts: Counts): number {
  const rate = rates[metric];
  if (rate) {
    const whole = metricOf(rate[1], counts);
    return whole === 0 ? 0 : Math.round((metricOf(rate[0], counts) / whole) * 10_000) / 100;
  }
  if (metric !== "sent") return counts[counterOf[metric]!] ?? 0;
  // What was sent is what has come to an end: were it counted when the host takes it, all of it would be delivered. A
  // bounce that was reported later is of something that has counted as delivered already.
  const { "email.delivered": delivered = 0, "email.bounced": bounced = 0 } = counts;
  return delivered + bounced + (counts["email.failed"] ?? 0) - (counts["email.bounced_late"] ?? 0);
}

/** The counter that a metric is, where it is one. */
const counterOf = Object.fromEntries(usedCounters.map((name) => [name.slice("email.".length), name])) as {
  [metric in Metric]?: CounterName;
};

/** So much more of everything that was counted. */
export function addUp(sum: Counts, counts: Counts): void {
  for (const name in counts) {
    const counter = name as CounterName;
    sum[counter] = (sum[counter] ?? 0) + (counts[counter] ?? 0);
  }
}
