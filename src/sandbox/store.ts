import { and, eq, getTableColumns, sql } from "drizzle-orm";
import type { Db } from "../db/open.ts";
import { type Keyset, newestFirst, pageOf } from "../db/page.ts";
import { rawWrite, type Write } from "../db/write.ts";
import { dkimKeys, domains } from "../domains/schema.ts";
import { type SandboxMessage, sandboxMessages } from "./schema.ts";

export const insertSandboxMessage = (db: Db, row: SandboxMessage): Write =>
  db.insert(sandboxMessages).values(row);

/** Keeps the newest `count` messages: a sandbox is looked at, not kept. */
export const trimSandboxMessages = (count: number): Write =>
  rawWrite(
    "delete from sandbox_messages where id <= (select id from sandbox_messages order by id desc limit 1 offset ?)",
    [count],
  );

export async function listSandboxMessages(db: Db, teamId: string, keyset: Keyset): Promise<SandboxMessage[]> {
  const { where, orderBy, limit } = pageOf(sandboxMessages.id, eq(sandboxMessages.teamId, teamId), keyset);
  return newestFirst(
    await db.select().from(sandboxMessages).where(where).orderBy(orderBy).limit(limit),
    keyset,
  );
}

/** A message as a list shows it: of its bytes the beginning alone. */
export interface SandboxHead extends Omit<SandboxMessage, "raw"> {
  start: Uint8Array;
  /** In bytes, of all of it. */
  size: number;
}

const headBytes = 16_384;

export async function listSandboxHeads(db: Db, teamId: string, keyset: Keyset): Promise<SandboxHead[]> {
  const { where, orderBy, limit } = pageOf(sandboxMessages.id, eq(sandboxMessages.teamId, teamId), keyset);
  const { raw, ...columns } = getTableColumns(sandboxMessages);
  const rows = await db
    .select({
      ...columns,
      start: sql<Uint8Array>`substr(${raw}, 1, ${headBytes})`,
      size: sql<number>`length(${raw})`,
    })
    .from(sandboxMessages)
    .where(where)
    .orderBy(orderBy)
    .limit(limit);
  return newestFirst(rows, keyset);
}

export const clearSandboxMessages = (db: Db, teamId: string): Write =>
  db.delete(sandboxMessages).where(eq(sandboxMessages.teamId, teamId));

export async function findSandboxMessage(
  db: Db,
  teamId: string,
  id: string,
): Promise<SandboxMessage | undefined> {
  return db
    .select()
    .from(sandboxMessages)
    .where(and(eq(sandboxMessages.teamId, teamId), eq(sandboxMessages.id, id)))
    .get();
}

/** The key a domain publishes under a selector. */
export async function findPublishedKey(db: Db, domain: string, selector: string) {
  const { algorithm, publicKey } = getTableColumns(dkimKeys);
  return db
    .select({ algorithm, publicKey })
    .from(dkimKeys)
    .innerJoin(domains, eq(domains.id, dkimKeys.domainId))
    .where(and(eq(domains.name, domain), eq(dkimKeys.selector, selector)))
    .get();
}
