export type SqlValue = string | number | bigint | boolean | null | Uint8Array;
export type Row = SqlValue[];
export type Method = "run" | "all" | "values" | "get";

export interface Statement {
  sql: string;
  params: SqlValue[];
}

/** What one statement of a batch did: the rows it returned (`returning`, `select`) and how many it changed. */
export interface StatementResult {
  rows: Row[];
  changes: number;
}

export interface BatchOptions {
  /** Nobody waits for the answer: it may come some milliseconds later, so that more batches share one fsync. */
  isPatient?: boolean;
}

/**
 * The one way to a database (D2). Both implementations throw `WriteConflict` for constraint errors and
 * `StorageUnavailable` when the store can't be written or reached; anything else is a fault.
 */
export interface Transport {
  /** One statement, in the shape Drizzle's sqlite-proxy asks for. A statement that writes is a batch of one. */
  query(sql: string, params: SqlValue[], method: Method): Promise<{ rows: Row[] | Row }>;
  /** All statements or none, and on disk when the promise resolves (D3, D4). Results in the order of the statements. */
  batch(statements: Statement[], options?: BatchOptions): Promise<StatementResult[]>;
  /** Does nothing that a later query could miss: waits for batches under way, then closes. */
  close(): Promise<void>;
}

/** Whether a statement only reads, so that it need not wait for the next commit. */
export function isRead(sql: string): boolean {
  return /^\s*(select|explain|pragma)\b/i.test(sql);
}

/** Rows in the shape sqlite-proxy expects for a method: `get` wants the one row, not a list. */
export function shapeRows(rows: Row[], method: Method): { rows: Row[] | Row } {
  // An absent row must reach Drizzle as undefined; its types only know rows, its runtime knows both.
  return method === "get" ? { rows: rows[0] as Row } : { rows };
}
