import { expect, test } from "bun:test";
import { eachTransport } from "../../test/support/transports.ts";
import type { Transport } from "../db/transport.ts";
import { rawWrite, toStatement, type Write } from "../db/write.ts";
import { countOverdueLanes, dueLanes, nextDue, spreadOverdue } from "./due.ts";
import { touchLane } from "./store.ts";

const at = (seconds: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, seconds));
const run = (transport: Transport, ...writes: Write[]) => transport.batch(writes.map(toStatement));
const ask = (kind: string, limit = 10, full: string[] = []) => ({ kind, limit, full });
const pause = (kind: string) =>
  rawWrite("insert into pauses (kind, reason, created_at) values (?, 'x', 1)", [kind]);

eachTransport((_name, open) => {
  test("each kind answers with its longest waiting lanes, without full ones, up to its limit", async () => {
    const db = await open();
    for (const [second, name] of ["d", "c", "b", "a"].entries()) {
      await run(db, touchLane(`mail/${name}`, at(second)), touchLane(`hook/${name}`, at(second)));
    }
    expect(await dueLanes(db, at(2), [ask("mail", 2, ["mail/d"]), ask("hook", 1), ask("other")])).toEqual([
      { kind: "mail", lane: "mail/c" },
      { kind: "mail", lane: "mail/b" },
      { kind: "hook", lane: "hook/d" },
    ]);
    expect(await dueLanes(db, at(2), [ask("mail", 0), ask("hook", 0)])).toEqual([]);
    expect(await dueLanes(db, at(2), [])).toEqual([]);
  });

  test("the next due time is of the kinds that are asked for anything, without full lanes", async () => {
    const db = await open();
    await run(db, touchLane("mail/a", at(1)), touchLane("mail/b", at(5)), touchLane("hook", at(3)));
    expect(await nextDue(db, [ask("mail"), ask("hook")])).toEqual(at(1));
    expect(await nextDue(db, [ask("mail", 9, ["mail/a"]), ask("hook")])).toEqual(at(3));
    expect(await nextDue(db, [ask("mail", 9, ["mail/a"]), ask("hook", 0)])).toEqual(at(5));
    expect(await nextDue(db, [ask("other")])).toBeUndefined();
  });

  test("a paused kind has nothing due", async () => {
    const db = await open();
    await run(db, touchLane("mail/a", at(1)), touchLane("hook", at(3)), pause("mail"));
    expect(await dueLanes(db, at(9), [ask("mail"), ask("hook")])).toEqual([{ kind: "hook", lane: "hook" }]);
    expect(await nextDue(db, [ask("mail"), ask("hook")])).toEqual(at(3));
  });

  test("overdue lanes are counted and spread for the kinds this node handles", async () => {
    const db = await open();
    await run(db, touchLane("mail/a", at(1)), touchLane("mail/b", at(1)), touchLane("hook", at(1)));
    expect(await countOverdueLanes(db, ["mail", "other"], at(2), 100)).toBe(2);
    expect(await countOverdueLanes(db, ["mail"], at(2), 1)).toBe(1);
    await run(db, spreadOverdue(["mail"], at(2), 1_000));
    const { rows } = await db.query("select next_at from lanes order by lane", [], "values");
    const [hook, ...mail] = (rows as number[][]).map(([next]) => next!);
    expect(hook).toBe(at(1).getTime());
    for (const next of mail) expect(next).toBeWithin(at(2).getTime(), at(3).getTime());
  });

  test("one kind's backlog is never walked to find another's", async () => {
    const asked: string[] = [];
    const db = await open();
    const spied: Transport = {
      ...db,
      query: async (sql, params, method) => {
        const { rows } = await db.query(`explain query plan ${sql}`, params, "values");
        asked.push(rows.flat().join("\n"));
        return db.query(sql, params, method);
      },
    };
    await dueLanes(spied, at(1), [ask("mail"), ask("hook")]);
    await nextDue(spied, [ask("mail"), ask("hook")]);
    await countOverdueLanes(spied, ["mail", "hook"], at(1), 5);
    expect(asked).toHaveLength(3);
    for (const plan of asked) {
      expect(plan).toContain("lanes_next (kind=?");
      expect(plan).not.toMatch(/SCAN lanes|TEMP B-TREE/);
    }
  });
});
