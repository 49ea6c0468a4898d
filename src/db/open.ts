import { SQLiteAsyncDialect } from "drizzle-orm/sqlite-core";
import {
  type PreparedQueryConfig,
  type RemotePreparedQuery,
  SQLiteRemoteSession,
  SqliteRemoteDatabase,
} from "drizzle-orm/sqlite-proxy";
import { isRead, type Transport } from "./transport.ts";

/** What all application code sees of the database: Drizzle's queries over whichever transport is open. */
export type Db = SqliteRemoteDatabase;

/**
 * Drizzle over a transport. Reads run at once; a write is refused here: it belongs in `atomically`. Drizzle's builders are
 * thenables, so an `async` function that returns one would run it, unseen and outside its batch.
 */
export function openDb(transport: Transport): Db {
  const dialect = new SQLiteAsyncDialect();
  const session = new PlainSession(
    (sql, params, method) => {
      if (!isRead(sql)) throw new Error(`A write was run outside atomically: ${sql.slice(0, 100)}`);
      return transport.query(sql, params, method);
    },
    dialect,
    undefined,
  );
  return new SqliteRemoteDatabase("async", dialect, session, undefined);
}

type NoTables = Record<string, never>;

/**
 * Drizzle's session without the error it wraps every failure in: that one hides `StorageUnavailable` from whoever
 * waits for it, and carries all parameters (addresses, token hashes) in its message, and so into the log.
 */
class PlainSession extends SQLiteRemoteSession<NoTables, NoTables> {
  override prepareQuery<T extends PreparedQueryConfig>(
    ...asked: Parameters<SQLiteRemoteSession<NoTables, NoTables>["prepareQuery"]>
  ): RemotePreparedQuery<T> {
    const queryWithCache = (_sql: string, _params: unknown[], run: () => Promise<unknown>) => run();
    return Object.assign(super.prepareQuery<T>(...asked), { queryWithCache });
  }
}
