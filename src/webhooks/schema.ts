// webhooks/ tells a team's endpoints what happened: which of them hears of what, the calls, and what came of each.
import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";

export const webhookStatuses = ["enabled", "disabled"] as const;
export type WebhookStatus = (typeof webhookStatuses)[number];

/** A URL of a team that is called with events. */
export const webhooks = sqliteTable(
  "webhooks",
  {
    id: text("id").primaryKey().notNull(),
    teamId: text("team_id").notNull(),
    endpoint: text("endpoint").notNull(),
    /** Names as the team gave them; `*` is all. */
    events: text("events", { mode: "json" }).$type<string[]>().notNull(),
    status: text("status", { enum: webhookStatuses }).notNull(),
    /** Whether `email.received` carries the whole email. */
    includeBody: integer("include_body", { mode: "boolean" }).notNull(),
    sealedSecret: text("sealed_secret").notNull(),
    /** The secret before a rotation, which signs too until `oldSecretUntil`. */
    sealedOldSecret: text("sealed_old_secret"),
    oldSecretUntil: integer("old_secret_until", { mode: "timestamp_ms" }),
    /** Since when no call has succeeded; null: the last one did, or there was none. */
    failingSince: integer("failing_since", { mode: "timestamp_ms" }),
    lastFailureAt: integer("last_failure_at", { mode: "timestamp_ms" }),
    /** Why it was disabled without being asked for; null otherwise. */
    disabledReason: text("disabled_reason"),
    createdAt: integer("created_at", { mode: "timestamp_ms" }).notNull(),
  },
  (t) => [index("webhooks_team").on(t.teamId, t.id)],
);
export type Webhook = typeof webhooks.$inferSelect;

/** What enabled endpoints hear of; the triggers of the webhooks migration read it for every event. */
export const webhookSubscriptions = sqliteTable(
  "webhook_subscriptions",
  {
    teamId: text("team_id").notNull(),
    /** An event type, or `*`. */
    type: text("type").notNull(),
    webhookId: text("webhook_id").notNull(),
    /** What the endpoint knows the type as; `*` with the type `*`. */
    name: text("name").notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.teamId, t.type, t.webhookId, t.name] }),
    index("webhook_subscriptions_webhook").on(t.webhookId),
  ],
);

export const webhookEventStatuses = ["pending", "success", "failed"] as const;
export type WebhookEventStatus = (typeof webhookEventStatuses)[number];

/** One event for one endpoint, which a trigger writes with the event; its job has the id `webhook_id/id`. */
export const webhookEvents = sqliteTable(
  "webhook_events",
  {
    webhookId: text("webhook_id").notNull(),
    /** `msg_` and the event's id without dashes: the order of ids is that of the events. */
    id: text("id").notNull(),
    eventId: text("event_id").notNull(),
    name: text("name").notNull(),
    status: text("status", { enum: webhookEventStatuses }).notNull(),
    /** Calls made since the event or its last replay. */
    tries: integer("tries").notNull(),
    createdAt: integer("created_at", { mode: "timestamp_ms" }).notNull(),
  },
  (t) => [primaryKey({ columns: [t.webhookId, t.id] })],
);
export type WebhookEvent = typeof webhookEvents.$inferSelect;

/** One call. */
export const webhookAttempts = sqliteTable(
  "webhook_attempts",
  {
    webhookId: text("webhook_id").notNull(),
    /** The `msg_…` id of its event. */
    messageId: text("message_id").notNull(),
    /** `atmpt_…` */
    id: text("id").notNull(),
    /** Null when no answer came. */
    httpStatus: integer("http_status"),
    /** The first 4 KB of the answer's body. */
    response: text("response").notNull(),
    /** Why the call counts as failed, in one sentence; null when it does not. */
    error: text("error"),
    durationMs: integer("duration_ms").notNull(),
    createdAt: integer("created_at", { mode: "timestamp_ms" }).notNull(),
  },
  (t) => [primaryKey({ columns: [t.webhookId, t.messageId, t.id] })],
);
export type WebhookAttempt = typeof webhookAttempts.$inferSelect;
