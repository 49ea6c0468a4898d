import { type Static, Type as t } from "@sinclair/typebox";
import { defineJob } from "../jobs/job.ts";
import type { Report } from "../mail/report.ts";

const orNull = <S extends ReturnType<typeof t.String>>(schema: S) => t.Union([schema, t.Null()]);
const text = orNull(t.String());

const reportedMessage = t.Object({ messageId: text, feedbackId: text, returnPath: text });

/** `Report` of mail/, as a payload has it. */
const reportShape = t.Union([
  t.Object({
    kind: t.Literal("delivery_status"),
    reportingHost: text,
    recipients: t.Array(
      t.Object({
        originalRecipient: text,
        finalRecipient: text,
        action: t.Union([
          t.Literal("failed"),
          t.Literal("delayed"),
          t.Literal("delivered"),
          t.Literal("relayed"),
          t.Literal("expanded"),
        ]),
        status: text,
        diagnostic: text,
        remoteHost: text,
      }),
    ),
    message: reportedMessage,
  }),
  t.Object({
    kind: t.Literal("complaint"),
    feedbackType: t.String(),
    recipient: text,
    returnPath: text,
    message: reportedMessage,
  }),
]);

/** What only one of the two shapes knows would be left out of payloads in silence: this compiles while they are the same. */
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : never) : never;
true satisfies Same<Static<typeof reportShape>, Report>;

/** A message that came in answer to one of ours, and has been read and stored. */
export const reportReceived = defineJob(
  "report_received",
  t.Object({
    inboundId: t.String(),
    /** Null for what is no report by its structure: its words prove nothing. */
    report: t.Union([reportShape, t.Null()]),
    /** Of the return path it came to, whose MAC was checked. */
    deliveryId: text,
    /** Which address of ours it came to. */
    role: t.Union([t.Literal("return_path"), t.Literal("abuse"), t.Literal("mailbox")]),
    isAutomatic: t.Boolean(),
  }),
);
