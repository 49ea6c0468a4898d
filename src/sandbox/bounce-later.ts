/** The DSN about what `bounced-later@` was sent: taken at first, and not deliverable in the end. */
import { Type as t } from "@sinclair/typebox";
import { eq } from "drizzle-orm";
import type { App } from "../app.ts";
import { newId } from "../ids.ts";
import { reportReceived } from "../inbound/jobs.ts";
import { defineJob, done, enqueue, handle } from "../jobs/job.ts";
import { composeDsn } from "../mail/dsn.ts";
import { makeMessageId } from "../mail/message-id.ts";
import { readReturnPath } from "../mail/verp.ts";
import { sandboxHost } from "./internet.ts";
import { type SandboxMessage, sandboxMessages } from "./schema.ts";

/** `messageId` is that of the message's row. */
export const bounceLater = defineJob("sandbox_bounce_later", t.Object({ messageId: t.String() }));

export const bouncingLater = handle(bounceLater, async (app, { messageId }) => {
  const message = await app.db.select().from(sandboxMessages).where(eq(sandboxMessages.id, messageId)).get();
  if (!message) return done(); // trimmed meanwhile
  return done(await handOver(app, dsnFor(app, message), message.mailFrom));
});

function dsnFor(app: App, { id, mailFrom, rcptTo, raw, createdAt }: SandboxMessage): Uint8Array {
  return composeDsn({
    messageId: makeMessageId(id, sandboxHost),
    date: app.now(),
    reportingHost: sandboxHost,
    to: mailFrom,
    action: "failed",
    status: "5.1.1",
    recipient: rcptTo,
    diagnostic: "550 5.1.1 The sandbox took it, and then found no such user",
    arrivedAt: createdAt,
    original: raw,
  });
}

/** As mail that came to the return path is taken: read by a message worker like any stranger's. */
async function handOver(app: App, dsn: Uint8Array, returnPath: string) {
  const { report = null, isAutomatic } = await app.threads.read({ raw: dsn }, async () => []);
  const deliveryId = readReturnPath(returnPath, app.secrets.derive("return-path"))?.deliveryId ?? null;
  return enqueue(app, reportReceived, {
    ...{ inboundId: newId(), report, deliveryId, role: "return_path" as const, isAutomatic },
  });
}
