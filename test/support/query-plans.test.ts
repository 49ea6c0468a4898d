import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { migrations } from "../../migrations/index.ts";
import { openEmbedded } from "../../src/db/embedded.ts";
import { statementsOf } from "../../src/db/migrate.ts";
import type { Method, SqlValue } from "../../src/db/transport.ts";
import { guardPlans, objectionTo } from "./query-plans.ts";
import { readSources } from "./sources.ts";

test("an objection shows the statement, its plan and what to do", () => {
  expect(objectionTo("select id\n    from emails\n    where subject = ?")).toBe(
    [
      "A statement reads a whole table or sorts its rows (SCAN emails):",
      "  select id",
      "  from emails",
      "  where subject = ?",
      "Its plan:",
      "  SCAN emails",
      "Give it an index, or a condition and an order that an index answers. Where it stays small for another reason, say so among the exceptions of test/support/query-plans.ts.",
    ].join("\n"),
  );
});

test.each([
  ["a scan under another name", "select j.id from jobs j where j.kind = ?", "SCAN j"],
  ["one under a name in quotes", 'select * from "deliveries" as "d" where "d"."state" = ?', "SCAN d"],
  ["a scan of an index", "select count(*) from attachments", "SCAN attachments USING COVERING INDEX"],
  ["an update of everything", "update deliveries set state = ? where domain = ?", "SCAN deliveries"],
  ["a delete", "delete from events where created_at < ?", "SCAN events"],
  ["an insert from a scan", "insert into pauses select id, id, 0 from emails", "SCAN emails"],
  ["a scan in a subquery", "select 1 where ? in (select address from suppressions)", "SCAN suppressions"],
  [
    "a scan behind a name of the statement's own",
    "with all_of (x) as (select id from jobs) select x from all_of",
    "SCAN jobs",
  ],
  ["an order without an index", "select id from emails where team_id = ? order by subject", "FOR ORDER BY"],
  [
    "groups without one",
    "select subject, count(*) from emails where team_id = ? group by subject",
    "FOR GROUP BY",
  ],
  ["distinct rows", "select distinct sender from emails where team_id = ?", "FOR DISTINCT"],
  [
    "an index made for this once",
    "select 1 from emails a join emails b on b.sender = a.subject",
    "USING AUTOMATIC",
  ],
])("%s is objected to", (_, sql, line) => {
  expect(objectionTo(sql)).toContain(line);
});

test.each([
  "select * from emails where team_id = ? and id < ? order by id desc limit 20",
  "select id from emails where id in (select value from json_each(?))",
  "select * from pauses order by kind",
  "select * from (select 1) as one",
  "insert into jobs (id) values (?)",
  "create table elsewhere (id)",
  "select * from elsewhere order by id",
  "select count(*) from expect where nonsense(",
])("nothing is said against %s", (sql) => {
  expect(objectionTo(sql)).toBeUndefined();
});

describe("a guarded transport", () => {
  const bad = "select id from emails where subject = ?";

  async function open() {
    const transport = openEmbedded(":memory:");
    for (const { up } of migrations) await transport.batch(statementsOf(up));
    return guardPlans(transport);
  }

  /** Runs something with no frame of a test on the stack, as the program's own queries are. */
  function asProgram<Args extends unknown[]>(run: (...args: Args) => unknown, ...args: Args): Promise<void> {
    return new Promise((resolve) => {
      setImmediate(run, ...args);
      setImmediate(resolve);
    });
  }

  test("runs what the program asks, and tells at the end what was bad about it, once", async () => {
    const guarded = await open();
    await asProgram<[string, SqlValue[], Method]>(guarded.query, bad, ["x"], "all");
    await asProgram(guarded.batch, [{ sql: bad, params: ["y"] }]);
    expect(guarded.verifyPlans).toThrow(
      /^A statement reads a whole table [\s\S]* where subject = \?\nIts plan:/,
    );
    guarded.verifyPlans();
    await guarded.close();
  });

  test("lets a test itself look at everything", async () => {
    const guarded = await open();
    await guarded.query(bad, ["x"], "all");
    guarded.verifyPlans();
    await guarded.close();
  });
});

test("a full database is read by the same plans as an empty one, which is what objections are made from", () => {
  const [full, empty] = [new Database(":memory:"), new Database(":memory:")];
  for (const database of [full, empty]) {
    for (const { up } of migrations) for (const { sql } of statementsOf(up)) database.run(sql);
  }
  full.run("insert into teams values ('t', 'T', 0)");
  full.run("insert into contents (id, created_at) values ('c', 0)");
  const rows = "with recursive n (i) as (select 1 union all select i + 1 from n where i < 5000)";
  full.run(
    `insert into emails (id, team_id, message_id, sender, recipients, cc, bcc, reply_to, subject, content_id, headers,
       tags, last_event, created_at)
     ${rows} select printf('%05d', i), 't', 'm', 's', '[]', '[]', '[]', '[]', 'x', 'c', '{}', '[]', 'queued', i from n`,
  );
  full.run(
    `insert into email_counters ${rows} select printf('%05d', i), i, 'email.delivered', 't', 1 from n`,
  );
  full.run(`insert into counters ${rows} select 't', i, 'd', '', 'email.delivered', 1 from n`);
  const planOf = (database: Database, sql: string) => database.query(`explain query plan ${sql}`).values();
  for (const sql of [
    "select * from emails where team_id = ? and id < ? order by id desc limit 20",
    "select * from emails where subject = ?",
    "select * from emails e join email_counters c on c.email_id = e.id where e.team_id = ? and c.hour > ?",
    "select * from email_counters where team_id = ? and hour > ? and email_id in (select value from json_each(?))",
    "select event, sum(total) from counters where team_id = ? and hour > ? group by event",
  ]) {
    expect(planOf(full, sql)).toEqual(planOf(empty, sql));
  }
  full.close();
  empty.close();
});

test("the program gathers no statistics, by which a full database would be planned differently", async () => {
  const gathering = /\b(analyze\s*[;"`]|pragma\s+optimize)/i;
  const sources = (await readSources()).filter(({ isTest }) => !isTest);
  expect(sources.filter(({ text }) => gathering.test(text)).map(({ path }) => path)).toEqual([]);
});

/** References whose other side is never deleted, so that nobody looks for what refers to it. */
const neverDeleted = ["emails (content_id)"]; // whoever deletes contents needs this index first

test("what refers to a deleted row is found through an index", () => {
  // SQLite looks for it at every delete, and plans don't show that.
  const database = new Database(":memory:");
  for (const { up } of migrations) for (const { sql } of statementsOf(up)) database.run(sql);
  const missing = database
    .query<{ reference: string }, []>(
      `select t.name || ' (' || f."from" || ')' as reference
       from sqlite_schema t join pragma_foreign_key_list(t.name) f where t.type = 'table' and not exists (
         select 1 from pragma_index_list(t.name) i join pragma_index_info(i.name) c
         where c.seqno = 0 and c.name = f."from" and not i.partial)`,
    )
    .all()
    .map(({ reference }) => reference);
  database.close();
  expect(missing).toEqual(neverDeleted);
});
