/** Which lanes are due, kind by kind through the index, so that no kind's backlog is walked to find another's. */
import type { Row, Transport } from "../db/transport.ts";
import { rawWrite, type Write } from "../db/write.ts";

/** What is asked of one kind: up to `limit` lanes, without those that are `full` on this node. */
export interface Ask {
  kind: string;
  full: string[];
  limit: number;
}

export interface DueLane {
  kind: string;
  lane: string;
}

/** One kind's part; a compound `select` takes a limit only in parentheses of its own. */
const lanesOfKind = (wanted: string, condition: string) => `
  select * from (
    select ${wanted} from lanes where kind = ?1 and ${condition}
    and not exists (select 1 from pauses where kind = ?1)
    and lane not in (select value from json_each(?2)) order by next_at limit ?3)`;

/** Lanes with due work, those that have waited longest first. */
export async function dueLanes(transport: Transport, now: Date, asks: Ask[]): Promise<DueLane[]> {
  const rows = await askAll(transport, lanesOfKind("kind, lane", "next_at <= ?4"), asks, [now.getTime()]);
  return rows.map(([kind, lane]) => ({ kind: kind as string, lane: lane as string }));
}

/** When the next lane falls due. */
export async function nextDue(transport: Transport, asks: Ask[]): Promise<Date | undefined> {
  const first = asks.map((ask) => ({ ...ask, limit: Math.min(ask.limit, 1) }));
  const rows = await askAll(transport, lanesOfKind("next_at", "next_at is not null"), first, []);
  if (rows.length === 0) return undefined;
  return new Date(Math.min(...rows.map(([at]) => at as number)));
}

/** Built text rather than Drizzle's: this runs once a round, and building would cost more than running it. */
const texts = new Map<string, string>();

/** All kinds in one statement: over libSQL every statement is a round trip. */
async function askAll(transport: Transport, one: string, asks: Ask[], more: number[]): Promise<Row[]> {
  if (!asks.some(({ limit }) => limit > 0)) return [];
  const perKind = 3 + more.length;
  const key = `${asks.length} ${one}`;
  let text = texts.get(key);
  if (text === undefined) {
    text = asks
      .map((_ask, at) => one.replace(/\?(\d)/g, (_slot, n) => `?${at * perKind + Number(n)}`))
      .join(" union all ");
    texts.set(key, text);
  }
  const params = asks.flatMap(({ kind, full, limit }) => [kind, JSON.stringify(full), limit, ...more]);
  const { rows } = await transport.query(text.trim(), params, "values");
  return rows as Row[];
}

/** Counts lanes that are overdue, no further than `most`. */
export async function countOverdueLanes(
  transport: Transport,
  kinds: string[],
  now: Date,
  most: number,
): Promise<number> {
  const { rows } = await transport.query(
    `select count(*) from (
       select 1 from lanes where kind in (select value from json_each(?)) and next_at <= ? limit ?)`,
    [JSON.stringify(kinds), now.getTime(), most],
    "values",
  );
  return (rows as [number][])[0]![0];
}

/** Spreads lanes that are overdue over `spreadMs`, so that a start is no stampede. */
export const spreadOverdue = (kinds: string[], now: Date, spreadMs: number): Write =>
  rawWrite(
    `update lanes set next_at = max(?2 + abs(random()) % ?3, coalesce(blocked_until, 0))
     where kind in (select value from json_each(?1)) and next_at <= ?2`,
    [JSON.stringify(kinds), now.getTime(), spreadMs],
  );
