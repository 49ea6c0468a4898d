import type { App } from "../app.ts";
import type { Keyset } from "../db/page.ts";
import { Refusal } from "../errors.ts";
import { isId } from "../ids.ts";
import type { Log } from "./schema.ts";
import {
  endOfSlice,
  findLog,
  type ListedLog,
  type LogFilter,
  leastIndexedStatus,
  listLogs,
} from "./store.ts";

export interface LogPage {
  /** Newest first. */
  rows: ListedLog[];
  /** Where the next page begins, in the direction of this one; undefined when this was the last. */
  next: string | undefined;
}

/** Logs read in one go: between two goes others have their turn. */
const sliceRows = 2_000;
/** A filter without an index may find nothing in a million logs; then the client goes on from `next`. */
const mostSlices = 10;

/** One page of a team's logs. It may be short, and even empty, though more follow: `next` says so. */
export async function getLogs(
  app: App,
  teamId: string,
  filter: LogFilter,
  page: Keyset & { limit: number },
): Promise<LogPage> {
  const found: ListedLog[] = [];
  let next: string | undefined;
  let cursor: Keyset = page;
  for (let slices = 0; slices < mostSlices; slices++) {
    const end = isIndexed(filter) ? undefined : await endOfSlice(app.db, teamId, filter, cursor, sliceRows);
    const limit = page.limit - found.length;
    found.push(...(await listLogs(app.db, teamId, filter, { ...cursor, limit, end })));
    const isFull = found.length > page.limit; // one more was found, which only tells that there is more
    next = isFull ? found[page.limit - 1]!.id : end;
    if (next === undefined || isFull) break;
    cursor = page.before === undefined ? { limit, after: next } : { limit, before: next };
  }
  const rows = found.slice(0, page.limit);
  return { rows: page.before === undefined ? rows : rows.reverse(), next };
}

/** Whether every row that is read is one that was asked for. */
function isIndexed({ method, status, path, keyId }: LogFilter): boolean {
  if (method !== undefined || path !== undefined || keyId !== undefined) return false;
  return !status || (status.least === leastIndexedStatus && status.end >= 600);
}

export async function getLog(app: App, teamId: string, id: string): Promise<Log> {
  const log = isId(id) ? await findLog(app.db, teamId, id.toLowerCase()) : undefined;
  if (!log) throw new Refusal("not_found", "Log not found");
  return log;
}
