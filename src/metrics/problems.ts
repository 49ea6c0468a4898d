/** The newest emails that did not arrive or that somebody complained of, from what is counted by email. */
import { sql } from "drizzle-orm";
import type { Db } from "../db/open.ts";

export const problemKinds = ["bounced", "failed", "complained"] as const;
export type ProblemKind = (typeof problemKinds)[number];

export interface Problem {
  kind: ProblemKind;
  emailId: string;
  subject: string;
  /** Of a broadcast there is one for all of its recipients. */
  broadcastId: string | null;
  recipients: string[];
  /** How many recipients. */
  total: number;
  /** What the recipient's host said, or why we gave up. */
  reason: string | null;
  at: Date;
}

/** Counters read in one go, and in all: problems are rare, and must not be looked for without end. */
const sliceRows = 2_000;
const mostSlices = 5;
const mostProblems = 8;

/** Those counted since a time, newest first. */
export async function recentProblems(db: Db, teamId: string, since: Date): Promise<Problem[]> {
  const found = await findCounted(db, teamId, since);
  if (found.length === 0) return [];
  const ids = JSON.stringify([...new Set(found.map(({ emailId }) => emailId))]);
  const [emails, ends] = await Promise.all([listEmails(db, teamId, ids), listEnds(db, teamId, ids)]);
  return found
    .flatMap(({ emailId, kind, total, hour }): Problem[] => {
      const email = emails.get(emailId);
      if (!email) return [];
      const here = (ends.get(emailId) ?? []).filter(({ state }) => state === kind);
      const last = here[0];
      return [
        {
          ...{ kind, emailId, ...email, total },
          recipients: kind === "complained" ? email.recipients : here.map(({ recipient }) => recipient),
          reason: last?.reason ?? null,
          at: last?.at ?? new Date(hour),
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

type ProblemEmail = Pick<Problem, "subject" | "broadcastId" | "recipients">;

async function listEmails(db: Db, teamId: string, ids: string): Promise<Map<string, ProblemEmail>> {
  const rows = await db.values<[string, string, string | null, string]>(
    sql`select e.id, e.subject, e.broadcast_id, e.recipients
        from json_each(${ids}) asked cross join emails e on e.id = asked.value where e.team_id = ${teamId}`,
  );
  return new Map(
    rows.map(([id, subject, broadcastId, recipients]) => [
      id,
      { subject, broadcastId, recipients: JSON.parse(recipients) as string[] },
    ]),
  );
}

interface End {
  state: string;
  recipient: string;
  reason: string | null;
  at: Date | null;
}

/** How deliveries ended, of emails that have few: a broadcast's may be a million. */
async function listEnds(db: Db, teamId: string, ids: string): Promise<Map<string, End[]>> {
  const rows = await db.values<[string, string, string, string | null, number | null]>(
    sql`select d.email_id, d.state, d.recipient, d.last_reply, d.settled_at
        from json_each(${ids}) asked cross join emails e on e.id = asked.value and e.broadcast_id is null
        cross join deliveries d on d.email_id = e.id
        where e.team_id = ${teamId} and d.state in ('bounced', 'failed')`,
  );
  const ends = new Map<string, End[]>();
  for (const [emailId, state, recipient, reason, at] of rows) {
    const end = { state, recipient, reason, at: at === null ? null : new Date(at) };
    ends.set(emailId, [...(ends.get(emailId) ?? []), end]);
  }
  return ends;
}
