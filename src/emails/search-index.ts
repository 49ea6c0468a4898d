import { and, asc, eq, gt, lt } from "drizzle-orm";
import { type App, atomically } from "../app.ts";
import type { Db } from "../db/open.ts";
import { rawWrite, type Write } from "../db/write.ts";
import { leastIdAt } from "../ids.ts";
import { recurring } from "../jobs/recurring.ts";
import { emailSearchProgress, emails } from "./schema.ts";
import { searchRowid } from "./search-rowid.ts";
import { type SearchedEmail, scopeWord, textsOf } from "./search-words.ts";

/** An email may be on disk later than its id was made, by what fetching its attachments takes and by other nodes' clocks. */
const lagMs = 60_000;
const everyMs = 10_000;
/** Some five milliseconds of writing, for which everything else waits: twice as many take less in all, and longer at once. */
const perBatch = 200;
const batchesPerRun = 50;

/**
 * Writes the words of emails that are a minute old: behind the accepting, which they would slow down. What they are not
 * written for yet, a search looks at itself.
 */
export const indexingEmails = recurring("index_emails", everyMs, indexEmails);

export async function indexEmails(app: App): Promise<void> {
  for (let n = 0; n < batchesPerRun; n++) if (!(await writeWords(app))) return;
}

/** One batch; false when there was less than a whole one to do. */
async function writeWords(app: App): Promise<boolean> {
  const behind = await wordsWrittenTo(app.db);
  const rows = await listSearched(app.db, behind, leastIdAt(new Date(app.now().getTime() - lagMs)));
  if (rows.length === 0) return false;
  const groups = [...byRowid(rows).values()];
  // The last row may go on behind the batch: it is written whole with the next.
  if (rows.length === perBatch && groups.length > 1) groups.pop();
  const last = groups.at(-1)!.at(-1)!.id;
  await atomically(app, [
    ...groups.map(insertWords),
    app.db.update(emailSearchProgress).set({ emailId: last }).where(eq(emailSearchProgress.id, 1)),
  ]);
  return rows.length === perBatch;
}

/** Emails that share their row, made in one tick of one counter, have their words in it together. */
function byRowid(rows: SearchedEmail[]): Map<string, SearchedEmail[]> {
  return Map.groupBy(rows, ({ id }) => searchRowid(id));
}

function insertWords(rows: SearchedEmail[]): Write {
  const texts = rows.map(textsOf);
  const scope = rows.map(
    ({ teamId, domainId }) => `${scopeWord(teamId)} ${domainId ? scopeWord(domainId) : ""}`,
  );
  const all = (column: keyof (typeof texts)[number]) => texts.map((text) => text[column]).join(" ");
  return rawWrite(
    "insert or replace into email_search (rowid, scope, sender, recipients, subject, tags, message_id) values (cast(? as integer), ?, ?, ?, ?, ?, ?)",
    [
      searchRowid(rows[0]!.id),
      scope.join(" "),
      all("sender"),
      all("recipients"),
      all("subject"),
      all("tags"),
      all("message_id"),
    ],
  );
}

/** Takes the words of an email away, where they are written. */
export function deleteWords(emailId: string): Write {
  return rawWrite("delete from email_search where rowid = cast(? as integer)", [searchRowid(emailId)]);
}

/** Writes the words of one email anew, after it was changed. */
export const rewriteWords = (email: SearchedEmail): Write => insertWords([email]);

/** The last email whose words are written; empty when none are. */
export async function wordsWrittenTo(db: Db): Promise<string> {
  const row = await db
    .select({ emailId: emailSearchProgress.emailId })
    .from(emailSearchProgress)
    .where(eq(emailSearchProgress.id, 1))
    .get();
  return row?.emailId ?? "";
}

async function listSearched(db: Db, behind: string, before: string): Promise<SearchedEmail[]> {
  return db
    .select({
      id: emails.id,
      teamId: emails.teamId,
      domainId: emails.domainId,
      messageId: emails.messageId,
      sender: emails.sender,
      recipients: emails.recipients,
      cc: emails.cc,
      bcc: emails.bcc,
      subject: emails.subject,
      tags: emails.tags,
      lastEvent: emails.lastEvent,
    })
    .from(emails)
    .where(and(gt(emails.id, behind), lt(emails.id, before)))
    .orderBy(asc(emails.id))
    .limit(perBatch);
}
