import { describe, expect, test } from "bun:test";
import { setImmediate } from "node:timers/promises";
import { eq, sql } from "drizzle-orm";
import { simpleParser } from "mailparser";
import { migrations } from "../../migrations/index.ts";
import { choose, testContact, testTopic } from "../../test/support/audience-rows.ts";
import { type BroadcastScene, broadcastScene, crowd } from "../../test/support/broadcast-scene.ts";
import { atomically } from "../app.ts";
import { createProperty } from "../contacts/properties.ts";
import { updateContact } from "../contacts/save.ts";
import { segmentMembers } from "../contacts/schema.ts";
import { createSegment, deleteSegment } from "../contacts/segments.ts";
import { deleteTopic } from "../contacts/topics.ts";
import { migrateDown, migrateUp } from "../db/migrate.ts";
import { rawWrite } from "../db/write.ts";
import { pauseQueue } from "../delivery/queue.ts";
import { takeTurn } from "../delivery/store.ts";
import { events } from "../events/schema.ts";
import { newId } from "../ids.ts";
import { pausedUntil } from "../jobs/pause.ts";
import { addSuppression } from "../suppressions/add.ts";
import { begin } from "./begin.ts";
import { updateBroadcast } from "./change.ts";
import { expand } from "./expand.ts";
import { isYetToBePaced } from "./pace.ts";
import { getProgress } from "./read.ts";
import { behindAll } from "./schema.ts";
import { cancelBroadcast, pauseBroadcast, resumeBroadcast, sendBroadcast } from "./send.ts";
import { steer } from "./steer.ts";

const [ada, bob, eve] = ["ada@recipient.test", "bob@recipient.test", "eve@recipient.test"];

test("everybody in the segment gets a message of their own, filled in for them", async () => {
  const scene = await broadcastScene({
    [ada]: { firstName: "Ada", properties: { plan: "pro" } },
    [bob]: { firstName: "<Bob> & sons" },
  });
  await testContact(scene.app, scene.teamId, eve); // in no segment
  const id = await scene.broadcast({
    subject: "Hi {{{FIRST_NAME|there}}}",
    html: '<p>{{{contact.first_name}}}: {{{contact.plan|free}}} <a href="{{{RESEND_UNSUBSCRIBE_URL}}}">Leave</a></p>',
    previewText: "For {{{contact.first_name}}}",
  });
  expect(scene.reached()).toEqual([ada, bob]);
  const messages = await Promise.all(
    scene.host.received.map(({ message }) => simpleParser(Buffer.from(message))),
  );
  const [toAda, toBob] = messages.toSorted((a, b) => (a.subject! < b.subject! ? 1 : -1)).reverse();
  expect([toBob!.subject, toAda!.subject].sort()).toEqual(["Hi <Bob> & sons", "Hi Ada"]);
  for (const each of messages) {
    const isAda = each.subject === "Hi Ada";
    expect(each.to).toMatchObject({ text: isAda ? ada : bob });
    expect(each.cc).toBeUndefined();
    expect(each.html).toContain(isAda ? "<p>Ada: pro <a" : "<p>&lt;Bob&gt; &amp; sons: free <a");
    expect(each.html).toContain(isAda ? ">For Ada&" : ">For &lt;Bob&gt; &amp; sons&");
    expect(each.html).toMatch(/<a href="http:\/\/mailit\.test\/unsubscribe\?token=[\w-]+">Leave/);
    expect(each.headers.get("list")).toMatchObject({
      unsubscribe: { url: expect.stringContaining("token=") },
    });
  }
  expect(new Set(messages.map(({ messageId }) => messageId)).size).toBe(2);
  expect(await scene.get(id)).toMatchObject({ status: "sending" });
  await scene.pass(1_000);
  expect(await scene.get(id)).toMatchObject({ status: "sent", recipients: 2, sentAt: scene.app.now() });
  expect(await getProgress(scene.app, await scene.get(id))).toMatchObject({ recipients: 2, delivered: 2 });
});

test("who unsubscribed, is not in the topic or is suppressed gets nothing, and is counted", async () => {
  const scene = await broadcastScene({
    [ada]: {},
    [bob]: { unsubscribed: true },
    [eve]: {},
    "dan@recipient.test": {},
  });
  const { app, teamId } = scene;
  const topic = await testTopic(app, teamId);
  await choose(app, scene.contacts[2]!, topic, "opt_out");
  await addSuppression(app, teamId, "dan@recipient.test", {});
  const id = await scene.broadcast({ topicId: topic.id });
  expect(scene.reached()).toEqual([ada]);
  const broadcast = await scene.get(id);
  expect(broadcast).toMatchObject({ recipients: 2, skippedUnsubscribed: 2, skippedSuppressed: 1 });
  expect(await getProgress(app, broadcast)).toMatchObject({ delivered: 1, suppressed: 1 });
  expect(await scene.events(broadcast.emailId!)).toContain("email.suppressed dan@recipient.test");
});

test("a property's own fallback holds where neither the contact nor the field says anything", async () => {
  const scene = await broadcastScene({ [ada]: {} });
  await createProperty(scene.app, scene.teamId, { key: "plan", type: "string", fallbackValue: "free" });
  await scene.broadcast({ text: "{{{contact.plan}}} or {{{contact.plan|none}}}", html: null });
  const { text } = await simpleParser(Buffer.from(scene.host.received[0]!.message));
  expect(text?.trim()).toBe("free or none");
});

test("the audience is settled when the broadcast begins: who joins later is not in it", async () => {
  const scene = await broadcastScene(crowd(3));
  const { app, teamId } = scene;
  const id = await scene.draft();
  await sendBroadcast(app, { teamId }, id);
  await begin(app, await scene.get(id));
  const late = await testContact(app, teamId, "late@recipient.test");
  await atomically(app, [
    app.db.insert(segmentMembers).values({ segmentId: scene.segment.id, contactId: late.id }),
  ]);
  await scene.dispatcher.drained();
  expect(scene.reached()).toEqual(Object.keys(crowd(3)));
});

test("nothing that anybody becomes later puts them into an audience or takes them out, but that they want no mail", async () => {
  const scene = await broadcastScene({});
  const { app, teamId } = scene;
  const topic = await testTopic(app, teamId);
  const about = (plan: string) => ({ properties: { plan } });
  await createProperty(app, teamId, { key: "plan", type: "string" });
  const [stays, changes, leaves, joins, returns, optsIn] = [
    await testContact(app, teamId, "stays@recipient.test", about("pro")),
    await testContact(app, teamId, "changes@recipient.test", about("pro")),
    await testContact(app, teamId, "leaves@recipient.test", about("pro")),
    await testContact(app, teamId, "joins@recipient.test", about("free")),
    await testContact(app, teamId, "returns@recipient.test", { ...about("pro"), unsubscribed: true }),
    await testContact(app, teamId, "opts-in@recipient.test", about("pro")),
  ];
  await choose(app, optsIn, topic, "opt_out");
  const rules = { all: [{ field: "properties.plan", operator: "equals", value: "pro" }] };
  const segment = await createSegment(app, teamId, { name: "Pro", rules });
  const id = await scene.draft({ segmentId: segment.id, topicId: topic.id });
  await sendBroadcast(app, { teamId }, id, new Date(app.now().getTime() + 1));
  await begin(app, await scene.get(id));
  await updateContact(app, teamId, changes.id, { properties: { plan: "free" } });
  await updateContact(app, teamId, joins.id, { properties: { plan: "pro" } });
  await updateContact(app, teamId, leaves.id, { unsubscribed: true });
  await updateContact(app, teamId, returns.id, { unsubscribed: false });
  await choose(app, optsIn, topic, "opt_in");
  await deleteSegment(app, teamId, segment.id);
  await scene.pass(1);
  expect(scene.reached()).toEqual([changes.email, stays.email]);
  expect(await scene.get(id)).toMatchObject({ recipients: 2, skippedUnsubscribed: 3 });
  expect(await app.db.values(sql`select * from broadcast_audience`)).toEqual([]);
});

test("a broadcast that an older version has begun goes on from where it is", async () => {
  const scene = await broadcastScene(crowd(4));
  const { app, teamId } = scene;
  const id = await scene.draft();
  await sendBroadcast(app, { teamId }, id, new Date(app.now().getTime() + 1));
  await begin(app, await scene.get(id));
  await atomically(app, [
    rawWrite("delete from broadcast_audience"),
    rawWrite("update broadcasts set cursor = ?, audience_end = ?", [
      scene.contacts[0]!.id,
      scene.contacts[3]!.id,
    ]),
  ]);
  await scene.pass(1);
  expect(scene.reached()).toEqual(Object.keys(crowd(3)).slice(1));
});

test("who leaves or is removed between the beginning and their turn gets nothing", async () => {
  const scene = await broadcastScene({ [ada]: {}, [bob]: {}, [eve]: {} }, {}, {});
  const { app, teamId } = scene;
  const id = await scene.draft({ ratePerMinute: 1 });
  await sendBroadcast(app, { teamId }, id);
  await scene.dispatcher.drained();
  expect(scene.reached()).toEqual([ada]);
  await atomically(app, [
    rawWrite("update contacts set unsubscribed = 1 where email = ?", [bob]),
    rawWrite("delete from contacts where email = ?", [eve]),
  ]);
  await scene.pass(60_000);
  await scene.pass(60_000);
  expect(scene.reached()).toEqual([ada]);
  const { emailId } = await scene.get(id);
  const reasons = await app.db.select().from(events).where(eq(events.emailId, emailId!));
  expect(
    reasons.flatMap(({ data }) => (data.suppressed as { reason: string } | undefined)?.reason ?? []),
  ).toEqual(["unsubscribed", "contact_removed"]);
});

test("a broadcast with a rate sends one after the other, also what is late because it was paused", async () => {
  const scene = await broadcastScene(crowd(5));
  const id = await scene.broadcast({ ratePerMinute: 60 });
  expect(scene.reached()).toHaveLength(1);
  await scene.pass(1_000);
  expect(scene.reached()).toHaveLength(2);
  await pauseBroadcast(scene.app, scene.teamId, id);
  await scene.pass(600_000);
  expect(scene.reached()).toHaveLength(2);
  await resumeBroadcast(scene.app, scene.teamId, id);
  await scene.dispatcher.drained();
  for (let sent = 3; sent <= 5; sent++) {
    expect(scene.reached()).toHaveLength(sent);
    await scene.pass(1_000);
  }
  await scene.pass(1_000);
  expect(await scene.get(id)).toMatchObject({ status: "sent" });
});

test("another rate counts at once, slower or faster, and nobody is left out or comes twice", async () => {
  const scene = await broadcastScene(crowd(9));
  const id = await scene.broadcast({ ratePerMinute: 60 });
  await scene.pass(1_000);
  expect(scene.reached()).toHaveLength(2);
  const change = async (ratePerMinute: number | null) => {
    await updateBroadcast(scene.app, scene.teamId, id, { ratePerMinute });
    await scene.dispatcher.drained();
  };
  await change(1);
  expect(scene.reached()).toHaveLength(3);
  for (let second = 0; second < 59; second++) await scene.pass(1_000);
  expect(scene.reached()).toHaveLength(3);
  await scene.pass(1_000);
  expect(scene.reached()).toHaveLength(4);
  await change(30);
  await change(120); // before anybody had a turn by the other
  expect(scene.reached()).toHaveLength(6);
  await scene.pass(500);
  expect(scene.reached()).toHaveLength(7);
  await change(null);
  expect(scene.reached()).toEqual(Object.keys(crowd(9)));
  await scene.pass(1_000);
  expect(await scene.get(id)).toMatchObject({ status: "sent", ratePerMinute: null });
});

test("a rate that is given to one without any holds who waits apart, though all were due", async () => {
  const scene = await broadcastScene(crowd(4));
  const { app, teamId } = scene;
  const id = await scene.draft();
  await sendBroadcast(app, { teamId }, id, new Date(app.now().getTime() + 1));
  await begin(app, await scene.get(id));
  await expand(app, await scene.get(id));
  app.clock.advance(10_000);
  await updateBroadcast(app, teamId, id, { ratePerMinute: 60 });
  await scene.dispatcher.drained();
  for (let sent = 1; sent <= 4; sent++) {
    expect(scene.reached()).toHaveLength(sent);
    await scene.pass(1_000);
  }
});

test("until their new turn is given nobody goes at the old rate, whoever died while giving them", async () => {
  const scene = await broadcastScene({});
  const { app, teamId } = scene;
  await addMany(scene, 1_100);
  await scene.dispatcher.stop();
  const id = await scene.draft({ ratePerMinute: 1 });
  await sendBroadcast(app, { teamId }, id, new Date(app.now().getTime() + 1));
  await begin(app, await scene.get(id));
  for (const _ of [1, 2]) await expand(app, await scene.get(id));
  app.clock.advance(1);
  await updateBroadcast(app, teamId, id, { ratePerMinute: 60_000 });
  const seen = await scene.get(id);
  await steer(app, seen, "sending");
  const half = await scene.get(id);
  expect(half.paced).toBe(1_000);
  expect(half.steerCursor).toBeString();
  const plan = () =>
    app.db.values<[string, number]>(sql`select id, next_attempt_at from deliveries order by id`);
  const [last] = (await plan()).at(-1)!;
  expect(isYetToBePaced(half, last)).toBeTrue();
  await steer(app, seen, "sending"); // once more, as after a crash
  expect(await scene.get(id)).toMatchObject({ paced: 1_000, steerCursor: half.steerCursor });
  await steer(app, half, "sending");
  const whole = await scene.get(id);
  expect(whole).toMatchObject({ paced: 1_100, steerCursor: null });
  expect(isYetToBePaced(whole, last)).toBeFalse();
  const turns = (await plan()).map(([, at]) => at);
  expect(turns).toEqual(turns.map((_, place) => app.now().getTime() + place));
});

test("who was late keeps the turn that another conductor has given them meanwhile", async () => {
  const scene = await broadcastScene(crowd(3));
  const { app, teamId } = scene;
  await scene.dispatcher.stop();
  const id = await scene.draft({ ratePerMinute: 1 });
  await sendBroadcast(app, { teamId }, id);
  await begin(app, await scene.get(id));
  await expand(app, await scene.get(id));
  const old = await scene.get(id);
  const [first] = await scene.deliveries(old.emailId!);
  await updateBroadcast(app, teamId, id, { ratePerMinute: 60 });
  await steer(app, await scene.get(id), "sending");
  const far = new Date(app.now().getTime() + 3_600_000);
  await atomically(app, [
    rawWrite("update jobs set run_at = ? where id = ?", [far.getTime(), first!.id]),
    ...takeTurn(old, first!.id, far),
  ]);
  const job = (await scene.waitingJobs()).find((each) => each.id === first!.id)!;
  expect(job.runAt).toEqual(app.now());
  await atomically(app, takeTurn(await scene.get(id), first!.id, far));
  const [planned] = await scene.deliveries(old.emailId!);
  expect(planned!.nextAttemptAt).toEqual(far);
});

describe("a server that stood still does not make up for it, and nobody goes beside those whose turn is now", () => {
  const ways = {
    "a while": async () => {},
    "an upgrade from before anybody looked": async ({ app }: BroadcastScene) => {
      const unknown = migrations.filter(({ version }) => version >= 19);
      await migrateDown(app.transport, unknown.length);
      await migrateUp(app.transport, app.now());
    },
  };
  test.each(Object.entries(ways))("for %s", async (_, meanwhile) => {
    const scene = await broadcastScene(crowd(12));
    const id = await scene.broadcast({ ratePerMinute: 6 });
    for (let second = 0; second < 10; second++) await scene.pass(1_000);
    expect(scene.reached()).toHaveLength(2);
    await meanwhile(scene);
    await scene.pass(35_000);
    for (let before = scene.reached().length; before < 12; before = scene.reached().length) {
      for (let second = 0; second < 10; second++) await scene.pass(1_000);
      expect(scene.reached()).toHaveLength(before + 1);
    }
    await scene.pass(1_000);
    expect(await scene.get(id)).toMatchObject({ status: "sent" });
  });
});

test("of one that is paused, or is to begin, the rate counts when it goes on", async () => {
  const scene = await broadcastScene(crowd(4));
  const { app, teamId } = scene;
  const id = await scene.draft({ ratePerMinute: 60 });
  await sendBroadcast(app, { teamId }, id, new Date(app.now().getTime() + 1_000));
  await updateBroadcast(app, teamId, id, { ratePerMinute: 1 });
  await scene.pass(1_000);
  await scene.pass(59_000);
  expect(scene.reached()).toHaveLength(1);
  await pauseBroadcast(app, teamId, id);
  await updateBroadcast(app, teamId, id, { ratePerMinute: 120 });
  await scene.pass(600_000);
  expect(scene.reached()).toHaveLength(1);
  await resumeBroadcast(app, teamId, id);
  await scene.dispatcher.drained();
  for (let sent = 2; sent <= 4; sent++) {
    expect(scene.reached()).toHaveLength(sent);
    await scene.pass(500);
  }
});

test("a paused broadcast sends nothing until it is resumed, then everybody gets it once", async () => {
  const scene = await broadcastScene(crowd(20));
  const { app, teamId } = scene;
  const id = await scene.draft();
  await sendBroadcast(app, { teamId }, id);
  await begin(app, await scene.get(id));
  await pauseBroadcast(app, teamId, id);
  await scene.pass(3_600_000);
  expect(scene.reached()).toEqual([]);
  expect(await scene.get(id)).toMatchObject({ status: "paused", recipients: 20, cursor: behindAll });
  const jobs = (await scene.waitingJobs()).filter(({ kind }) => kind === "deliver");
  expect(jobs.every(({ runAt }) => runAt >= pausedUntil)).toBeTrue();
  await resumeBroadcast(app, teamId, id);
  await scene.dispatcher.drained();
  expect(scene.reached()).toEqual(Object.keys(crowd(20)));
});

test("what waits for a connection when its broadcast is paused does not go out", async () => {
  let asked = 0;
  const scene = await broadcastScene(
    crowd(2),
    // Whoever loses a connection that was used before asks once more, by a new one.
    { mail: () => [undefined, { silent: true } as const, "451 4.3.0 Later"][asked++] },
    { config: { smtpOutbound: { sites: [{ match: "*", connections: 1 }] } } },
  );
  const { app, teamId, dispatcher, host } = scene;
  await scene.send(); // mail flows there, so the next messages are made while others travel
  const id = await scene.draft();
  await sendBroadcast(app, { teamId }, id);
  const areBusy = async () =>
    (await scene.waitingJobs()).filter(({ kind, node }) => kind === "deliver" && node).length === 2;
  while (asked < 2 || !(await areBusy())) await setImmediate();
  await pauseBroadcast(app, teamId, id);
  app.clock.advance(600);
  host.reset();
  await dispatcher.drained();
  expect(scene.reached()).toEqual([bob]);
  await resumeBroadcast(app, teamId, id);
  await scene.pass(600_000);
  expect(scene.reached()).toEqual([bob, ...Object.keys(crowd(2))]);
});

test("nobody else gets a broadcast whose topic is deleted while it finds its recipients", async () => {
  const scene = await broadcastScene(crowd(2));
  const { app, teamId } = scene;
  const topic = await testTopic(app, teamId, { defaultSubscription: "opt_out" });
  for (const contact of scene.contacts) await choose(app, contact, topic, "opt_out");
  const id = await scene.draft({ topicId: topic.id });
  await sendBroadcast(app, { teamId }, id, new Date(app.now().getTime() + 1));
  await begin(app, await scene.get(id));
  await deleteTopic(app, teamId, topic.id);
  await atomically(app, [rawWrite("delete from contact_topics")]); // as the job does
  await scene.pass(1);
  await scene.pass(1_000);
  expect(scene.reached()).toEqual([]);
  expect(await scene.get(id)).toMatchObject({ status: "sent", recipients: 0 });
});

test("what an operator holds stays held when its broadcast is resumed", async () => {
  const scene = await broadcastScene(crowd(2));
  const { app, teamId } = scene;
  const id = await scene.broadcast({ ratePerMinute: 1 });
  await pauseQueue(app, { domain: "recipient.test" });
  await pauseBroadcast(app, teamId, id);
  await scene.dispatcher.drained();
  await resumeBroadcast(app, teamId, id);
  await scene.pass(120_000);
  expect(scene.reached()).toHaveLength(1);
});

test("a paused broadcast that is canceled ends for good, and nobody else gets it", async () => {
  const scene = await broadcastScene(crowd(3));
  const { app, teamId } = scene;
  const id = await scene.broadcast({ ratePerMinute: 1 });
  await pauseBroadcast(app, teamId, id);
  await cancelBroadcast(app, teamId, id);
  await scene.pass(300_000);
  expect(scene.reached()).toHaveLength(1);
  const broadcast = await scene.get(id);
  expect(broadcast.status).toBe("canceled");
  const states = (await scene.deliveries(broadcast.emailId!)).map(({ state }) => state);
  expect(states.sort()).toEqual(["canceled", "canceled", "delivered"]);
  expect((await scene.waitingJobs()).filter(({ kind }) => kind === "deliver")).toEqual([]);
  const told = (await scene.events(broadcast.emailId!)).filter((each) => each.startsWith("email.canceled"));
  expect(told).toEqual(
    Object.keys(crowd(3))
      .slice(1)
      .map((address) => `email.canceled ${address}`),
  );
  expect(await getProgress(app, broadcast)).toMatchObject({ recipients: 3, delivered: 1, canceled: 2 });
  const counted = sql`select total from counters where event = 'email.canceled' and broadcast_id = ${id}`;
  expect(await app.db.values(counted)).toEqual([[2]]);
});

test("who had no delivery yet when a broadcast was canceled is told of as canceled too", async () => {
  const scene = await broadcastScene(crowd(3));
  const { app, teamId } = scene;
  const id = await scene.draft();
  await sendBroadcast(app, { teamId }, id, new Date(app.now().getTime() + 1));
  await begin(app, await scene.get(id));
  await addSuppression(app, teamId, Object.keys(crowd(1))[0]!, {});
  await pauseBroadcast(app, teamId, id);
  await cancelBroadcast(app, teamId, id);
  await scene.pass(1);
  expect(scene.reached()).toEqual([]);
  const broadcast = await scene.get(id);
  expect(broadcast).toMatchObject({ status: "canceled", cursor: behindAll, recipients: 3 });
  const states = (await scene.deliveries(broadcast.emailId!)).map(({ state }) => state);
  expect(states).toEqual(["suppressed", "canceled", "canceled"]);
  expect(await getProgress(app, broadcast)).toMatchObject({ suppressed: 1, canceled: 2 });
  expect(await app.db.values(sql`select * from broadcast_audience`)).toEqual([]);
});

test("a scheduled broadcast waits for its time; taken back before, it is a draft and is not sent", async () => {
  const scene = await broadcastScene({ [ada]: {} });
  const { app, teamId } = scene;
  const at = new Date(app.now().getTime() + 60_000);
  const [kept, taken] = [await scene.draft(), await scene.draft()];
  for (const id of [kept, taken]) await sendBroadcast(app, { teamId }, id, at);
  await scene.dispatcher.drained();
  expect(await scene.get(kept)).toMatchObject({ status: "scheduled", scheduledAt: at });
  await cancelBroadcast(app, teamId, taken);
  expect(await scene.get(taken)).toMatchObject({ status: "draft", scheduledAt: null });
  await scene.pass(60_000);
  expect(scene.reached()).toEqual([ada]);
  expect((await scene.get(taken)).status).toBe("draft");
});

test("one that can't begin any more is a draft again, and says why", async () => {
  const scene = await broadcastScene({ [ada]: {} });
  const { app, teamId } = scene;
  const id = await scene.draft();
  await sendBroadcast(app, { teamId }, id, new Date(app.now().getTime() + 60_000));
  await atomically(app, [rawWrite("delete from segments")]);
  await scene.pass(60_000);
  expect(await scene.get(id)).toMatchObject({ status: "draft", problem: "Audience not found" });
});

test("a step that is taken twice, as after a crash, gives nobody a second delivery", async () => {
  const scene = await broadcastScene(crowd(4));
  const { app, teamId } = scene;
  const id = await scene.draft();
  await sendBroadcast(app, { teamId }, id, new Date(app.now().getTime() + 1));
  const waiting = await scene.get(id);
  await Promise.all([begin(app, waiting), begin(app, waiting)]);
  await begin(app, waiting);
  const seen = await scene.get(id);
  await Promise.all([expand(app, seen), expand(app, seen)]);
  await expand(app, seen);
  expect(await scene.get(id)).toMatchObject({ recipients: 4, cursor: behindAll });
  expect(await app.db.values(sql`select count(*), count(distinct recipient) from deliveries`)).toEqual([
    [4, 4],
  ]);
  expect(await app.db.values(sql`select id from emails`)).toEqual([[seen.emailId]]);
});

test("a conductor that another one has followed does nothing", async () => {
  const scene = await broadcastScene(crowd(4));
  const { app, teamId } = scene;
  const id = await scene.draft();
  await sendBroadcast(app, { teamId }, id, new Date(app.now().getTime() + 1));
  await begin(app, await scene.get(id));
  const seen = await scene.get(id);
  await pauseBroadcast(app, teamId, id);
  await expand(app, seen);
  expect(await scene.get(id)).toMatchObject({ recipients: 0, cursor: seen.cursor });
});

/** So many more people in the segment. */
async function addMany({ app, teamId, segment }: BroadcastScene, count: number) {
  const rows = Array.from({ length: count }, (_, n) => ({ id: newId(), email: `many${n}@recipient.test` }));
  await atomically(app, [
    rawWrite(
      `insert into contacts (team_id, id, email, unsubscribed, properties, created_at, updated_at)
       select ?1, value ->> 'id', value ->> 'email', 0, '{}', 1, 1 from json_each(?2)`,
      [teamId, JSON.stringify(rows)],
    ),
    rawWrite(
      "insert into segment_members (segment_id, contact_id) select ?1, value ->> 'id' from json_each(?2)",
      [segment.id, JSON.stringify(rows)],
    ),
  ]);
  return rows;
}

test("more than one slice: everybody once, in the order of the contacts", async () => {
  const scene = await broadcastScene({ [ada]: {} });
  const { app, teamId } = scene;
  const rows = await addMany(scene, 2_000);
  const id = await scene.draft();
  await sendBroadcast(app, { teamId }, id, new Date(app.now().getTime() + 1));
  await begin(app, await scene.get(id));
  for (let step = 0; step < 3; step++) {
    expect((await scene.get(id)).cursor).not.toBe(behindAll);
    await expand(app, await scene.get(id));
  }
  const { emailId, cursor, recipients } = await scene.get(id);
  expect([cursor, recipients]).toEqual([behindAll, 2_001]);
  const addresses = (await scene.deliveries(emailId!)).map(({ recipient }) => recipient);
  expect(addresses).toEqual([ada, ...rows.map(({ email }) => email)]);
});

test("events and counters say which broadcast it was", async () => {
  const scene = await broadcastScene({ [ada]: {} });
  const id = await scene.broadcast();
  const counted = await scene.app.db.values(
    sql`select event, total from counters where broadcast_id = ${id} order by event`,
  );
  expect(counted).toEqual([
    ["email.delivered", 1],
    ["email.queued", 1],
  ]);
});
