import { Type as t } from "@sinclair/typebox";
import { setLastEvent } from "../emails/store.ts";
import { recordEvent } from "../events/record.ts";
import { again, defineJob, done, handle } from "../jobs/job.ts";
import { suppress } from "../suppressions/suppress.ts";
import { findDelivery } from "./store.ts";

/** The spam report of `complained@`, which comes a moment after the message has. */
export const complain = defineJob("sandbox_complain", t.Object({ deliveryId: t.String() }));

export const complaining = handle(complain, async (app, { deliveryId }) => {
  const delivery = await findDelivery(app.db, deliveryId);
  if (!delivery) return done();
  if (delivery.settledAt !== null && delivery.state !== "delivered") return done(); // its answer was lost, and it was given up
  if (delivery.state !== "delivered") {
    return again(new Date(app.now().getTime() + 1_000), "the delivery's outcome is not on disk yet");
  }
  const { teamId, emailId, recipient, domainId } = delivery;
  return done([
    ...recordEvent(app, { type: "email.complained", teamId, emailId, deliveryId, recipient, domainId }),
    setLastEvent({ id: emailId, lastEvent: "complained" }),
    ...suppress(app, { teamId, address: recipient, reason: "complaint", sourceId: emailId }),
  ]);
});
