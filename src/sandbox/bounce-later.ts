/** The DSN about what `bounced-later@` was sent: taken at first, and not deliverable in the end. */
import { Type as t } from "@sinclair/typebox";
import { eq } from "drizzle-orm";
import type { App } from "../app.ts";
import { newId } from "../ids.ts";
import { acceptMessage } from "../inbound/accept.ts";
import { defineJob, done, handle } from "../jobs/job.ts";
import { composeDsn } from "../mail/dsn.ts";
import { makeMessageId } from "../mail/message-id.ts";
import { ReplyError } from "../smtp/reply.ts";
import { sandboxHost } from "./internet.ts";
import { type SandboxMessage, sandboxMessages } from "./schema.ts";

/** `messageId` is that of the message's row. */
export const bounceLater = defineJob("sandbox_bounce_later", t.Object({ messageId: t.String() }));

export const bouncingLater = handle(bounceLater, async (app, { messageId }) => {
  const message = await app.db.select().from(sandboxMessages).where(eq(sandboxMessages.id, messageId)).get();
  if (message) await handIn(app, dsnFor(app, message), message.mailFrom); // trimmed meanwhile otherwise
  return done();
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

/** As a stranger's mail to the return path is taken, but for the socket. */
async function handIn(app: App, dsn: Uint8Array, returnPath: string): Promise<void> {
  const envelope = { from: "", to: [returnPath] };
  const sink = await acceptMessage(app, envelope, {
    ...{ id: newId(), remoteAddress: "127.0.0.1", clientName: sandboxHost, protocol: "ESMTP" },
    isSecure: false,
  }).catch((error: unknown) => {
    if (error instanceof ReplyError) return undefined; // the domain is gone meanwhile, and its return path with it
    throw error;
  });
  await sink?.write(dsn);
  await sink?.end();
}
