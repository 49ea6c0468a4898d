/**
 * Working on a file of contacts. Its rows are written in the batch that moves its cursor: who dies in the middle, or loses
 * the job to another node, leaves whole batches behind, and the next to come passes over what is done.
 */
import { eq } from "drizzle-orm";
import { type App, atomically } from "../app.ts";
import { type CsvRow, readCsvRows } from "../csv/rows.ts";
import { expectChange, rawWrite, type Write } from "../db/write.ts";
import { WriteConflict } from "../errors.ts";
import { again, done, type Ending, handle } from "../jobs/job.ts";
import { changeKnown, chooseTopics, insertNew, joinSegments, number } from "./changes.ts";
import { type Columns, mergeWishes, type ReadRow, readHeader, readRow } from "./import-rows.ts";
import { releaseFile } from "./imports.ts";
import { importContacts } from "./jobs.ts";
import { propertiesOf } from "./properties.ts";
import { type ContactImport, contactImports } from "./schema.ts";

/** Written in one batch, so that no other write waits long behind it. */
const usualRowsPerBatch = 500;
/** A file that is wrong in every row tells enough by these. */
const mostErrors = 10_000;
const waitMs = 5_000;

export const importingContacts = handle(importContacts, (app, { importId }, { signal }) =>
  importFile(app, importId, signal),
);

export async function importFile(
  app: App,
  importId: string,
  signal: AbortSignal,
  rowsPerBatch = usualRowsPerBatch,
): Promise<Ending> {
  const row = await app.db.select().from(contactImports).where(eq(contactImports.id, importId)).get();
  if (!row || row.completedAt) return done();
  const file = row.blobHash === null ? undefined : await app.blobs.stream(row.blobHash);
  if (!file) return done(end(app, row, "failed", "The file is no longer there: import it again."));
  try {
    const problem = await new Importer(app, row, rowsPerBatch, signal).run(file);
    if (problem === stopped) return again(app.now(), "it is to go on elsewhere");
    return done(problem === undefined ? end(app, row, "completed", null) : end(app, row, "failed", problem));
  } catch (error) {
    if (!(error instanceof WriteConflict && error.kind === "stale")) throw error;
    return again(new Date(app.now().getTime() + waitMs), "somebody else has gone on with it");
  }
}

function end(
  app: App,
  { id }: ContactImport,
  status: "completed" | "failed",
  problem: string | null,
): Write[] {
  return [
    rawWrite(
      "update contact_imports set status = ?, problem = ?, completed_at = ?, bytes_read = size where id = ?",
      [status, problem, app.now().getTime(), id],
    ),
    ...releaseFile(id, app.now()),
  ];
}

const stopped = Symbol("stopped");

interface Taken {
  line: number;
  read: ReadRow;
}

class Importer {
  #columns: Columns | undefined;
  #waiting: Taken[] = [];
  /** Rows of the file, its header not among them, that are dealt with. */
  #done: number;
  #failed: number;
  #seen = 0;
  #bytes = 0;

  constructor(
    readonly app: App,
    readonly row: ContactImport,
    readonly rowsPerBatch: number,
    readonly signal: AbortSignal,
  ) {
    this.#done = row.total;
    this.#failed = row.failed;
  }

  /** Why the file can't be imported at all, where it can't. */
  async run(file: ReadableStream<Uint8Array>): Promise<string | undefined | typeof stopped> {
    const { options, teamId } = this.row;
    const definitions = await propertiesOf(this.app.db, teamId);
    for await (const rows of readCsvRows(this.#counted(file), options.charset)) {
      for (const row of rows) {
        if (!this.#columns) {
          const header = readHeader(row, options, definitions);
          if ("problem" in header) return header.problem;
          this.#columns = header.columns;
          continue;
        }
        this.#take(row, this.#columns);
        if (this.#waiting.length < this.rowsPerBatch) continue;
        await this.#store();
        if (this.signal.aborted) return stopped;
      }
    }
    if (!this.#columns) return "CSV missing required email column";
    if (this.#waiting.length > 0) await this.#store();
    return undefined;
  }

  async *#counted(file: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of file) {
      this.#bytes += chunk.length;
      yield chunk;
    }
  }

  #take(row: CsvRow, columns: Columns): void {
    if (this.#seen++ < this.row.total) return; // an earlier life has dealt with it
    const read = "cells" in row ? readRow(columns, row.cells, this.row.options) : { mistake: row.mistake };
    this.#waiting.push({ line: row.line, read });
  }

  async #store(): Promise<void> {
    const { app, row } = this;
    const taken = this.#waiting;
    this.#waiting = [];
    const mistakes = taken.flatMap(({ line, read }) =>
      "mistake" in read ? [{ line, message: read.mistake }] : [],
    );
    const read = taken.flatMap((each) => ("wish" in each.read ? [each.read.wish] : []));
    const isKeeping = row.options.onConflict === "skip";
    const howTopics = isKeeping ? "ifNothingSaid" : row.options.resubscribe ? "always" : "unlessLeft";
    const wishes = mergeWishes(read, isKeeping).map(number);
    const emails = wishes.map(({ email }) => email);
    const { teamId, id, options } = row;
    await atomically(
      app,
      [
        rawWrite(
          `update contact_imports set status = 'in_progress', total = ?3, failed = failed + ?4, bytes_read = min(size, ?5)
           where id = ?1 and total = ?2 and completed_at is null`,
          [id, this.#done, this.#done + taken.length, mistakes.length, this.#bytes],
        ),
        expectChange(), // another hold of this job that went on would do these rows twice
        insertNew(app, teamId, wishes),
        rawWrite(isKeeping ? countSkipped : countUpdated, [id, read.length]),
        ...(isKeeping ? [] : changeKnown(app, teamId, wishes)),
        ...(options.segmentIds.length > 0 ? [joinSegments(teamId, emails, options.segmentIds)] : []),
        ...(options.topics.length > 0 ? [chooseTopics(teamId, emails, options.topics, howTopics)] : []),
        ...(mistakes.length > 0 && this.#failed < mostErrors ? [insertErrors(id, mistakes)] : []),
      ],
      { isPatient: true },
    );
    this.#done += taken.length;
    this.#failed += mistakes.length;
  }
}

// Behind the insert of new contacts: `changes()` is how many those were.
const countRest = (column: string) =>
  `update contact_imports set created = created + changes(), ${column} = ${column} + ?2 - changes() where id = ?1`;
const countUpdated = countRest("updated");
const countSkipped = countRest("skipped");

const insertErrors = (importId: string, mistakes: { line: number; message: string }[]): Write =>
  rawWrite(
    `insert into contact_import_errors (import_id, line, message)
     select ?1, json_extract(value, '$.line'), json_extract(value, '$.message') from json_each(?2) where true
     on conflict (import_id, line) do nothing`,
    [importId, JSON.stringify(mistakes)],
  );
