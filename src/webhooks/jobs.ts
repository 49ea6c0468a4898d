import { Type as t } from "@sinclair/typebox";
import { defineJob } from "../jobs/job.ts";

/** One event for one endpoint, whose lane it waits in. Written by a trigger, as well; see the webhooks migration. */
export const callWebhook = defineJob(
  "webhook",
  t.Object({ webhookId: t.String(), id: t.String(), emailId: t.Union([t.String(), t.Null()]) }),
  { permits: 256 },
);

/** Takes away what waits for an endpoint that is no longer there or no longer enabled. */
export const clearWebhook = defineJob("clear_webhook", t.Object({ webhookId: t.String() }));

/** Sends again what a filter asks for, up to `until`. Times are milliseconds since 1970. */
export const replayWebhook = defineJob(
  "replay_webhook",
  t.Object({
    webhookId: t.String(),
    name: t.Optional(t.String()),
    status: t.Union([t.Literal("failed"), t.Literal("success"), t.Literal("pending")]),
    /** The last id that was looked at. */
    after: t.String(),
    /** No id from here on. */
    end: t.String(),
  }),
);
