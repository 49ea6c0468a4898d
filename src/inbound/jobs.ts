import { type Static, Type as t } from "@sinclair/typebox";
import { defineJob } from "../jobs/job.ts";
import type { Report } from "../mail/report.ts";

/** What an address was to the mail that came to it: a return path of ours, `abuse@` or `fbl@`, or anybody's mailbox. */
export const Place = t.Union([t.Literal("return_path"), t.Literal("abuse"), t.Literal("mailbox")]);
export type Place = Static<typeof Place>;

const orNull = t.Union([t.String(), t.Null()]);

/** Reads one row of mail; the lane is its team. */
export const readInbound = defineJob(
  "read_inbound",
  t.Object({
    inboundId: t.String(),
    place: Place,
    /** The one endpoint that is to hear of it, where a route says so. */
    webhookId: orNull,
  }),
  { permits: 64, permitsPerLane: 48 },
);

const reportedMessage = t.Object({ messageId: orNull, feedbackId: orNull, returnPath: orNull });

/** `Report` of mail/, as a payload has it. */
const reportShape = t.Union([
  t.Object({
    kind: t.Literal("delivery_status"),
    reportingHost: orNull,
    recipients: t.Array(
      t.Object({
        originalRecipient: orNull,
        finalRecipient: orNull,
        action: t.Union([
          t.Literal("failed"),
          t.Literal("delayed"),
          t.Literal("delivered"),
          t.Literal("relayed"),
          t.Literal("expanded"),
        ]),
        status: orNull,
        diagnostic: orNull,
        remoteHost: orNull,
      }),
    ),
    message: reportedMessage,
  }),
  t.Object({
    kind: t.Literal("complaint"),
    feedbackType: t.String(),
    recipient: orNull,
    returnPath: orNull,
    message: reportedMessage,
  }),
]);

/** What only one of the two shapes knows would be left out of payloads in silence: this compiles while they are the same. */
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : never) : never;
true satisfies Same<Static<typeof reportShape>, Report>;

/**
 * Mail has been read that is a report, or that came to where reports come. What follows for the delivery is for the room
 * of deliveries to say; the lane is the team.
 */
export const reportReceived = defineJob(
  "report_received",
  t.Object({
    inboundId: t.String(),
    /** Null for what is no report by its structure: its words prove nothing. */
    report: t.Union([reportShape, t.Null()]),
    /** Of the return path it came to, whose MAC was checked. */
    deliveryId: orNull,
    /** Which address of ours it came to. */
    role: Place,
    /** Whether it says itself that a machine wrote it in answer to another message. */
    isAutomatic: t.Boolean(),
  }),
);
