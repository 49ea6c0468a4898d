import { type ParsedMail, simpleParser } from "mailparser";
import type { App } from "../app.ts";
import type { Keyset } from "../db/page.ts";
import { Refusal } from "../errors.ts";
import { isId } from "../ids.ts";
import { type DkimVerdict, verifyMessage } from "../mail/dkim-verify.ts";
import type { SandboxMessage } from "./schema.ts";
import { findPublishedKey, findSandboxMessage, listSandboxMessages } from "./store.ts";

/** A message as its recipient would see it. */
export interface ReadMessage extends SandboxMessage {
  parsed: ParsedMail;
  dkim: DkimVerdict[];
}

export async function getSandboxMessages(app: App, teamId: string, keyset: Keyset): Promise<ReadMessage[]> {
  const rows = await listSandboxMessages(app.db, teamId, keyset);
  return Promise.all(rows.map((row) => read(app, row)));
}

export async function getSandboxMessage(app: App, teamId: string, id: string): Promise<ReadMessage> {
  const row = isId(id) ? await findSandboxMessage(app.db, teamId, id) : undefined;
  if (!row) throw new Refusal("not_found", "Message not found");
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
