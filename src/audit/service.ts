// audit/ is who did what in the admin: a row in the same batch as what was done, so that neither is without the other.
import { eq } from "drizzle-orm";
import type { App } from "../app.ts";
import { type Keyset, newestFirst, pageOf } from "../db/page.ts";
import type { Write } from "../db/write.ts";
import { newIdAt } from "../ids.ts";
import { type AuditEntry, audit } from "./schema.ts";

/** The longest an act is told; what people name things is in it. */
const longestAct = 300;

/** The row an act leaves. */
export function auditEntry(app: App, entry: Omit<AuditEntry, "id" | "createdAt">): Write {
  const createdAt = app.now();
  return app.db
    .insert(audit)
    .values({ id: newIdAt(createdAt), createdAt, ...entry, act: entry.act.slice(0, longestAct) });
}

/** One page of a team's audit log and one more, newest first. */
export async function listAudit(app: App, teamId: string, page: Keyset): Promise<AuditEntry[]> {
  const { where, orderBy, limit } = pageOf(audit.id, eq(audit.teamId, teamId), page);
  return newestFirst(await app.db.select().from(audit).where(where).orderBy(orderBy).limit(limit), page);
}
