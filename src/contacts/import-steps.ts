/** An import in two steps: the file comes first, is looked at, and is begun once somebody has said what its columns are. */
import { and, eq } from "drizzle-orm";
import { type App, atomically } from "../app.ts";
import { readCsvRows } from "../csv/rows.ts";
import { expectChange, rawWrite } from "../db/write.ts";
import { Refusal, WriteConflict } from "../errors.ts";
import { newId } from "../ids.ts";
import { enqueue } from "../jobs/job.ts";
import { type ImportFields, readOptions } from "./import-options.ts";
import { readHeader } from "./import-rows.ts";
import { getImport, type IncomingFile, importRow, releaseFile } from "./imports.ts";
import { importContacts } from "./jobs.ts";
import { propertiesOf } from "./properties.ts";
import { type ContactImport, contactImports, type PropertyType } from "./schema.ts";

/** What a header and some rows fit into: no record is longer. */
const startBytes = 128 * 1024;
const mostShown = 5;
const longestShown = 200;
/** A header with more columns is none. */
const mostColumns = 500;

/** Takes a file whose bytes have all come; nothing is done with it before `beginImport`. */
export async function uploadImport(
  app: App,
  teamId: string,
  file: IncomingFile,
  charset?: string,
): Promise<ContactImport> {
  const { header } = await readStart(bytesOf(file.start()), charset);
  requireHeader(header);
  const { hash, size } = await file.commit();
  const options = { onConflict: "upsert" as const, segmentIds: [], topics: [], ...(charset && { charset }) };
  const row = importRow(app, teamId, { id: newId(), status: "uploaded", blobHash: hash, size, options });
  await atomically(app, [app.db.insert(contactImports).values(row)]);
  return row;
}

/** What the column of a file seems to be: a field, a property that there is, or nothing known. */
export interface Column {
  name: string;
  field: string | undefined;
}

export interface ImportPreview {
  columns: Column[];
  /** The first rows, cut where they are long. */
  rows: string[][];
}

export async function previewImport(app: App, row: ContactImport): Promise<ImportPreview> {
  const { header, rows } = await readStart(await startOf(app, row), row.options.charset);
  const definitions = await propertiesOf(app.db, row.teamId);
  const taken = new Set<string>();
  const columns = header.map((name) => {
    const field = guessField(name, definitions);
    if (field === undefined || taken.has(field)) return { name, field: undefined };
    taken.add(field);
    return { name, field };
  });
  const cut = (cell: string) => (cell.length > longestShown ? `${cell.slice(0, longestShown)}…` : cell);
  return { columns, rows: rows.map((cells) => header.map((_, at) => cut(cells[at] ?? ""))) };
}

const spellings: Record<string, string> = {
  email: "email",
  emailaddress: "email",
  mail: "email",
  address: "email",
  firstname: "first_name",
  givenname: "first_name",
  forename: "first_name",
  lastname: "last_name",
  surname: "last_name",
  familyname: "last_name",
  unsubscribed: "unsubscribed",
};

function guessField(name: string, definitions: Map<string, { type: PropertyType }>): string | undefined {
  const known = spellings[name.toLowerCase().replaceAll(/[^a-z]/g, "")];
  if (known !== undefined) return known;
  const key = keyFor(name);
  const there = [name, key].find((each) => definitions.has(each));
  return there === undefined ? undefined : `properties.${there}`;
}

/** A property's key made of a column's name: `Company size` is `company_size`. */
export const keyFor = (name: string): string =>
  name
    .normalize("NFKD")
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "_")
    .replaceAll(/^_+|_+$/g, "")
    .slice(0, 50);

/** Says what is to be done with a file that has come, and begins. */
export async function beginImport(
  app: App,
  teamId: string,
  id: string,
  fields: ImportFields,
): Promise<ContactImport> {
  const row = await getImport(app, teamId, id);
  if (row.status !== "uploaded") throw begunAlready();
  const { charset } = row.options;
  const options = { ...(await readOptions(app, teamId, fields)), ...(charset !== undefined && { charset }) };
  const { header } = await readStart(await startOf(app, row), charset);
  const found = readHeader({ line: 1, cells: header }, options, await propertiesOf(app.db, teamId));
  if ("problem" in found) throw new Refusal("validation_error", found.problem);
  await atomically(app, [
    app.db
      .update(contactImports)
      .set({ status: "queued", options })
      .where(
        and(
          eq(contactImports.id, row.id),
          eq(contactImports.teamId, teamId),
          eq(contactImports.status, "uploaded"),
        ),
      ),
    expectChange(),
    ...enqueue(app, importContacts, { importId: row.id }, { id: row.id, lane: teamId }),
  ]).catch((error: unknown) => {
    throw error instanceof WriteConflict && error.kind === "stale" ? begunAlready() : error;
  });
  return { ...row, status: "queued", options };
}

const begunAlready = () =>
  new Refusal("validation_error", "The import has begun already, or its file is not kept any more.");

/** Takes a file back that was never begun. */
export async function discardImport(app: App, teamId: string, id: string): Promise<void> {
  const row = await getImport(app, teamId, id);
  if (row.status !== "uploaded") throw begunAlready();
  await atomically(app, [
    ...releaseFile(row.id, app.now()),
    rawWrite("delete from contact_imports where id = ? and status = 'uploaded'", [row.id]),
    expectChange(),
  ]).catch((error: unknown) => {
    throw error instanceof WriteConflict && error.kind === "stale" ? begunAlready() : error;
  });
}

async function startOf(app: App, { blobHash }: ContactImport): Promise<AsyncIterable<Uint8Array>> {
  const stream =
    blobHash === null ? undefined : await app.blobs.stream(blobHash, { start: 0, end: startBytes });
  if (!stream) throw new Refusal("not_found", "The file is no longer there: upload it again.");
  return stream;
}

async function* bytesOf(start: Uint8Array): AsyncGenerator<Uint8Array> {
  yield start;
}

async function readStart(
  bytes: AsyncIterable<Uint8Array>,
  charset: string | undefined,
): Promise<{ header: string[]; rows: string[][] }> {
  const read: string[][] = [];
  for await (const rows of readCsvRows(bytes, charset)) {
    for (const row of rows) if ("cells" in row && read.length <= mostShown) read.push(row.cells);
    if (read.length > mostShown) break;
  }
  const [header = [], ...rows] = read;
  return { header: header.map((cell) => cell.trim()), rows };
}

function requireHeader(header: string[]): void {
  if (header.some((name) => name !== "") && header.length <= mostColumns) return;
  throw new Refusal(
    "validation_error",
    "Invalid `file` field. It must be CSV whose first line names its columns, such as `email,first_name`.",
  );
}
