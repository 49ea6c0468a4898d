import type { App } from "../app.ts";
import type { Keyset, Numbers, Place } from "../db/page.ts";
import { Refusal } from "../errors.ts";
import { isId } from "../ids.ts";
import type { Log } from "./schema.ts";
import {
  endOfSlice,
  findLog,
  findLogPlace,
  type ListedLog,
  type LogFilter,
  type LogSlice,
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
/** A filter without an index may find nothing in a million logs; then the client goes on from `next`, within its 30 ms. */
const mostSlices = 5;

/** One page of a team's logs. It may be short, and even empty, though more follow: `next` says so. */
export async function getLogs(
  app: App,
  teamId: string,
  filter: LogFilter,
  { limit, after, before }: Keyset & { limit: number },
): Promise<LogPage> {
  const found: ListedLog[] = [];
  let next: string | undefined;
  let slice: LogSlice = { after, before };
  for (let slices = 0; slices < mostSlices; slices++) {
    const end = isIndexed(filter) ? undefined : await endOfSlice(app.db, teamId, filter, slice, sliceRows);
    const wanted = limit - found.length + 1; // the one more only tells that there is more
    found.push(...(await listLogs(app.db, teamId, filter, { ...slice, end }, wanted)));
    const isFull = found.length > limit;
    next = isFull ? found[limit - 1]!.id : end;
    if (next === undefined || isFull) break;
    slice = before === undefined ? { after: next } : { before: next };
  }
  const rows = found.slice(0, limit);
  return { rows: before === undefined ? rows : rows.reverse(), next };
}

/** In all of a team's logs. */
export const findLogsPlace = (app: App, teamId: string, numbers: Numbers): Promise<Place> =>
  findLogPlace(app.db, teamId, numbers);

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
