import { stringify } from "csv-stringify/sync";
import type { App } from "../app.ts";
import { guardFormula } from "../csv/formula.ts";
import type { Keyset } from "../db/page.ts";
import { pageOfSegment } from "./audience.ts";
import { propertiesOf } from "./properties.ts";
import type { Contact } from "./schema.ts";
import { getSegment } from "./segments.ts";
import { listContacts } from "./store.ts";

const columns = ["email", "first_name", "last_name", "unsubscribed", "created_at"];

/** Read at once, so that a large list is sent as it is read. */
const rowsPerSlice = 500;

/**
 * A team's contacts, or those of a segment, as CSV, newest first, slice by slice; with a column for each property, so that
 * an import takes it back as it is. Refuses before the first slice.
 */
export async function exportContacts(
  app: App,
  teamId: string,
  segmentId: string | undefined,
): Promise<AsyncGenerator<string>> {
  const segment = segmentId === undefined ? undefined : await getSegment(app, teamId, segmentId);
  const keys = [...(await propertiesOf(app.db, teamId)).keys()];
  const pageAt = (page: Keyset) =>
    segment ? pageOfSegment(app, segment, page) : listContacts(app.db, teamId, page);
  return slices(pageAt, keys);
}

async function* slices(pageAt: (page: Keyset) => Promise<Contact[]>, keys: string[]): AsyncGenerator<string> {
  yield toCsv([[...columns, ...keys]]);
  for (let after: string | undefined; ; ) {
    const rows = await pageAt({ limit: rowsPerSlice - 1, after }); // and one row more
    yield toCsv(rows.map((row) => toRecord(row, keys)));
    if (rows.length < rowsPerSlice) return;
    after = rows.at(-1)!.id;
  }
}

const toCsv = (records: string[][]): string => stringify(records, { record_delimiter: "\r\n" });

function toRecord(
  { email, firstName, lastName, unsubscribed, createdAt, properties }: Contact,
  keys: string[],
) {
  const values = keys.map((key) => (Object.hasOwn(properties, key) ? String(properties[key]) : ""));
  return [
    ...[email, firstName ?? "", lastName ?? "", String(unsubscribed), createdAt.toISOString()],
    ...values,
  ].map(guardFormula);
}
