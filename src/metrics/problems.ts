/** The newest emails that did not arrive or that somebody complained of, from what is counted by email. */
import { sql } from "drizzle-orm";
import type { Db } from "../db/open.ts";
import { isOutcome } from "../events/schema.ts";

export const problemKinds = ["bounced", "failed", "complained"] as const;
export type ProblemKind = (typeof problemKinds)[number];

export interface Problem {
  kind: ProblemKind;
  emailId: string;
  subject: string;
  broadcastId: string | null;
  /** Whom it happened to, the newest first; of many only some. */
  recipients: string[];
  /** How many recipients. */
  total: number;
  /** The delivery to the first of the recipients; null where none was found. */
  deliveryId: string | null;
  /** What the first recipient's host said, or why we gave up. */
  reason: string | null;
  at: Date;
}

/** Counters read in one go, and in all: problems are rare, and must not be looked for without end. */
const sliceRows = 2_000;
const mostSlices = 5;
const mostProblems = 8;
const mostRecipients = 50;
const hourMs = 3_600_000;

/** Those counted since a time, newest first. */
export async function recentProblems(db: Db, teamId: string, since: Date): Promise<Problem[]> {
  const found = await findCounted(db, teamId, since);
  if (found.length === 0) return [];
  const ids = JSON.stringify([...new Set(found.map(({ emailId }) => emailId))]);
  const [emails, ends] = await Promise.all([
    listEmails(db, teamId, ids),
    Promise.all(found.map((each) => listEnds(db, each))),
  ]);
  return found
    .flatMap(({ emailId, kind, total, hour }, n): Problem[] => {
      const email = emails.get(emailId);
      if (!email) return [];
      const here = ends[n]!;
      const [newest] = here;
      return [
        {
          ...{ kind, emailId, ...email, total },
          recipients: [...new Set(here.map(({ recipient }) => recipient))].slice(0, mostRecipients),
          deliveryId: newest?.deliveryId ?? null,
          reason: newest?.reason ?? null,
          at: newest?.at ?? new Date(hour),
        },
      ];
    })
    .sort((a, b) => b.at.getTime() - a.at.getTime());
}

interface CountedProblem {
  emailId: string;
  kind: ProblemKind;
  total: number;
  hour: number;
}

async function findCounted(db: Db, teamId: string, since: Date): Promise<CountedProblem[]> {
  const found: CountedProblem[] = [];
  let [hour, emailId, event] = [Number.MAX_SAFE_INTEGER, "", ""];
  for (let slices = 0; slices < mostSlices && found.length < mostProblems; slices++) {
    const rows = await db.values<[number, string, string, number]>(
      sql`select hour, email_id, event, total from email_counters
          where team_id = ${teamId} and hour >= ${since.getTime()}
          and (hour, email_id, event) < (${hour}, ${emailId}, ${event})
          order by hour desc, email_id desc, event desc limit ${sliceRows}`,
    );
    for (const [at, id, type, total] of rows) {
      const kind = problemKinds.find((each) => type === `email.${each}`);
      if (kind && found.length < mostProblems) found.push({ emailId: id, kind, total, hour: at });
    }
    const last = rows.at(-1);
    if (!last || rows.length < sliceRows) break;
    [hour, emailId, event] = last;
  }
  return found;
}

type ProblemEmail = Pick<Problem, "subject" | "broadcastId">;

async function listEmails(db: Db, teamId: string, ids: string): Promise<Map<string, ProblemEmail>> {
  const rows = await db.values<[string, string, string | null]>(
    sql`select e.id, e.subject, e.broadcast_id
        from json_each(${ids}) asked cross join emails e on e.id = asked.value where e.team_id = ${teamId}`,
  );
  return new Map(rows.map(([id, subject, broadcastId]) => [id, { subject, broadcastId }]));
}

interface End {
  deliveryId: string;
  recipient: string;
  reason: string | null;
  at: Date;
}

/** Events looked at for one problem: a broadcast may have a million, and then these are likely to have its newest end. */
const mostEvents = 500;

/** What the recipients of an email came to in the hour they are counted in, the newest first. */
async function listEnds(db: Db, { emailId, kind, hour }: CountedProblem): Promise<End[]> {
  const type = `email.${kind}`;
  // Recipients have their turn in the order of their ids. Who is given up has no index by type, but comes days later,
  // when little else happens.
  const looked =
    kind === "failed"
      ? sql`select * from events where email_id = ${emailId} order by id desc limit ${mostEvents}`
      : sql`select * from events
            where email_id = ${emailId} and type = ${type} and ${sql.raw(isOutcome)}
            order by delivery_id desc limit ${mostEvents}`;
  const rows = await db.values<[string, string, string, number]>(
    sql`select delivery_id, recipient, data, created_at from (${looked})
        where type = ${type} and created_at >= ${hour} and created_at < ${hour + hourMs}`,
  );
  return rows
    .map(([deliveryId, recipient, data, at]) => ({
      ...{ deliveryId, recipient, at: new Date(at) },
      reason: reasonIn(JSON.parse(data)),
    }))
    .sort((a, b) => b.at.getTime() - a.at.getTime());
}

const reasonIn = ({ bounce, failed }: { bounce?: { message?: string }; failed?: { reason?: string } }) =>
  bounce?.message ?? failed?.reason ?? null;
