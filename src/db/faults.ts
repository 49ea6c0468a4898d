import { type ConflictKind, StorageUnavailable, WriteConflict } from "../errors.ts";

const constraints: [RegExp, ConflictKind][] = [
  [/stale_write/, "stale"],
  [/UNIQUE constraint failed: (.*)/, "unique"],
  [/FOREIGN KEY constraint failed/, "foreign_key"],
  [/CHECK constraint failed: (.*)/, "check"],
  [/NOT NULL constraint failed: (.*)/, "not_null"],
];

// SQLite's codes with their extensions (SQLITE_IOERR_WRITE), and sqld's own: a transaction that waited too long for
// the write lock, and writes that Turso blocks when a plan is used up.
const unavailableCodes =
  /^(SQLITE_(FULL|READONLY|IOERR|CANTOPEN|BUSY|LOCKED|NOTADB|PROTOCOL)|TRANSACTION_(TIMEOUT|BUSY)$|BLOCKED$)/;

const unavailableWords =
  /database or disk is full|readonly database|disk I\/O error|unable to open database|database is locked/;

/**
 * Gives a database's error the meaning our code acts on. Both transports' messages end in SQLite's own words, so one
 * table serves both; `code` is `SQLITE_FULL` and the like where the driver knows it.
 */
export function translateFault(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  for (const [pattern, kind] of constraints) {
    const match = pattern.exec(error.message);
    if (match) return new WriteConflict(kind, (match[1] ?? kind).trim(), { cause: error });
  }
  if (unavailableCodes.test(code) || unavailableWords.test(error.message)) {
    return new StorageUnavailable("The database can't be written now", { cause: error });
  }
  return error;
}
