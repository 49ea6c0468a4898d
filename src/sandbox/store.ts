import { and, eq, getTableColumns } from "drizzle-orm";
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
