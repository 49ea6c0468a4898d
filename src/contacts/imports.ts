/** Files of contacts: taken, listed, and forgotten after a while. */
import { and, asc, eq, lt } from "drizzle-orm";
import { type App, atomically } from "../app.ts";
import type { BlobDraft } from "../blobs/store.ts";
import { guardFormula } from "../csv/formula.ts";
import { readCsvRows } from "../csv/rows.ts";
import { type Keyset, newestFirst, pageOf } from "../db/page.ts";
import { rawWrite, type Write } from "../db/write.ts";
import { Refusal } from "../errors.ts";
import { isId, newId } from "../ids.ts";
import { enqueue } from "../jobs/job.ts";
import { recurring } from "../jobs/recurring.ts";
import { type ImportFields, readOptions } from "./import-options.ts";
import { readHeader } from "./import-rows.ts";
import { importContacts } from "./jobs.ts";
import { propertiesOf } from "./properties.ts";
import {
  type ContactImport,
  type ContactImportError,
  contactImportErrors,
  contactImports,
  type ImportStatus,
} from "./schema.ts";

/** A file on its way in: its bytes go to the store as they come, and its beginning is kept to be looked at. */
export class IncomingFile {
  readonly #draft: BlobDraft;
  #start = new Uint8Array();

  private constructor(draft: BlobDraft) {
    this.#draft = draft;
  }

  static async open(app: App): Promise<IncomingFile> {
    return new IncomingFile(await app.blobs.draft());
  }

  async write(chunk: Uint8Array): Promise<void> {
    if (this.#start.length < startBytes) {
      this.#start = Buffer.concat([this.#start, chunk.subarray(0, startBytes - this.#start.length)]);
    }
    await this.#draft.write(chunk);
  }

  commit = () => this.#draft.commit();
  discard = () => this.#draft.discard();
  start = () => this.#start;
}

/** What a header fits into: no record is longer. */
const startBytes = 64 * 1024;

/** Takes a file whose bytes have all come, unless its header or its options are wrong. */
export async function startImport(
  app: App,
  teamId: string,
  file: IncomingFile,
  fields: ImportFields,
  charset?: string,
): Promise<ContactImport> {
  const options = { ...(await readOptions(app, teamId, fields)), ...(charset !== undefined && { charset }) };
  const header = readHeader(
    await firstRow(file.start(), charset),
    options,
    await propertiesOf(app.db, teamId),
  );
  if ("problem" in header) throw new Refusal("validation_error", header.problem);
  const { hash, size } = await file.commit();
  const row = importRow(app, teamId, { id: newId(), status: "queued", blobHash: hash, size, options });
  await atomically(app, [
    app.db.insert(contactImports).values(row),
    ...enqueue(app, importContacts, { importId: row.id }, { id: row.id, lane: teamId }),
  ]);
  return row;
}

/** An import with which nothing has been done yet. */
export const importRow = (
  app: App,
  teamId: string,
  given: Pick<ContactImport, "id" | "status" | "blobHash" | "size" | "options">,
): ContactImport => ({
  ...{ ...given, teamId, bytesRead: 0 },
  ...{ total: 0, created: 0, updated: 0, skipped: 0, failed: 0, problem: null },
  ...{ createdAt: app.now(), completedAt: null },
});

async function firstRow(start: Uint8Array, charset: string | undefined) {
  const bytes = (async function* () {
    yield start;
  })();
  for await (const rows of readCsvRows(bytes, charset)) if (rows.length > 0) return rows[0];
  return undefined;
}

/** One page of a team's imports and one more, newest first. */
export async function listImports(
  app: App,
  teamId: string,
  status: ImportStatus | undefined,
  page: Keyset,
): Promise<ContactImport[]> {
  const ofStatus = status && eq(contactImports.status, status);
  const { where, orderBy, limit } = pageOf(
    contactImports.id,
    and(eq(contactImports.teamId, teamId), ofStatus),
    page,
  );
  return newestFirst(
    await app.db.select().from(contactImports).where(where).orderBy(orderBy).limit(limit),
    page,
  );
}

export async function getImport(app: App, teamId: string, id: string): Promise<ContactImport> {
  const row = isId(id)
    ? await app.db
        .select()
        .from(contactImports)
        .where(and(eq(contactImports.id, id.toLowerCase()), eq(contactImports.teamId, teamId)))
        .get()
    : undefined;
  if (!row) throw new Refusal("not_found", "Contact import not found");
  return row;
}

/** The rows that could not be taken, in the order of the file. */
export const listErrors = (app: App, importId: string): Promise<ContactImportError[]> =>
  app.db
    .select()
    .from(contactImportErrors)
    .where(eq(contactImportErrors.importId, importId))
    .orderBy(asc(contactImportErrors.line));

/** The same as CSV. */
export async function* errorLines(errors: ContactImportError[]): AsyncGenerator<string> {
  yield "line,message\r\n";
  for (const { line, message } of errors)
    yield `${line},"${guardFormula(message).replaceAll('"', '""')}"\r\n`;
}

/** The file has served: what removes blobs that nothing names finds it here. */
export const releaseFile = (importId: string, now: Date): Write[] => [
  rawWrite(
    `insert into unnamed_blobs (hash, since)
     select blob_hash, ?2 from contact_imports where id = ?1 and blob_hash is not null
     on conflict (hash) do nothing`,
    [importId, now.getTime()],
  ),
  rawWrite("update contact_imports set blob_hash = null where id = ?", [importId]),
];

const keptMs = 30 * 24 * 3_600_000;
/** With up to ten thousand errors each. */
const importsPerSlice = 5;
/** How long a file waits for somebody to say what its columns are. */
const unbegunMs = 7 * 24 * 3_600_000;

/** What became of a file is told for a month. */
export const forgettingImports = recurring("forget_imports", 3_600_000, (app) => forgetImports(app));

export async function forgetImports(app: App): Promise<void> {
  await giveUpUnbegun(app);
  const before = app.now().getTime() - keptMs;
  for (;;) {
    const [removed] = await atomically(app, [
      rawWrite(
        `delete from contact_imports where id in (
           select id from contact_imports where created_at < ? order by created_at limit ?)
         and completed_at is not null`,
        [before, importsPerSlice],
      ),
    ]);
    if (removed!.changes < importsPerSlice) return;
  }
}

async function giveUpUnbegun(app: App): Promise<void> {
  const before = new Date(app.now().getTime() - unbegunMs);
  const rows = await app.db
    .select({ id: contactImports.id })
    .from(contactImports)
    .where(and(lt(contactImports.createdAt, before), eq(contactImports.status, "uploaded")))
    .orderBy(asc(contactImports.createdAt));
  for (const { id } of rows) {
    await atomically(app, [
      ...releaseFile(id, app.now()),
      rawWrite(
        "update contact_imports set status = 'failed', problem = ?2, completed_at = ?3 where id = ?1 and status = 'uploaded'",
        [id, "It was uploaded and never begun.", app.now().getTime()],
      ),
    ]);
  }
}
