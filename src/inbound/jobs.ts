import { type Static, Type as t } from "@sinclair/typebox";
import { defineJob } from "../jobs/job.ts";

/** What an address was to the mail that came to it: a return path of ours, `abuse@` or `fbl@`, or anybody's mailbox. */
export const Place = t.Union([t.Literal("return_path"), t.Literal("abuse"), t.Literal("mailbox")]);
export type Place = Static<typeof Place>;

/** Reads one row of mail; the lane is its team. */
export const readInbound = defineJob(
  "read_inbound",
  t.Object({
    inboundId: t.String(),
    place: Place,
    /** The one endpoint that is to hear of it, where a route says so. */
    webhookId: t.Union([t.String(), t.Null()]),
  }),
  { permits: 64, permitsPerLane: 48 },
);

const orNull = t.Union([t.String(), t.Null()]);
const ReportedMessage = t.Object({ messageId: orNull, feedbackId: orNull });

const ReportShape = t.Union([
  t.Object({
    kind: t.Literal("delivery_status"),
    recipients: t.Array(
      t.Object({
        recipient: orNull,
        action: t.Union([
          t.Literal("failed"),
          t.Literal("delayed"),
          t.Literal("delivered"),
          t.Literal("relayed"),
          t.Literal("expanded"),
        ]),
        status: orNull,
        diagnostic: orNull,
      }),
    ),
    message: ReportedMessage,
  }),
  t.Object({
    kind: t.Literal("complaint"),
    feedbackType: t.String(),
    recipient: orNull,
    returnPath: orNull,
    message: ReportedMessage,
  }),
]);

/**
 * Mail has been read that is a report, or that came to where reports come. What follows for the delivery is for the room
 * of deliveries to say; the lane is the team.
 */
export const reportReceived = defineJob(
  "report_received",
  t.Object({
    inboundId: t.String(),
    /** Null where it came to a return path, or to `abuse@`, and is no report. */
    report: t.Union([ReportShape, t.Null()]),
    /** Proven by the return path it came to. */
    deliveryId: orNull,
    role: Place,
    /** Whether it says itself that a machine wrote it in answer to another message. */
    isAutomatic: t.Boolean(),
  }),
);
