import { stringify } from "csv-stringify/sync";
import type { App } from "../app.ts";
import { guardFormula } from "../csv/formula.ts";
import type { Suppression } from "./schema.ts";
import { listSuppressions } from "./store.ts";

const rowsPerSlice = 1_000;

const columns = ["email", "origin", "source_id", "created_at", "expires_at"];

/** All of a team's suppressions as CSV, newest first, slice by slice; `importSuppressions` takes it back as it is. */
export async function* exportSuppressions(app: App, teamId: string): AsyncGenerator<string> {
  yield stringify([columns], { record_delimiter: "\r\n" });
  for (let after: string | undefined; ; ) {
    const page = { limit: rowsPerSlice - 1, after }; // and one row more
    const rows = await listSuppressions(app.db, teamId, undefined, page, app.now());
    yield stringify(rows.map(toRecord), { record_delimiter: "\r\n" });
    if (rows.length < rowsPerSlice) return;
    after = rows.at(-1)!.id;
  }
}

function toRecord({ address, reason, sourceId, createdAt, expiresAt }: Suppression): string[] {
  return [
    guardFormula(address),
    reason,
    sourceId ?? "",
    createdAt.toISOString(),
    expiresAt?.toISOString() ?? "",
  ];
}
