import { expect, test } from "bun:test";
import { eachTransport } from "../../test/support/transports.ts";
import type { Transport } from "../db/transport.ts";
import { toStatement, type Write } from "../db/write.ts";
import {
  claimJobs,
  extendLeases,
  freeEndedLeases,
  insertJob,
  removeHeld,
  settleLane,
  toLease,
  touchLane,
} from "./store.ts";

const at = (seconds: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, seconds));
const run = (transport: Transport, ...writes: Write[]) => transport.batch(writes.map(toStatement));
const job = (id: string, runAt: Date) =>
  insertJob({ id, kind: "work", lane: "work", payload: { id }, runAt, createdAt: at(0) });

async function claim(transport: Transport, node: string, now: Date, until: Date, limit = 10) {
  const [claimed] = await run(transport, claimJobs(node, "work", now, until, limit), settleLane("work"));
  return claimed!.rows.map(toLease);
}
const nextAt = async (transport: Transport) =>
  (await transport.query("select next_at from lanes", [], "values")).rows;

eachTransport((_name, open) => {
  test("due jobs are claimed oldest first, and their lane waits for the one that comes next", async () => {
    const db = await open();
    await run(db, touchLane("work", at(1)), job("b", at(2)), job("a", at(1)), job("c", at(9)));
    expect((await claim(db, "n", at(3), at(60), 1)).map(({ id }) => id)).toEqual(["a"]);
    expect(await nextAt(db)).toEqual([[at(2).getTime()]]);
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
    for (const write of [claimJobs("n", "work", at(1), at(2), 5), settleLane("work")]) {
      const { sql, params } = toStatement(write);
      const { rows } = await db.query(`explain query plan ${sql}`, params, "values");
      const plan = rows.flat().join("\n");
      expect(plan).toContain("jobs_ready (lane=?");
      expect(plan).not.toMatch(/SCAN jobs|TEMP B-TREE/);
    }
  });
});
