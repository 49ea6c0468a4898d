import { type Client, createClient, type InValue, type ResultSet } from "@libsql/client/http";
import { ConfigFault, StorageUnavailable } from "../errors.ts";
import { translateFault } from "./faults.ts";
import {
  type Method,
  type Row,
  type SqlValue,
  type Statement,
  type StatementResult,
  shapeRows,
  type Transport,
} from "./transport.ts";

type Fetch = (request: Request, init?: RequestInit) => Promise<Response>;

export interface LibsqlOptions {
  /** `libsql://host`, `https://host` or `http://host:port`. */
  url: string;
  authToken?: string;
  /** How requests leave; the global `fetch` unless told otherwise. */
  fetch?: Fetch;
}

/** A server that never answers must not hold a delivery, or the end of the program, for ever. */
const answerWithinMs = 30_000;

/**
 * One libSQL server (sqld, Turso) that several nodes may share (D16), each batch one request and one transaction. When
 * an answer is lost, `StorageUnavailable` can't say whether the batch was applied: whoever tries again relies on the
 * conditions in its SQL (unique ids, fences, `expectChange`) to meet its own earlier success as a `WriteConflict`.
 */
export function openLibsql({ url, authToken, fetch = globalThis.fetch }: LibsqlOptions): Transport {
  const client = connect(url, authToken, withinReach(fetch));
  const underWay = new Set<Promise<unknown>>();
  let foreignKeys: Promise<void> | undefined;
  let closed = false;

  async function whenReady<T>(work: () => Promise<T>): Promise<T> {
    foreignKeys ??= requireForeignKeys(client);
    try {
      await foreignKeys;
    } catch (error) {
      foreignKeys = undefined; // the server may only be starting: the next call asks again
      throw translateFault(error);
    }
    try {
      return await work();
    } catch (error) {
      throw translateFault(error);
    }
  }

  function run<T>(work: () => Promise<T>): Promise<T> {
    if (closed) return Promise.reject(new Error("the database is closed"));
    const running = whenReady(work).finally(() => underWay.delete(running));
    underWay.add(running);
    return running;
  }

  return {
    query(sql: string, params: SqlValue[], method: Method) {
      return run(async () => {
        const { rows } = toResult(await client.execute({ sql, args: params.map(toArgument) }));
        return shapeRows(rows, method);
      });
    },
    batch(statements: Statement[]) {
      return run(async () => {
        if (statements.length === 0) return [];
        const asked = statements.map(({ sql, params }) => ({ sql, args: params.map(toArgument) }));
        return (await client.batch(asked, "write")).map(toResult);
      });
    },
    async close() {
      closed = true;
      await Promise.allSettled(underWay);
      client.close();
    },
  };
}

function connect(url: string, authToken: string | undefined, fetch: Fetch): Client {
  try {
    return createClient({ url, authToken, fetch, intMode: "number" });
  } catch (cause) {
    // Not the client's own words: they quote the URL, which may carry a token.
    throw new ConfigFault(
      "database.url is not the address of a libSQL server: write libsql://host, https://host or http://host:port",
      { cause },
    );
  }
}

/**
 * sqld and Turso are built with foreign keys on (SQLITE_DEFAULT_FOREIGN_KEYS=1). Elsewhere we could not turn them on:
 * every request has a connection of its own, and inside a batch's transaction the pragma does nothing.
 */
async function requireForeignKeys(client: Client): Promise<void> {
  const { rows } = await client.execute("pragma foreign_keys");
  if (rows[0]?.[0] === 1) return;
  throw new ConfigFault(
    "The server at database.url does not enforce foreign keys, which MailIt's data relies on: use sqld or Turso, where they are on",
  );
}

/**
 * Tells a server that is out of reach from one that refused. The body is read here, since an answer that breaks off is
 * as good as none.
 */
function withinReach(fetch: Fetch): Fetch {
  return async (request) => {
    try {
      const { status, headers, body } = await readWhole(
        await fetch(request, { signal: AbortSignal.timeout(answerWithinMs) }),
      );
      if (status >= 500 || status === 429) throw new Error(`the server answered ${status}`);
      return new Response(body, { status, headers });
    } catch (cause) {
      throw new StorageUnavailable("The libSQL server can't be reached now", { cause });
    }
  };
}

async function readWhole(
  response: Response,
): Promise<{ status: number; headers: Headers; body: ArrayBuffer }> {
  return { status: response.status, headers: response.headers, body: await response.arrayBuffer() };
}

function toArgument(value: SqlValue): InValue {
  // The client sends every number as a float, and 5 would be stored in a text column as "5.0".
  if (typeof value === "number" && Number.isSafeInteger(value)) return BigInt(value);
  // Half a surrogate pair is no UTF-8 and would make the whole request invalid; SQLite itself stores U+FFFD for it.
  if (typeof value === "string") return value.toWellFormed();
  return value;
}

function toResult({ columns, rows, rowsAffected }: ResultSet): StatementResult {
  return { rows: rows.map(toRow), changes: columns.length > 0 ? rows.length : rowsAffected };
}

function toRow(row: ResultSet["rows"][number]): Row {
  return Array.from(row, (value) => (value instanceof ArrayBuffer ? new Uint8Array(value) : value));
}
