/** Reading what was counted of single emails. */
import { setImmediate } from "node:timers/promises";
import { sql } from "drizzle-orm";
import type { Db } from "../db/open.ts";
import type { CounterName } from "../events/schema.ts";
import type { Range } from "./range.ts";
import type { Counted } from "./store.ts";

const sliceRows = 2_000;

type EmailRow = [number, string, CounterName, number, string | null];

/** Whether there is more of a team's single emails than so many counters: a look at the index, without the rows. */
export async function hasMoreEmailCounters(
  db: Db,
  teamId: string,
  { start, end }: Range,
  most: number,
): Promise<boolean> {
  const rows = await db.values(
    sql`select 1 from email_counters where team_id = ${teamId} and hour >= ${start.getTime()} and hour < ${end.getTime()}
        limit 1 offset ${most}`,
  );
  return rows.length > 0;
}

/** What was counted of a team's single emails, each counter by itself. */
export async function* walkEmailCounters(
  db: Db,
  teamId: string,
  { start, end }: Range,
): AsyncGenerator<Counted[]> {
  let after: [number, string, string] = [start.getTime(), "", ""];
  for (;;) {
    const rows = await db.values<EmailRow>(
      sql`select c.hour, c.email_id, c.event, c.total, e.domain_id
          from email_counters c left join emails e on e.id = c.email_id
          where c.team_id = ${teamId} and c.hour < ${end.getTime()}
          and (c.hour, c.email_id, c.event) > (${after[0]}, ${after[1]}, ${after[2]})
          order by c.hour, c.email_id, c.event limit ${sliceRows}`,
    );
    yield rows.map(toCounted);
    const last = rows.at(-1);
    if (!last || rows.length < sliceRows) return;
    after = [last[0], last[1], last[2]];
    await setImmediate();
  }
}

/** The same of those of the emails that are the team's. */
export async function listEmailCounters(
  db: Db,
  teamId: string,
  { start, end }: Range,
  emailIds: string[],
): Promise<Counted[]> {
  // A cross join keeps SQLite from reading all that the team has of these hours.
  const rows = await db.values<EmailRow>(
    sql`select c.hour, c.email_id, c.event, c.total, e.domain_id
        from json_each(${JSON.stringify(emailIds)}) asked cross join email_counters c on c.email_id = asked.value
        left join emails e on e.id = c.email_id
        where c.team_id = ${teamId} and c.hour >= ${start.getTime()} and c.hour < ${end.getTime()}`,
  );
  return rows.map(toCounted);
}

const toCounted = ([hour, emailId, event, total, domainId]: EmailRow): Counted => ({
  ...{ hour, domainId, emailId, broadcastId: null },
  ...{ event, total },
});
