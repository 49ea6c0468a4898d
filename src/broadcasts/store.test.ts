import { expect, test } from "bun:test";
import { testContact, testSegment, testTopic } from "../../test/support/audience-rows.ts";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { testDomain } from "../../test/support/test-domain.ts";
import { eachTransport } from "../../test/support/transports.ts";
import { atomically } from "../app.ts";
import { expectChange, rawWrite } from "../db/write.ts";
import { once } from "../jobs/once.ts";
import { pausedUntil } from "../jobs/pause.ts";
import { jobs } from "../jobs/schema.ts";
import { begin } from "./begin.ts";
import { createBroadcast } from "./change.ts";
import { expand } from "./expand.ts";
import { changeRate } from "./rate.ts";
import {
  findBroadcastsBy,
  findBroadcastsPlace,
  getBroadcast,
  getBroadcasts,
  getBroadcastsUsing,
} from "./read.ts";
import { behindAll, heldNote } from "./schema.ts";
import { cancelBroadcast, pauseBroadcast, resumeBroadcast, sendBroadcast } from "./send.ts";
import { steer } from "./steer.ts";
import { changeIn, conducted, findUntried, listBroadcastNames, listToSteer, moveCursor } from "./store.ts";

eachTransport((_, open) => {
  async function scene(names = ["ada", "bob", "suppressed"]) {
    const app = await testApp({ transport: await open(), sandbox: true });
    const { teamId } = await testTeam(app);
    await testDomain(app, teamId);
    const contacts = [];
    for (const name of names) {
      const about = { firstName: `${name} "x"`, properties: { plan: 7 } };
      contacts.push(await testContact(app, teamId, `${name}@recipient.test`, about));
    }
    const segment = await testSegment(app, teamId, contacts);
    const { id } = await createBroadcast(app, teamId, {
      ...{ segmentId: segment.id, from: "ada@example.com", name: "March" },
      ...{ subject: "{{{contact.first_name}}}", text: "{{{contact.plan}}} {{{contact.last_name}}}" },
    });
    await sendBroadcast(app, { teamId }, id);
    const get = () => getBroadcast(app, teamId, id);
    const expandAll = async () => {
      await begin(app, await get());
      await expand(app, await get());
    };
    const deliverJobs = async () =>
      (await app.db.select().from(jobs)).filter(({ kind }) => kind === "deliver");
    return { app, teamId, id, contacts, get, expandAll, deliverJobs };
  }

  test("what is not over yet is known by its segment and its topic, to the team alone", async () => {
    const { app, teamId } = await scene();
    const [segment, topic] = [await testSegment(app, teamId), await testTopic(app, teamId)];
    const wish = {
      segmentId: segment.id,
      topicId: topic.id,
      from: "ada@example.com",
      subject: "Hi",
      text: "Hi",
    };
    const { id } = await createBroadcast(app, teamId, { ...wish, name: "April" });
    const named = { id, name: "April", status: "draft" as const };
    expect(await getBroadcastsUsing(app, teamId, { segmentId: segment.id }, 5)).toEqual([named]);
    expect(await getBroadcastsUsing(app, teamId, { topicId: topic.id }, 5)).toEqual([named]);
    expect(await getBroadcastsUsing(app, "other", { topicId: topic.id }, 5)).toEqual([]);
    await atomically(app, [rawWrite("update broadcasts set status = 'sent' where id = ?", [id])]);
    expect(await getBroadcastsUsing(app, teamId, { segmentId: segment.id }, 5)).toEqual([]);
  });

  test("lists by status and text are looked through in an index, and no body is read for it", async () => {
    const { app, teamId } = await scene();
    const plans: string[] = [];
    const { query } = app.transport;
    app.transport.query = async (sql, params, method) => {
      // Which broadcasts are listed, without what is shown of them.
      const asked = sql.replace(
        /^select "id", "team_id".* from "broadcasts"/,
        'select "id" from "broadcasts"',
      );
      const { rows } = await query(`explain query plan ${asked}`, params, "values");
      plans.push(rows.flat().join(" "));
      return query(sql, params, method);
    };
    const filter = { statuses: ["sending", "paused"], search: "march" } as const;
    await findBroadcastsPlace(app, teamId, { page: 1, perPage: 20 }, filter);
    expect(await getBroadcasts(app, teamId, { limit: 20 }, filter)).toEqual([]);
    await findBroadcastsBy(app, teamId, filter, { limit: 20 });
    expect(plans.length).toBeGreaterThan(4);
    for (const plan of plans) expect(plan).toContain("USING COVERING INDEX broadcasts_team (team_id=?");
  });

  test("each contact has a delivery with what is filled in for them alone, and a job in the lane of their domain", async () => {
    const { app, contacts, expandAll, deliverJobs } = await scene();
    await expandAll();
    const rows = await app.db.values(
      "select id, recipient, domain, state, contact_id, merge_values, settled_at from deliveries order by id",
    );
    const now = app.now().getTime();
    expect(rows).toEqual(
      contacts.map(({ id, email, firstName }, n) => [
        ...[expect.any(String), email, "recipient.test", n < 2 ? "queued" : "suppressed", id],
        ...[JSON.stringify({ first_name: firstName, plan: 7 }), n < 2 ? null : now],
      ]),
    );
    const waiting = await deliverJobs();
    expect(waiting.map(({ id, payload }) => [id, payload])).toEqual(
      rows.slice(0, 2).map(([id]) => [id as string, { deliveryId: id }]),
    );
    expect(waiting[0]).toMatchObject({ lane: "deliver/recipient.test", runAt: app.now(), attempts: 0 });
    const lanes = await app.db.values("select lane, next_at from lanes where kind = 'deliver'");
    expect(lanes).toEqual([["deliver/recipient.test", now]]);
  });

  test("a step stands only while the broadcast is as it was seen", async () => {
    const { app, get } = await scene();
    await begin(app, await get());
    const seen = await get();
    const pace = { pacedAt: new Date(7), paced: 1 };
    const step = { cursor: behindAll, recipients: 1, unsubscribed: 2, suppressed: 3, pace };
    const take = (from: typeof seen) => once(app, [moveCursor(from, step), expectChange()]);
    for (const other of [{ cursor: "1" }, { status: "paused" as const }, { conductor: "1" }]) {
      expect(await take({ ...seen, ...other })).toBeFalse();
      if ("cursor" in other) continue;
      const write = conducted(app.db, { ...seen, ...other }, { watched: "x" });
      expect(await once(app, [write, expectChange()])).toBeFalse();
    }
    expect(await take(seen)).toBeTrue();
    expect(await take(seen)).toBeFalse();
    expect(await get()).toMatchObject({
      ...{ cursor: behindAll, recipients: 1, skippedUnsubscribed: 2, skippedSuppressed: 3, watched: null },
      ...pace,
    });
  });

  test("nobody gets a second delivery of a broadcast, whoever tries to write it", async () => {
    const { app, expandAll } = await scene();
    await expandAll();
    const again = rawWrite(
      `insert into deliveries (id, team_id, email_id, recipient, domain, state, attempts, created_at, contact_id)
       select 'x', team_id, email_id, recipient, domain, 'queued', 0, 1, contact_id from deliveries limit 1`,
    );
    expect(atomically(app, [again])).rejects.toMatchObject({ name: "WriteConflict", kind: "unique" });
  });

  test("a contact who comes a second time keeps the first delivery, and holds up nobody", async () => {
    const { app, get, expandAll } = await scene(["ada", "bob"]);
    await expandAll();
    const { emailId } = await get();
    await atomically(app, [
      rawWrite("update broadcasts set cursor = '0'"),
      rawWrite("insert into broadcast_audience select b.id, c.id, 1 from broadcasts b join contacts c"),
      rawWrite("delete from deliveries where recipient like 'bob%'"),
    ]);
    const before = await app.db.values("select id from deliveries");
    await expand(app, await get());
    const after = await app.db.values("select id, recipient from deliveries order by recipient");
    expect(after.map(([, recipient]) => recipient)).toEqual(["ada@recipient.test", "bob@recipient.test"]);
    expect(after[0]![0]).toEqual(before[0]![0]!);
    expect(await findUntried(app.db, emailId!, "")).toBeDefined();
    expect(await get()).toMatchObject({ cursor: behindAll });
  });

  test("paused, jobs are held; resumed, they are due as before; those an operator holds stay", async () => {
    const { app, teamId, id, get, expandAll, deliverJobs } = await scene();
    await expandAll();
    const [{ id: operators } = { id: "" }] = await deliverJobs();
    await atomically(app, [
      rawWrite("update jobs set run_at = ?, last_error = 'held' where id = ?", [
        pausedUntil.getTime(),
        operators,
      ]),
    ]);
    await pauseBroadcast(app, teamId, id);
    await steer(app, await get(), "paused");
    expect((await deliverJobs()).map(({ runAt, lastError }) => [runAt, lastError])).toEqual([
      [pausedUntil, "held"],
      [pausedUntil, heldNote],
    ]);
    expect(await get()).toMatchObject({ steered: "paused", steerCursor: null });
    await resumeBroadcast(app, teamId, id);
    await steer(app, await get(), "sending");
    expect((await deliverJobs()).map(({ runAt, lastError }) => [runAt, lastError])).toEqual([
      [pausedUntil, "held"],
      [app.now(), null],
    ]);
  });

  test("resumed after days, nothing counts as overdue, and what is planned for later stays so", async () => {
    const { app, teamId, id, get, expandAll, deliverJobs } = await scene();
    await expandAll();
    const [, later] = await deliverJobs();
    const plannedAt = app.now().getTime() + 5 * 24 * 3_600_000;
    await atomically(app, [
      rawWrite("update deliveries set state = 'deferred', next_attempt_at = ? where id = ?", [
        plannedAt,
        later!.id,
      ]),
    ]);
    await pauseBroadcast(app, teamId, id);
    await steer(app, await get(), "paused");
    app.clock.advance(3 * 24 * 3_600_000);
    await resumeBroadcast(app, teamId, id);
    await steer(app, await get(), "sending");
    expect(await app.db.values("select next_attempt_at from deliveries order by id")).toEqual([
      [app.now().getTime()],
      [plannedAt],
      [null],
    ]);
  });

  test("another rate gives everybody who waits another turn, but whom somebody has, tries again or holds", async () => {
    const { app, get, expandAll, deliverJobs } = await scene(["ada", "bob", "cid", "dan", "eve"]);
    await expandAll();
    const [tried, busy, held, ...waiting] = (await deliverJobs()).map((job) => job.id);
    await atomically(app, [
      rawWrite("update deliveries set state = 'deferred' where id = ?", [tried!]),
      rawWrite("update jobs set node = 'other' where id = ?", [busy!]),
      rawWrite("update jobs set run_at = ?, last_error = 'held' where id = ?", [
        pausedUntil.getTime(),
        held!,
      ]),
    ]);
    const before = app.now();
    app.clock.advance(1_000);
    await changeRate(app, await get(), 6);
    await steer(app, await get(), "sending");
    const at = (seconds: number) => new Date(app.now().getTime() + seconds * 1_000);
    const plan = async () => {
      const rows = await app.db.values<[number, number]>(
        "select d.next_attempt_at, j.run_at from deliveries d join jobs j on j.id = d.id order by d.id",
      );
      return rows.map((row) => row.map((each) => new Date(each)));
    };
    expect(await plan()).toEqual([
      [before, before],
      [at(0), before], // somebody has it
      [before, pausedUntil],
      [at(10), at(10)],
      [at(20), at(20)],
    ]);
    expect(await get()).toMatchObject({ pacedAt: app.now(), paced: 1 + waiting.length, steerCursor: null });
  });

  test("canceled, what nobody has under way ends, and its jobs go", async () => {
    const { app, teamId, id, get, expandAll, deliverJobs } = await scene();
    await expandAll();
    const [{ id: busy } = { id: "" }] = await deliverJobs();
    await atomically(app, [rawWrite("update jobs set node = 'other' where id = ?", [busy])]);
    await pauseBroadcast(app, teamId, id);
    await cancelBroadcast(app, teamId, id);
    await steer(app, await get(), "canceled");
    expect((await deliverJobs()).map((job) => job.id)).toEqual([busy]);
    const states = await app.db.values("select state, last_reply from deliveries order by id");
    expect(states).toEqual([
      ["queued", null],
      ["canceled", "Its broadcast was canceled"],
      ["suppressed", null],
    ]);
  });

  test("who has had no first attempt is found from where one looked last", async () => {
    const { app, get, expandAll } = await scene();
    await expandAll();
    const { emailId } = await get();
    const [first, second] = (await listToSteer(app.db, emailId!, "", 10)).map((row) => row.id);
    expect(await listToSteer(app.db, emailId!, first!, 1)).toEqual([
      { id: second!, lane: "deliver/recipient.test", awaitsTurn: true },
    ]);
    expect(await findUntried(app.db, emailId!, "")).toBe(first!);
    await atomically(app, [rawWrite("update deliveries set state = 'deferred' where id = ?", [first!])]);
    expect(await findUntried(app.db, emailId!, first!)).toBe(second!);
    await atomically(app, [rawWrite("update deliveries set state = 'delivered'")]);
    expect(await findUntried(app.db, emailId!, second!)).toBeUndefined();
    // Slice by slice as well.
    expect(await findUntried(app.db, emailId!, "", 2)).toBeUndefined();
    await atomically(app, [rawWrite("update deliveries set state = 'queued' where recipient like 'supp%'")]);
    const third = (await listToSteer(app.db, emailId!, second!, 10))[0]!.id;
    expect(await findUntried(app.db, emailId!, "", 2)).toBe(third);
  });

  test("a broadcast is changed in the states that allow it, of the team that has it, and its name is told to that one", async () => {
    const { app, teamId, id } = await scene();
    const change = (of: string, states: Parameters<typeof changeIn>[2]) =>
      once(app, [changeIn(app.db, { teamId: of, id }, states, { name: "April" }), expectChange()]);
    expect(await change(teamId, ["draft", "sent"])).toBeFalse();
    expect(await change("another", ["queued"])).toBeFalse();
    expect(await change(teamId, ["draft", "queued"])).toBeTrue();
    expect(await listBroadcastNames(app.db, teamId, [id])).toEqual(new Map([[id, "April"]]));
    expect(await listBroadcastNames(app.db, "another", [id])).toEqual(new Map());
  });
});
