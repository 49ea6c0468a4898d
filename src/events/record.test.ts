import { expect, test } from "bun:test";
import { sql } from "drizzle-orm";
import { type TestApp, testApp, testTeam } from "../../test/support/test-app.ts";
import { atomically } from "../app.ts";
import { newId } from "../ids.ts";
import { type NewEvent, recordEvent, recordEvents, recordMany } from "./record.ts";

const app = await testApp({ now: new Date("2026-03-01T12:34:56.789Z") });

const countersOf = (teamId: string) =>
  app.db.values(
    sql`select event, domain_id, broadcast_id, hour, total from counters where team_id = ${teamId} order by event`,
  );
const emailCountersOf = (emailId: string) =>
  app.db.values(
    sql`select event, hour, team_id, total from email_counters where email_id = ${emailId} order by event`,
  );
const hour = new Date("2026-03-01T12:00:00Z").getTime();

async function scene(on: TestApp) {
  const { teamId } = await testTeam(on);
  const about = { teamId, emailId: newId(), domainId: newId() };
  const record = (...events: NewEvent[]) =>
    atomically(
      on,
      events.flatMap((event) => recordEvent(on, event)),
    );
  return { teamId, about, record };
}

test("an outcome is counted by its hour, domain, broadcast and email", async () => {
  const { teamId, about, record } = await scene(app);
  const broadcastId = newId();
  const delivered = { ...about, broadcastId, type: "email.delivered" as const };
  await record(delivered, delivered);
  expect(await countersOf(teamId)).toEqual([["email.delivered", about.domainId, broadcastId, hour, 2]]);
  expect(await emailCountersOf(about.emailId)).toEqual([["email.delivered", hour, teamId, 2]]);
});

test("accepting, scheduling and canceling an email write no counter of the email", async () => {
  const { teamId, about, record } = await scene(app);
  for (const type of ["email.queued", "email.scheduled", "email.canceled"] as const) {
    expect(recordEvent(app, { ...about, type })).toHaveLength(2); // the event and the hour's counter
    await record({ ...about, type });
  }
  expect(await emailCountersOf(about.emailId)).toEqual([]);
  expect(await countersOf(teamId)).toHaveLength(3);
});

test("two names of one fact are two events, counted once, in three statements", async () => {
  const { teamId, about } = await scene(app);
  const writes = recordEvents(app, ["email.sent", "email.delivered"], about);
  expect(writes).toHaveLength(3);
  await atomically(app, writes);
  expect(await countersOf(teamId)).toEqual([["email.delivered", about.domainId, "", hour, 1]]);
  expect(
    await app.db.values(sql`select type from events where email_id = ${about.emailId} order by id`),
  ).toEqual([["email.sent"], ["email.delivered"]]);
});

test.each([
  ["Permanent", "email.bounced_permanent"],
  ["Transient", "email.bounced_transient"],
  ["Undetermined", "email.bounced_undetermined"],
  [undefined, "email.bounced_undetermined"],
])("a bounce of the type %p is counted as %s too", async (type, name) => {
  const { about, record } = await scene(app);
  await record({ ...about, type: "email.bounced", data: { bounce: { type } } });
  const names = (await emailCountersOf(about.emailId)).map(([event]) => event);
  expect(names).toEqual(["email.bounced", name]);
});

test("a first open is counted besides as one by whoever records it", async () => {
  const { about, record } = await scene(app);
  await record({ ...about, type: "email.opened", counts: ["email.unique_opened"] });
  await record({ ...about, type: "email.opened" });
  expect(await emailCountersOf(about.emailId)).toMatchObject([
    ["email.opened", hour, about.teamId, 2],
    ["email.unique_opened", hour, about.teamId, 1],
  ]);
});

test("what is told of a provider is counted by it, with what it is counted as besides", async () => {
  const { teamId, about, record } = await scene(app);
  const opened = { ...about, type: "email.opened" as const, provider: "gmail" };
  await record({ ...opened, counts: ["email.unique_opened"] }, { ...opened, data: { is_bot: true } });
  await record({ ...about, type: "email.opened" });
  await atomically(app, recordMany(app, [opened, { ...opened, provider: "apple" }]));
  expect(
    await app.db.values(
      sql`select provider, event, hour, total from provider_counters where team_id = ${teamId}`,
    ),
  ).toEqual([
    ["apple", "email.opened", hour, 1],
    ["gmail", "email.opened", hour, 2],
    ["gmail", "email.opened_machine", hour, 1],
    ["gmail", "email.unique_opened", hour, 1],
  ]);
});

test("what becomes of an email is counted by its first ten tags, once for each name", async () => {
  const { teamId, about, record } = await scene(app);
  const tags = [
    ...[
      { name: "kind", value: "invoice" },
      { name: "kind", value: "second" },
    ],
    { name: "mailit_invitation", value: newId() },
    ...Array.from({ length: 12 }, (_, n) => ({ name: `n${n}`, value: "" })),
  ];
  await record({ ...about, type: "email.opened", counts: ["email.unique_opened"], tags });
  await record({ ...about, type: "email.opened", tags });
  const rows = await app.db.values(
    sql`select name, value, event, hour, total from tag_counters where team_id = ${teamId}`,
  );
  expect(rows.slice(0, 2)).toEqual([
    ["kind", "invoice", "email.opened", hour, 2],
    ["kind", "invoice", "email.unique_opened", hour, 1],
  ]);
  expect(new Set(rows.map(([name]) => name))).toEqual(
    new Set(["kind", ...Array.from({ length: 9 }, (_, n) => `n${n}`)]),
  );
});

test("no tags, and being accepted, cost no statement more", async () => {
  const { about } = await scene(app);
  const tags = [{ name: "kind", value: "invoice" }];
  expect(recordEvent(app, { ...about, type: "email.queued", tags })).toHaveLength(2);
  expect(recordEvents(app, ["email.sent", "email.delivered"], { ...about, tags: [] })).toHaveLength(3);
  expect(recordEvents(app, ["email.sent", "email.delivered"], { ...about, tags })).toHaveLength(4);
});

test("what is about no email is counted for the team alone", async () => {
  const { teamId, about, record } = await scene(app);
  await record({ teamId, domainId: about.domainId, type: "domain.created" });
  await record({ ...about, type: "email.received" });
  expect((await countersOf(teamId)).map(([event]) => event)).toEqual(["domain.created", "email.received"]);
  expect(await emailCountersOf(about.emailId)).toEqual([]);
});
