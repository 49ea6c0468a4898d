import { expect, test } from "bun:test";
import { eachTransport } from "../../test/support/transports.ts";
import type { Row, Transport } from "../db/transport.ts";
import { expectChange, rawWrite, toStatement, type Write } from "../db/write.ts";
import { spreadOverdue } from "./due.ts";
import {
  blockLane,
  claimJobs,
  extendLeases,
  freeEndedLeases,
  freeLeasesOf,
  insertJob,
  insertJobs,
  moveWaiting,
  releaseHeld,
  removeHeld,
  returnHeld,
  settleLane,
  toLease,
  touchLane,
  touchLanes,
} from "./store.ts";

const at = (seconds: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, seconds));
const run = (transport: Transport, ...writes: Write[]) => transport.batch(writes.map(toStatement));
const job = (id: string, runAt: Date) =>
  insertJob({ id, kind: "work", lane: "work", payload: { id }, runAt, createdAt: at(0) });

async function claim(transport: Transport, node: string, now: Date, until: Date, limit = 10) {
  const [claimed] = await run(transport, claimJobs(node, "work", now, until, limit), settleLane("work", now));
  return claimed!.rows.map(toLease);
}
/** Holds the job as after a claim that nothing forbade. */
const holdAgain = (node: string) =>
  rawWrite("update jobs set node = ?, fence = 1, lease_until = ?", [node, at(60).getTime()]);
const blockOf = async (transport: Transport) =>
  (await transport.query("select next_at, blocked_until, blocked_by from lanes", [], "values"))
    .rows[0] as Row;
const nextAt = async (transport: Transport) =>
  (await transport.query("select next_at from lanes", [], "values")).rows;

eachTransport((_name, open) => {
  test("due jobs that nobody holds are moved to another lane, the longest waiting first", async () => {
    const db = await open();
    await run(db, job("busy", at(0)));
    await claim(db, "node", at(0), at(60), 1);
    await run(
      db,
      touchLane("work", at(1)),
      job("b", at(2)),
      job("a", at(1)),
      job("c", at(3)),
      job("later", at(9)),
    );
    await run(db, moveWaiting("work", "work/site", at(5), 2));
    const { rows } = await db.query("select id from jobs where lane = 'work/site' order by id", [], "values");
    expect(rows).toEqual([["a"], ["b"]]);
  });

  test("many jobs are what each alone would be, and their lanes are due with the first of them", async () => {
    const db = await open();
    const [one, two] = ["work/one", "work/two"];
    const rows = ["a", "b", "c"].map((id, n) => ({
      ...{ id, lane: n < 2 ? one : two, payload: { id, list: [n] }, runAt: at(n) },
    }));
    const lanes = new Map([
      [one, at(0)],
      [two, at(2)],
    ]);
    await run(db, touchLane(two, at(1)), insertJobs("work", at(0), rows), touchLanes("work", lanes));
    const manyOf = "select * from jobs order by id";
    const { rows: together } = await db.query(manyOf, [], "values");
    await run(db, rawWrite("delete from jobs"));
    await run(db, ...rows.map((row) => insertJob({ ...row, kind: "work", createdAt: at(0) })));
    expect(together).toEqual((await db.query(manyOf, [], "values")).rows);
    const { rows: due } = await db.query("select lane, kind, next_at from lanes order by lane", [], "values");
    expect(due).toEqual([
      [one, "work", at(0).getTime()],
      [two, "work", at(1).getTime()],
    ]);
  });

  test("due jobs are claimed oldest first, and their lane waits for the one that comes next", async () => {
    const db = await open();
    await run(db, touchLane("work", at(1)), job("b", at(2)), job("a", at(1)), job("c", at(9)));
    expect((await claim(db, "n", at(3), at(60), 1)).map(({ id }) => id)).toEqual(["a"]);
    expect(await nextAt(db)).toEqual([[at(3).getTime()]]); // not before the claim: behind the lanes that wait
    expect((await claim(db, "n", at(3), at(60))).map(({ id }) => id)).toEqual(["b"]);
    expect(await nextAt(db)).toEqual([[at(9).getTime()]]);
    expect((await claim(db, "n", at(9), at(60))).map(({ id }) => id)).toEqual(["c"]);
    expect(await nextAt(db)).toEqual([[null]]);
  });

  test("two nodes never hold one job, and only the newest hold ends it", async () => {
    const db = await open();
    const other = db.another();
    await run(db, touchLane("work", at(1)), job("a", at(1)));
    const [first] = await claim(db, "n1", at(1), at(60));
    expect(await claim(other, "n2", at(1), at(60))).toEqual([]);
    await run(other, ...freeEndedLeases(at(61)));
    const [second] = await claim(other, "n2", at(61), at(120));
    await run(db, extendLeases("n1", ["a"], at(999)), removeHeld("n1", first!));
    expect((await db.query("select node, lease_until from jobs", [], "values")).rows).toEqual([
      ["n2", at(120).getTime()],
    ]);
    await run(other, removeHeld("n2", second!));
    expect((await db.query("select id from jobs", [], "values")).rows).toEqual([]);
  });

  test("what a claim asks is answered from an index, however many jobs wait", async () => {
    const db = await open();
    for (const write of [claimJobs("n", "work", at(1), at(2), 5), settleLane("work", at(1))]) {
      const { sql, params } = toStatement(write);
      const { rows } = await db.query(`explain query plan ${sql}`, params, "values");
      const plan = rows.flat().join("\n");
      expect(plan).toContain("jobs_ready (lane=?");
      expect(plan).not.toMatch(/SCAN jobs|TEMP B-TREE/);
    }
  });

  test("a lane belongs to its kind", async () => {
    const db = await open();
    await run(
      db,
      touchLane("deliver/example.com", at(1)),
      blockLane("notify/x/y", at(1), "why"),
      touchLane("work", at(1)),
    );
    expect((await db.query("select lane, kind from lanes order by lane", [], "values")).rows).toEqual([
      ["deliver/example.com", "deliver"],
      ["notify/x/y", "notify"],
      ["work", "work"],
    ]);
  });

  test("a block is never shortened, and the longest one's reason stays", async () => {
    const db = await open();
    await run(db, touchLane("work", at(1)), job("a", at(1)), blockLane("work", at(50), "long"));
    await run(db, blockLane("work", at(20), "short"));
    expect(await blockOf(db)).toEqual([at(50).getTime(), at(50).getTime(), "long"]);
    await run(db, blockLane("work", at(70), "longer"));
    expect(await blockOf(db)).toEqual([at(70).getTime(), at(70).getTime(), "longer"]);
  });

  test("a block on a lane where nothing waits makes it due for nothing", async () => {
    const db = await open();
    await run(db, blockLane("work", at(50), "why"));
    expect(await nextAt(db)).toEqual([[null]]);
    await run(db, touchLane("work", at(1)), job("a", at(1)));
    expect(await nextAt(db)).toEqual([[at(50).getTime()]]);
  });

  test("whatever puts a job back or looks for overdue ones, a blocked lane stays blocked", async () => {
    const db = await open();
    const blocked = async () => expect((await blockOf(db))[0]).toBe(at(500).getTime());
    await run(db, touchLane("work", at(1)), job("a", at(1)));
    const [lease] = await claim(db, "n", at(1), at(60));
    await run(db, blockLane("work", at(500), "why"));
    await run(db, ...releaseHeld("n", ["a"], at(2)));
    await blocked();
    expect(await claim(db, "n", at(2), at(60))).toEqual([]);
    await blocked();
    await run(db, holdAgain("n"), ...freeLeasesOf("n", at(3)));
    await blocked();
    await run(db, holdAgain("n"), ...freeEndedLeases(at(61)));
    await blocked();
    await run(
      db,
      holdAgain("n"),
      returnHeld("n", lease!, at(4), "why", "work"),
      expectChange(),
      touchLane("work", at(4)),
    );
    await blocked();
    // As a version that knew less about blocks may have left it.
    await run(db, rawWrite("update lanes set next_at = 1"), spreadOverdue(["work"], at(5), 1_000));
    await blocked();
    await run(db, rawWrite("update lanes set next_at = 1"), blockLane("work", at(6), "other"));
    await blocked();
  });

  test("a job that is put back into another lane waits there and nowhere else", async () => {
    const db = await open();
    await run(db, touchLane("work", at(1)), job("a", at(1)), job("b", at(9)));
    const [lease] = await claim(db, "n", at(1), at(60));
    await run(
      db,
      returnHeld("n", lease!, at(4), "moved", "work/x"),
      expectChange(),
      touchLane("work/x", at(4)),
      settleLane("work", at(2)),
    );
    expect((await db.query("select lane, next_at from lanes order by lane", [], "values")).rows).toEqual([
      ["work", at(9).getTime()],
      ["work/x", at(4).getTime()],
    ]);
    const [claimed] = await run(db, claimJobs("n", "work/x", at(4), at(60), 10));
    expect(claimed!.rows.map(toLease)).toMatchObject([{ id: "a", lane: "work/x", attempt: 2, fence: 2 }]);
  });

  test("extending leases says which of them are still the node's own", async () => {
    const db = await open();
    await run(db, touchLane("work", at(1)), job("a", at(1)), job("b", at(2)));
    await claim(db, "n1", at(1), at(60));
    await claim(db.another(), "n2", at(2), at(60));
    const [extended] = await run(db, extendLeases("n1", ["a", "b", "gone"], at(120)));
    expect(extended!.rows).toEqual([["a"]]);
  });
});
