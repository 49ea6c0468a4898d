import { type App, atomically } from "../app.ts";
import type { CsvRow } from "../csv/rows.ts";
import { Refusal } from "../errors.ts";
import { addAll, countAdded, type NewSuppression } from "./changes.ts";
import { type Columns, type RowDefaults, readFirstRow, readRow } from "./csv-columns.ts";

export interface ImportResult {
  counts: { total: number; created: number; existing: number; failed: number };
  /** The first of what could not be taken. */
  errors: { line: number; message: string }[];
}

/** Written in one batch, so that no other write waits long behind it. */
const rowsPerBatch = 500;
const mostErrors = 100;

/**
 * Adds the suppressions of a CSV file; those that are there already stay. Who dies half-way leaves whole batches behind,
 * and to import the same file again does no harm.
 */
export async function importSuppressions(
  app: App,
  teamId: string,
  pieces: AsyncIterable<CsvRow[]>,
  defaults: RowDefaults,
): Promise<ImportResult> {
  const counts = { total: 0, created: 0, existing: 0, failed: 0 };
  const errors: ImportResult["errors"] = [];
  let columns: Columns | undefined;
  let waiting: NewSuppression[] = [];
  const store = async () => {
    const created = await addRows(app, teamId, waiting);
    counts.created += created;
    counts.existing += waiting.length - created;
    waiting = [];
  };
  const fail = (line: number, message: string) => {
    counts.failed++;
    if (errors.length < mostErrors) errors.push({ line, message });
  };

  for await (const rows of pieces) {
    for (const row of rows) {
      if (!columns) {
        const first = "cells" in row ? readFirstRow(row.cells) : undefined;
        if (!first) throw withoutAddresses();
        columns = first.columns;
        if (first.isHeader) continue;
      }
      counts.total++;
      const read = "cells" in row ? readRow(columns, row.cells, defaults, app.now()) : row;
      if ("mistake" in read) fail(row.line, read.mistake);
      else waiting.push(read.row);
      if (waiting.length === rowsPerBatch) await store();
    }
  }
  if (!columns) throw withoutAddresses();
  await store();
  return { counts, errors };
}

const withoutAddresses = () => new Refusal("validation_error", "CSV missing required email column");

/** How many of them are new. */
async function addRows(app: App, teamId: string, rows: NewSuppression[]): Promise<number> {
  if (rows.length === 0) return 0;
  return countAdded(await atomically(app, addAll(app, teamId, rows)));
}
