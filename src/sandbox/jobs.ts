import { Type as t } from "@sinclair/typebox";
import { recordComplaint } from "../delivery/complaints.ts";
import { findReportedDelivery } from "../delivery/report-store.ts";
import { again, defineJob, done, handle } from "../jobs/job.ts";

/** The spam report of `complained@`, which comes a moment after the message has. */
export const complain = defineJob("sandbox_complain", t.Object({ deliveryId: t.String() }));

export const complaining = handle(complain, async (app, { deliveryId }) => {
  const delivery = await findReportedDelivery(app.db, deliveryId);
  if (!delivery) return done();
  if (delivery.settledAt !== null && delivery.state !== "delivered") return done(); // its answer was lost, and it was given up
  if (delivery.state !== "delivered") {
    return again(new Date(app.now().getTime() + 1_000), "the delivery's outcome is not on disk yet");
  }
  await recordComplaint(app, delivery);
  return done();
});
