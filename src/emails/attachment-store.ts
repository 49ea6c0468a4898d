import { and, asc, desc, eq, sql } from "drizzle-orm";
import type { Db } from "../db/open.ts";
import type { Keyset } from "../db/page.ts";
import { type Attachment, attachments } from "./schema.ts";

/** A page of an email's attachments in the order they were given, one row more than asked for. */
export async function pageAttachments(
  db: Db,
  emailId: string,
  { limit, after, before }: Keyset,
): Promise<Attachment[]> {
  const { position } = attachments;
  // A cursor of another email, or of none, has no position: nothing comes before or after it.
  const cursor = sql`(select position from attachments where id = ${after ?? before} and email_id = ${emailId})`;
  const rows = await db
    .select()
    .from(attachments)
    .where(
      and(
        eq(attachments.emailId, emailId),
        after ? sql`${position} > ${cursor}` : undefined,
        before ? sql`${position} < ${cursor}` : undefined,
      ),
    )
    .orderBy(before ? desc(position) : asc(position))
    .limit(limit === undefined ? -1 : limit + 1);
  return before ? rows.reverse() : rows;
}

export async function findAttachment(db: Db, id: string): Promise<Attachment | undefined> {
  return db.select().from(attachments).where(eq(attachments.id, id)).get();
}
