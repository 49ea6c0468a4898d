import { atomically } from "../../src/app.ts";
import { newId } from "../../src/ids.ts";
import type { InboundAttachment } from "../../src/inbound/schema.ts";
import {
  insertBody,
  insertInboundAttachment,
  insertRaw,
  insertUnread,
  markRead,
  type ReadEmail,
} from "../../src/inbound/store.ts";
import type { TestApp } from "./test-app.ts";

export interface ReceivedWish extends Partial<Omit<ReadEmail, "id" | "kind">> {
  /** `email` when absent. */
  kind?: ReadEmail["kind"] | "unread";
  html?: string | null;
  text?: string | null;
  headers?: Record<string, string>;
  results?: string;
  /** The message as it was stored. */
  raw?: string;
  /** Whether `raw` is a blob, as a large message's is. */
  isBlob?: boolean;
  attachments?: (Partial<InboundAttachment> & { content: string | Uint8Array })[];
}

/** Mail as it is in the database once it has been taken, and read unless it is to be unread. Gives its id. */
export async function addReceived(app: TestApp, teamId: string, wish: ReceivedWish = {}): Promise<string> {
  const { kind = "email", html = null, text = null, headers = {}, results = "", raw = "raw" } = wish;
  const id = newId();
  const blob = wish.isBlob ? await app.blobs.put(Buffer.from(raw)) : undefined;
  const attachments: InboundAttachment[] = [];
  for (const [position, { content, ...about }] of (wish.attachments ?? []).entries()) {
    const { hash, size } = await app.blobs.put(Buffer.from(content));
    attachments.push({
      ...{ id: newId(), inboundId: id, position, filename: null, contentType: "text/plain", contentId: null },
      ...{ contentDisposition: "attachment", size, blobHash: hash, ...about },
    });
  }
  const about = { messageId: "<1@sender.test>", sender: "ada@sender.test", recipients: ["bob@example.com"] };
  const nothing = { cc: [], bcc: [], replyTo: [], subject: "Hi", problem: null, verdicts: null };
  await atomically(app, [
    insertUnread({
      ...{ id, teamId, domainId: null, mailFrom: "ada@sender.test", receivedFor: ["bob@example.com"] },
      ...{ deliveryId: null, remoteAddress: "192.0.2.1", clientName: "mx.sender.test", tls: null },
      ...{ blobHash: blob?.hash ?? null, size: raw.length, createdAt: app.now() },
    }),
    ...(blob ? [] : [insertRaw({ inboundId: id, bytes: Buffer.from(raw) })]),
    ...(kind === "unread"
      ? []
      : [
          markRead({ ...about, ...nothing, ...wish, id, kind }),
          insertBody({ inboundId: id, headers, html, text, results }),
          ...attachments.map((attachment) => insertInboundAttachment(attachment)),
        ]),
  ]);
  return id;
}
