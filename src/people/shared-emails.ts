/** Emails that went to somebody else too: the others' copy stays, and in it the person is nobody. */
import { inArray } from "drizzle-orm";
import type { App } from "../app.ts";
import { rawWrite, type Write } from "../db/write.ts";
import { emailSources, emails } from "../emails/schema.ts";
import { rewriteWords } from "../emails/search-index.ts";
import type { Trace } from "./trace.ts";

/** Looked at together: messages that came by SMTP may be large. */
const sourcesAtOnce = 100;

export async function takeOut(app: App, ids: string[], trace: Trace): Promise<Write[]> {
  if (ids.length === 0) return [];
  const rows = await app.db.select().from(emails).where(inArray(emails.id, ids));
  const writes = rows.flatMap((row) => {
    const [recipients, cc, bcc, replyTo] = [row.recipients, row.cc, row.bcc, row.replyTo].map((list) =>
      trace.withoutThem(list),
    ) as [string[], string[], string[], string[]];
    const [headers, tags] = [row.headers, row.tags].map((value) => trace.without(JSON.stringify(value))) as [
      string,
      string,
    ];
    const subject = trace.without(row.subject);
    return [
      rawWrite(
        `update emails set recipients = ?, cc = ?, bcc = ?, reply_to = ?, headers = ?, tags = ?, subject = ?, merge = ?
         where id = ?`,
        [
          ...[recipients, cc, bcc, replyTo].map((list) => JSON.stringify(list)),
          ...[headers, tags, subject],
          row.merge === null ? null : trace.without(JSON.stringify(row.merge)),
          row.id,
        ],
      ),
      // Nobody finds the email by who was erased from it.
      rewriteWords({ ...row, recipients, cc, bcc, subject, tags: JSON.parse(tags) }),
    ];
  });
  for (let at = 0; at < ids.length; at += sourcesAtOnce) {
    writes.push(...(await takeOutOfSources(app, ids.slice(at, at + sourcesAtOnce), trace)));
  }
  return writes;
}

/** A message that came by SMTP names its recipients itself. */
async function takeOutOfSources(app: App, ids: string[], trace: Trace): Promise<Write[]> {
  const writes: Write[] = [];
  for (const { emailId, raw, blobHash } of await app.db
    .select()
    .from(emailSources)
    .where(inArray(emailSources.emailId, ids))) {
    const bytes = raw ?? (blobHash === null ? undefined : await app.blobs.get(blobHash));
    const changed = bytes && withoutThemInHead(bytes, trace);
    if (!changed) continue;
    const set = "update email_sources set size = ?, raw = ?, blob_hash = ? where email_id = ?";
    if (blobHash === null) {
      writes.push(rawWrite(set, [changed.length, changed, null, emailId]));
      continue;
    }
    const { hash, size } = await app.blobs.put(changed);
    writes.push(
      rawWrite("insert into unnamed_blobs (hash, since) values (?, ?) on conflict do nothing", [
        blobHash,
        app.now().getTime(),
      ]),
      rawWrite(set, [size, null, hash, emailId]),
    );
  }
  return writes;
}

/** Undefined where the head does not name them. What the body says is the others' to keep. */
export function withoutThemInHead(bytes: Uint8Array, trace: Trace): Uint8Array | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const blank = buffer.indexOf("\r\n\r\n");
  const end = blank === -1 ? buffer.length : blank;
  const utf8 = buffer.toString("utf8", 0, end);
  // Octets that are no UTF-8 must come out as they went in.
  const encoding = Buffer.from(utf8).equals(buffer.subarray(0, end)) ? "utf8" : "latin1";
  const head = buffer.toString(encoding, 0, end);
  const without = trace.without(head);
  return without === head ? undefined : Buffer.concat([Buffer.from(without, encoding), buffer.subarray(end)]);
}
