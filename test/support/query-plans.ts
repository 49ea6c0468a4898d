import { Database } from "bun:sqlite";
import { migrations } from "../../migrations/index.ts";
import { statementsOf } from "../../src/db/migrate.ts";
import { type Db, openDb } from "../../src/db/open.ts";
import type { Transport } from "../../src/db/transport.ts";

/** Tables of a few rows, whatever the server does: reading all of them costs nothing. */
const smallTables = new Set(["migrations", "pauses", "readiness"]);

type Fault = "scan" | "sort";

/** Statements that may read a whole table or sort their rows: told by a part of their text, with the reason. */
const exceptions: { text: string; may: Fault[]; because: string }[] = [
  { text: 'not exists (select 1 from "users")', may: ["scan"], because: "it ends at the first user" },
  { text: 'select "id" from "users" limit ?', may: ["scan"], because: "it ends at the first user" },
  {
    text: 'left join "memberships" on "memberships"."user_id" = "users"."id"',
    may: ["scan", "sort"],
    because: "the command line lists everybody, for the operator",
  },
  {
    text: 'from "teams" order by "teams"."created_at" asc',
    may: ["scan", "sort"],
    because: "the command line looks for the one team it works on",
  },
  { text: 'from "memberships" inner join "teams"', may: ["sort"], because: "a person is in a few teams" },
  {
    text: '"invitations"."team_id" = ? and "invitations"."expires_at" > ?',
    may: ["sort"],
    because: "a team has a hundred open ones at most",
  },
  {
    text: 'from "dkim_keys" where "dkim_keys"."domain_id" = ?',
    may: ["sort"],
    because: "a domain has a few keys",
  },
  {
    text: "row_number() over (partition by a.delivery_id",
    may: ["sort"],
    because: "they are one email's attempts",
  },
  {
    text: "from jobs j cross join deliveries d",
    may: ["sort"],
    because: "queue-walk.ts gives it slices of 1,000 jobs at most",
  },
  {
    text: "event, sum(total)",
    may: ["sort"],
    because: "metrics/ gives it slices of 10,000 to 20,000 counters, of which few groups come",
  },
  {
    text: "delete from sandbox_messages where id <=",
    may: ["scan"],
    because: "this is what keeps a sandbox at 1,000 messages",
  },
];

/** What a statement's plan does that it must not, in words for whoever wrote it; undefined when it is good. */
export function objectionTo(sql: string): string | undefined {
  if (!/^\s*(select|insert|update|delete|replace|with)\b/i.test(sql)) return undefined;
  const plan = planOf(sql);
  const allowed = exceptions.filter(({ text }) => sql.includes(text)).flatMap(({ may }) => may);
  const faults = plan.filter((line) => {
    const fault = faultOf(line, sql);
    return fault !== undefined && !allowed.includes(fault);
  });
  if (faults.length === 0) return undefined;
  return [
    `A statement reads a whole table or sorts its rows (${faults.join("; ")}):`,
    `  ${sql.trim().replace(/\n\s*/g, "\n  ")}`,
    "Its plan:",
    ...plan.map((line) => `  ${line}`),
    "Give it an index, or a condition and an order that an index answers. Where it stays small for another reason, say so among the exceptions of test/support/query-plans.ts.",
  ].join("\n");
}

function faultOf(line: string, sql: string): Fault | undefined {
  if (/^USE TEMP B-TREE/.test(line)) return "sort";
  if (/ USING AUTOMATIC /.test(line)) return "scan"; // an index of the whole table, made for this once
  const [, name] = /^SCAN (\S+)(?!.* VIRTUAL TABLE)/.exec(line) ?? [];
  const table = name && tableOf(name, sql);
  return table && !smallTables.has(table) ? "scan" : undefined;
}

/** The table that a name in a plan stands for; undefined for subqueries, whose own tables have lines of their own. */
function tableOf(name: string, sql: string): string | undefined {
  const { tables } = schema();
  if (tables.has(name)) return name;
  const renamed = new RegExp(`(\\w+)"?\\s+(?:as\\s+)?"?${RegExp.escape(name)}\\b`, "gi");
  return Array.from(sql.matchAll(renamed), ([, word]) => word!).find((word) => tables.has(word));
}

/** Empty when the statement can't be prepared: then it fails by itself, or is about a test's own tables. */
function planOf(sql: string): string[] {
  try {
    return schema()
      .database.query<[number, number, number, string], []>(`explain query plan ${sql}`)
      .values()
      .map(([, , , detail]) => detail as string);
  } catch {
    return [];
  }
}

interface Schema {
  database: Database;
  tables: Set<string>;
}
let made: Schema | undefined;

/**
 * An empty database in today's shape, made once a process. It plans like a full one: SQLite looks at rows only through
 * the statistics of ANALYZE, which MailIt never runs (see query-plans.test.ts).
 */
function schema(): Schema {
  if (!made) {
    const database = new Database(":memory:");
    for (const { up } of migrations) for (const { sql } of statementsOf(up)) database.run(sql);
    const rows = database.query<{ name: string }, []>("select name from sqlite_schema where type = 'table'");
    made = { database, tables: new Set(rows.all().map(({ name }) => name)) };
  }
  return made;
}

/** A transport whose statements are looked at, each text once a process. */
export interface GuardedTransport extends Transport {
  /**
   * Throws if the program has run a statement with a bad plan. That is at the end of a test: in its middle a door or a job
   * would take it for a fault of the database, and try again.
   */
  verifyPlans(): void;
}

const objections = new Map<string, string | undefined>();

export function guardPlans(transport: Transport | GuardedTransport): GuardedTransport {
  if ("verifyPlans" in transport) return transport;
  const found = new Set<string>();
  const look = (sql: string) => {
    if (!objections.has(sql)) objections.set(sql, objectionTo(sql));
    const objection = objections.get(sql);
    if (objection !== undefined && !isFromTest()) found.add(objection);
  };
  return {
    ...transport,
    query(sql, params, method) {
      look(sql);
      return transport.query(sql, params, method);
    },
    batch(statements, options) {
      for (const { sql } of statements) look(sql);
      return transport.batch(statements, options);
    },
    verifyPlans() {
      const all = [...found];
      found.clear();
      if (all.length > 0) throw new Error(all.join("\n\n"));
    },
  };
}

let isTestAsking = false;

/** The database for what tests themselves ask: there, a look at all rows is nobody's concern. */
export function dbOfTests(transport: Transport): Db {
  return openDb({
    ...transport,
    query(...question) {
      isTestAsking = true;
      try {
        return transport.query(...question); // is looked at before it returns
      } finally {
        isTestAsking = false;
      }
    },
  });
}

/** Whether a test, or its support, is what asks; what is between them and the transport does not count. */
export function isFromTest(): boolean {
  if (isTestAsking) return true;
  const frames = (new Error().stack ?? "").split("\n");
  const asking = frames.find((frame) => /\/(src|test)\/.*\.tsx?:/.test(frame) && !isBetween.test(frame));
  return asking !== undefined && /\.test\.tsx?:|\/test\//.test(asking);
}

const isBetween = /\/src\/(app|db\/\w+)\.ts:|\/test\/support\/(query-plans|test-app)\.ts:/;
