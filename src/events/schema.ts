import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";

export const eventTypes = [
  "email.queued",
  "email.scheduled",
  "email.sent",
  "email.delivered",
  "email.delivery_delayed",
  "email.bounced",
  "email.failed",
  "email.suppressed",
  "email.complained",
  "email.opened",
  "email.clicked",
  "email.canceled",
  "email.received",
  "email.unsubscribed",
  "domain.created",
  "domain.updated",
  "domain.deleted",
  "contact.created",
  "contact.updated",
  "contact.deleted",
  "contact.topics.updated",
  "topic.created",
  "topic.updated",
  "topic.deleted",
  "suppression.added",
  "suppression.removed",
  "webhook.test",
  "webhook.disabled",
] as const;
export type EventType = (typeof eventTypes)[number];

/**
 * What is counted beside the events themselves: kinds of bounces, bounces of what a host had taken before (a report that
 * came later), and a recipient's first open or click of an email. Opens and clicks are people's; those of machines are
 * counted apart.
 */
export const counterNames = [
  ...eventTypes,
  "email.bounced_permanent",
  "email.bounced_transient",
  "email.bounced_undetermined",
  "email.bounced_late",
  "email.unique_opened",
  "email.unique_clicked",
  "email.opened_machine",
  "email.clicked_machine",
] as const;
export type CounterName = (typeof counterNames)[number];

/** Things that happened, never changed afterwards. */
export const events = sqliteTable(
  "events",
  {
    id: text("id").primaryKey().notNull(),
    teamId: text("team_id").notNull(),
    type: text("type", { enum: eventTypes }).notNull(),
    /** Sent or received. */
    emailId: text("email_id"),
    deliveryId: text("delivery_id"),
    recipient: text("recipient"),
    data: text("data", { mode: "json" }).$type<Record<string, unknown>>().notNull(),
    createdAt: integer("created_at", { mode: "timestamp_ms" }).notNull(),
    /** The one endpoint that hears of it, whatever it subscribed to; null: those that subscribed. */
    webhookId: text("webhook_id"),
  },
  (t) => [index("events_email").on(t.emailId, t.id)],
);
export type Event = typeof events.$inferSelect;

/** What an email's recipients did or suffered that few of them do; an index holds it by email, type and delivery. */
export const outcomeTypes = [
  "email.bounced",
  "email.complained",
  "email.suppressed",
  "email.unsubscribed",
  "email.opened",
  "email.clicked",
  "email.delivery_delayed",
] as const satisfies EventType[];

/** SQLite finds the index only where a statement says this, as the index does. */
export const isOutcome = `type in (${outcomeTypes.map((type) => `'${type}'`).join(", ")})`;

/** What others reported of a delivery and was told; each once, however long events are kept. */
export const told = sqliteTable(
  "told",
  {
    deliveryId: text("delivery_id").notNull(),
    type: text("type", { enum: outcomeTypes }).notNull(),
  },
  (t) => [primaryKey({ columns: [t.deliveryId, t.type] })],
);

/** How many events of a kind in an hour; kept in the event's own batch, so that nothing ever counts rows. */
export const counters = sqliteTable(
  "counters",
  {
    teamId: text("team_id").notNull(),
    hour: integer("hour", { mode: "timestamp_ms" }).notNull(),
    /** Empty when the event is about no domain. */
    domainId: text("domain_id").notNull(),
    /** Empty when the event is about no broadcast. */
    broadcastId: text("broadcast_id").notNull(),
    event: text("event", { enum: counterNames }).notNull(),
    total: integer("total").notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.teamId, t.hour, t.domainId, t.broadcastId, t.event] }),
    index("counters_hour").on(t.hour),
  ],
);
export type Counter = typeof counters.$inferSelect;

/** What `counters` come to in each hour: `metrics/sums.ts` keeps it. */
export const counterHours = sqliteTable(
  "counter_hours",
  {
    teamId: text("team_id").notNull(),
    hour: integer("hour", { mode: "timestamp_ms" }).notNull(),
    event: text("event", { enum: counterNames }).notNull(),
    total: integer("total").notNull(),
  },
  (t) => [primaryKey({ columns: [t.teamId, t.hour, t.event] })],
);

/** What they come to in each day of UTC. */
export const counterDays = sqliteTable(
  "counter_days",
  {
    teamId: text("team_id").notNull(),
    day: integer("day", { mode: "timestamp_ms" }).notNull(),
    domainId: text("domain_id").notNull(),
    broadcastId: text("broadcast_id").notNull(),
    event: text("event", { enum: counterNames }).notNull(),
    total: integer("total").notNull(),
  },
  (t) => [primaryKey({ columns: [t.teamId, t.day, t.domainId, t.broadcastId, t.event] })],
);

/** The same for each large provider, of the outcomes and visits that `record.ts` is told one of. */
export const providerCounters = sqliteTable(
  "provider_counters",
  {
    teamId: text("team_id").notNull(),
    hour: integer("hour", { mode: "timestamp_ms" }).notNull(),
    /** The name of a preset of `delivery/presets.ts`. */
    provider: text("provider").notNull(),
    event: text("event", { enum: counterNames }).notNull(),
    total: integer("total").notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.teamId, t.hour, t.provider, t.event] }),
    index("provider_counters_hour").on(t.hour),
  ],
);

/** What `provider_counters` come to in each day of UTC. */
export const providerDays = sqliteTable(
  "provider_days",
  {
    teamId: text("team_id").notNull(),
    day: integer("day", { mode: "timestamp_ms" }).notNull(),
    provider: text("provider").notNull(),
    event: text("event", { enum: counterNames }).notNull(),
    total: integer("total").notNull(),
  },
  (t) => [primaryKey({ columns: [t.teamId, t.day, t.provider, t.event] })],
);

/** The same for each tag of the emails that have some, of what becomes of them. */
export const tagCounters = sqliteTable(
  "tag_counters",
  {
    teamId: text("team_id").notNull(),
    name: text("name").notNull(),
    hour: integer("hour", { mode: "timestamp_ms" }).notNull(),
    value: text("value").notNull(),
    event: text("event", { enum: counterNames }).notNull(),
    total: integer("total").notNull(),
  },
  (t) => [primaryKey({ columns: [t.teamId, t.name, t.hour, t.value, t.event] })],
);

/** What `tag_counters` come to in whole days of UTC: triggers keep it. */
export const tagDays = sqliteTable(
  "tag_days",
  {
    teamId: text("team_id").notNull(),
    name: text("name").notNull(),
    day: integer("day", { mode: "timestamp_ms" }).notNull(),
    value: text("value").notNull(),
    event: text("event", { enum: counterNames }).notNull(),
    total: integer("total").notNull(),
  },
  (t) => [primaryKey({ columns: [t.teamId, t.name, t.day, t.value, t.event] })],
);

/** The same for each email, of what `record.ts` counts by email. */
export const emailCounters = sqliteTable(
  "email_counters",
  {
    emailId: text("email_id").notNull(),
    hour: integer("hour", { mode: "timestamp_ms" }).notNull(),
    event: text("event", { enum: counterNames }).notNull(),
    teamId: text("team_id").notNull(),
    total: integer("total").notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.emailId, t.hour, t.event] }),
    index("email_counters_team").on(t.teamId, t.hour),
  ],
);
