import { type ParsedMail, simpleParser } from "mailparser";
import { type App, atomically, requireRole } from "../app.ts";
import type { Keyset } from "../db/page.ts";
import { isInvitation } from "../emails/invitation-link.ts";
import { findEmail } from "../emails/store.ts";
import { Refusal } from "../errors.ts";
import { isId } from "../ids.ts";
import { type DkimVerdict, verifyMessage } from "../mail/dkim-verify.ts";
import type { SandboxMessage } from "./schema.ts";
import {
  clearSandboxMessages,
  findPublishedKey,
  findSandboxMessage,
  listSandboxHeads,
  listSandboxMessages,
  type SandboxHead,
} from "./store.ts";

/** A message as its recipient would see it. */
export interface ReadMessage extends SandboxMessage {
  parsed: ParsedMail;
  dkim: DkimVerdict[];
}

export async function getSandboxMessages(app: App, teamId: string, keyset: Keyset): Promise<ReadMessage[]> {
  const rows = await listSandboxMessages(app.db, teamId, keyset);
  return Promise.all(rows.map((row) => read(app, row)));
}

/** A line of the inbox. */
export interface InboxMessage extends Omit<SandboxHead, "start"> {
  from: string;
  subject: string;
}

/** A page of the inbox, the newest first; of each message its head alone is read. */
export async function getSandboxInbox(app: App, teamId: string, keyset: Keyset): Promise<InboxMessage[]> {
  const rows = await listSandboxHeads(app.db, teamId, keyset);
  return Promise.all(
    rows.map(async ({ start, ...row }) => {
      const { from, subject = "" } = await simpleParser(headOf(Buffer.from(start)));
      return { ...row, from: from?.text ?? "", subject };
    }),
  );
}

function headOf(start: Buffer): Buffer {
  const end = start.indexOf("\r\n\r\n");
  return end === -1 ? start : start.subarray(0, end + 4);
}

/** Removes all that the sandbox took for a team; how many messages that were. */
export async function clearSandbox(app: App, teamId: string): Promise<number> {
  const [removed] = await atomically(app, [clearSandboxMessages(app.db, teamId)]);
  return removed!.changes;
}

export async function getSandboxMessage(app: App, teamId: string, id: string): Promise<ReadMessage> {
  const row = isId(id) ? await findSandboxMessage(app.db, teamId, id.toLowerCase()) : undefined;
  if (!row) throw new Refusal("not_found", "Message not found");
  const email = await findEmail(app.db, teamId, row.emailId);
  // Its link makes a member of whoever follows it: here, where no recipient reads it, that is for who may invite.
  if (email && isInvitation(email)) requireRole(app, "admin");
  return read(app, row);
}

async function read(app: App, row: SandboxMessage): Promise<ReadMessage> {
  const parsed = await simpleParser(row.raw);
  const dkim = await verifyMessage(row.raw, (name) => publishedAt(app, name));
  return { ...row, parsed, dkim };
}

/** What the DNS of the sandbox's domains holds for DKIM: the keys that the records to publish ask for. */
async function publishedAt(app: App, name: string): Promise<string[]> {
  const [, selector, domain] = /^([^.]+)\._domainkey\.(.+)$/.exec(name) ?? [];
  const key = selector && domain ? await findPublishedKey(app.db, domain, selector) : undefined;
  if (!key) throw Object.assign(new Error(`${name} does not exist`), { code: "ENOTFOUND" });
  return [`v=DKIM1; k=${key.algorithm}; p=${key.publicKey}`];
}
