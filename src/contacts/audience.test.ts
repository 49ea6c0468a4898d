import { expect, test } from "bun:test";
import fc from "fast-check";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { eachTransport } from "../../test/support/transports.ts";
import { atomically } from "../app.ts";
import { rawWrite } from "../db/write.ts";
import { recordEvent } from "../events/record.ts";
import { contactsPerStretch, countSegment, pageOfSegment, previewRules } from "./audience.ts";
import { createProperty, deleteProperty, listProperties } from "./properties.ts";
import { getContacts } from "./read.ts";
import { readRules } from "./rules.ts";
import { saveContact } from "./save.ts";
import {
  createSegment,
  deleteSegment,
  getSegment,
  listSegments,
  readTeamRules,
  requireSegment,
  updateSegment,
} from "./segments.ts";
import { createTopic } from "./topics.ts";

const dayMs = 24 * 3_600_000;

eachTransport((_, open) => {
  /** Ada: a pro with 12 seats since spring, who opens; Bob: nothing known but his name; Eve: unsubscribed, bounced. */
  async function start() {
    const app = await testApp({ transport: await open(), now: new Date("2026-03-01T12:00:00Z") });
    const { teamId } = await testTeam(app);
    for (const [key, type] of Object.entries({
      plan: "string",
      seats: "number",
      vip: "boolean",
      since: "date",
    })) {
      await createProperty(app, teamId, { key, type });
    }
    const news = await createSegment(app, teamId, { name: "News" });
    const topic = await createTopic(app, teamId, { name: "Offers", defaultSubscription: "opt_in" });
    const properties = { plan: "Pro", seats: 12, vip: true, since: "2026-02-01" };
    await saveContact(app, teamId, {
      email: "ada@example.com",
      firstName: "Ada",
      properties,
      segmentIds: [news.id],
    });
    const topics = [{ id: topic.id, subscription: "opt_out" as const }];
    await saveContact(app, teamId, { email: "bob@example.org", firstName: "Bob", topics });
    await saveContact(app, teamId, { email: "eve@example.org", lastName: "E%", unsubscribed: true });
    const happen = (type: "email.opened" | "email.bounced", recipient: string, data = {}) =>
      atomically(app, recordEvent(app, { type, teamId, recipient, data }));
    app.clock.advance(10 * dayMs);
    await happen("email.opened", "Ada@example.com", { is_bot: false });
    await happen("email.opened", "bob@example.org", { is_bot: true, bot_reason: "prefetch" });
    await happen("email.bounced", "eve@example.org");
    app.clock.advance(5 * dayMs);
    const whoAre = async (rule: unknown) => {
      const rules = await readTeamRules(app, teamId, { all: [rule] });
      const { contacts, count } = await previewRules(app, teamId, rules);
      expect(count).toBe(contacts.length);
      return contacts.map(({ email }) => email.split("@")[0]!).reverse();
    };
    return { app, teamId, news, topic, whoAre };
  }

  test("rules hold for whom they say", async () => {
    const { whoAre, news, topic } = await start();
    const cases: [unknown, string[]][] = [
      [{ field: "email", operator: "ends_with", value: "@EXAMPLE.org" }, ["bob", "eve"]],
      [{ field: "first_name", operator: "equals", value: "ada" }, ["ada"]],
      [{ field: "first_name", operator: "not_equals", value: "ada" }, ["bob", "eve"]],
      [{ field: "first_name", operator: "is_not_set" }, ["eve"]],
      [{ field: "last_name", operator: "contains", value: "%" }, ["eve"]],
      [{ field: "last_name", operator: "not_contains", value: "%" }, ["ada", "bob"]],
      [{ field: "unsubscribed", operator: "equals", value: true }, ["eve"]],
      [{ field: "created_at", operator: "less_than", value: "2026-03-02" }, ["ada", "bob", "eve"]],
      [{ field: "created_at", operator: "greater_than", value: "2026-03-02" }, []],
      [{ field: "properties.plan", operator: "starts_with", value: "PR" }, ["ada"]],
      [{ field: "properties.plan", operator: "is_set" }, ["ada"]],
      [{ field: "properties.seats", operator: "greater_than", value: 9 }, ["ada"]],
      [{ field: "properties.seats", operator: "less_than", value: 12 }, []],
      [{ field: "properties.seats", operator: "equals", value: 12 }, ["ada"]],
      [{ field: "properties.vip", operator: "equals", value: true }, ["ada"]],
      [{ field: "properties.vip", operator: "not_equals", value: true }, ["bob", "eve"]],
      [{ field: "properties.since", operator: "less_than", value: "2026-02-01T00:00:01Z" }, ["ada"]],
      [{ topic_id: topic.id, subscription: "opt_in" }, ["ada", "eve"]],
      [{ topic_id: topic.id, subscription: "opt_out" }, ["bob"]],
      [{ segment_id: news.id, is_member: true }, ["ada"]],
      [{ segment_id: news.id, is_member: false }, ["bob", "eve"]],
      [{ event: "opened", happened: true }, ["ada"]], // what a machine opened is nobody's doing
      [{ event: "opened", happened: true, within_days: 5 }, ["ada"]],
      [{ event: "opened", happened: true, within_days: 4 }, []],
      [{ event: "bounced", happened: false }, ["ada", "bob"]],
      [{ silent_days: 4 }, ["ada", "bob", "eve"]],
      [{ silent_days: 6 }, ["bob", "eve"]],
      [{ silent_days: 16 }, []],
      [
        { any: [{ silent_days: 6 }, { field: "properties.vip", operator: "equals", value: true }] },
        ["ada", "bob", "eve"],
      ],
    ];
    for (const [rule, who] of cases) expect([rule, await whoAre(rule)]).toEqual([rule, who]);
  });

  test("whom a deleted segment kept out does not come in", async () => {
    const { app, teamId, news } = await start();
    const rules = { all: [{ segment_id: news.id, is_member: false }] };
    const segment = await createSegment(app, teamId, { name: "Others", rules });
    expect(await countSegment(app, segment)).toBe(2);
    await deleteSegment(app, teamId, news.id);
    expect(await countSegment(app, segment)).toBe(0);
  });

  test("a property that segments ask for can't be deleted, and says in which", async () => {
    const { app, teamId } = await start();
    const plan = (await listProperties(app, teamId, { limit: 10 })).find(({ key }) => key === "plan")!;
    const rule = { field: "properties.plan", operator: "is_not_set" };
    const flat = await createSegment(app, teamId, { name: "Flat", rules: { all: [rule] } });
    const rules = { all: [{ any: [{ field: "email", operator: "is_set" }, rule] }] };
    const deep = await createSegment(app, teamId, { name: "Deep", rules });
    expect(deleteProperty(app, teamId, plan.id)).rejects.toMatchObject({
      code: "validation_error",
      message:
        "The contact property `plan` is in the rules of `Flat`, `Deep`: change or delete these segments first.",
    });
    await deleteSegment(app, teamId, flat.id);
    await updateSegment(app, teamId, deep.id, {
      rules: { all: [{ field: "properties.seats", operator: "is_set" }] },
    });
    expect(await deleteProperty(app, teamId, plan.id)).toBe(plan.id);
  });

  test("a rule about a property that is gone holds for nobody, and such a segment can't be sent to", async () => {
    const { app, teamId } = await start();
    for (const operator of ["is_not_set", "not_equals"]) {
      const value = operator === "is_not_set" ? {} : { value: "x" };
      const rules = { all: [{ field: "properties.plan", operator, ...value }] };
      const segment = await createSegment(app, teamId, { name: operator, rules });
      expect(await countSegment(app, segment)).toBe(operator === "is_not_set" ? 2 : 3);
    }
    await atomically(app, [rawWrite("update contact_properties set deleted_at = 1 where key = 'plan'")]);
    for (const segment of await listSegments(app, teamId, { limit: 1 })) {
      expect(await countSegment(app, segment)).toBe(0);
      expect(requireSegment(app, teamId, segment.id)).rejects.toMatchObject({
        message: `The rules of the segment \`${segment.name}\` ask for the contact property \`plan\`, which is gone, so they hold for nobody: change them first.`,
      });
    }
  });

  test("capitals beyond ASCII in an address are no other person", async () => {
    const { app, teamId, whoAre } = await start();
    await saveContact(app, teamId, { email: "J\u00d6RG@example.org", firstName: "J\u00f6rg" });
    const data = { is_bot: true };
    await atomically(app, [
      ...recordEvent(app, { type: "email.delivered", teamId, recipient: "J\u00d6rg@example.org" }),
      ...recordEvent(app, { type: "email.clicked", teamId, recipient: "J\u00d6rg@example.org", data }),
    ]);
    expect(await whoAre({ event: "delivered", happened: true })).toEqual(["j\u00f6rg"]);
    expect(await whoAre({ event: "clicked", happened: true })).toEqual([]);
    expect(await whoAre({ field: "email", operator: "equals", value: "J\u00d6RG@example.org" })).toEqual([
      "j\u00f6rg",
    ]);
    expect(await whoAre({ field: "email", operator: "starts_with", value: "J\u00d6" })).toEqual([
      "j\u00f6rg",
    ]);
    const found = await getContacts(app, teamId, { search: "J\u00d6R" }, { limit: 5 });
    expect(found.map(({ email }) => email)).toEqual(["j\u00f6rg@example.org"]);
  });

  test("whatever is compared is a value and never SQL", async () => {
    const { whoAre } = await start();
    const values = fc.string({
      minLength: 1,
      maxLength: 30,
      unit: fc.constantFrom("'", '"', "%", "_", "\\", ";", "-", "?", "a", "\0"),
    });
    await fc.assert(
      fc.asyncProperty(values, async (value) => {
        const rule = { field: "properties.plan", operator: "equals", value };
        expect(await whoAre(rule)).toEqual([]);
        expect(await whoAre({ ...rule, operator: "not_contains" })).toEqual(
          value === "a" ? ["ada", "bob", "eve"] : expect.any(Array),
        );
      }),
      { numRuns: 25 },
    );
  });

  test("a dynamic segment of an audience picks from it, page by page in both directions", async () => {
    const { app, teamId } = await start();
    const audience = await createSegment(app, teamId, { name: "Audience" });
    for (let n = 0; n < 7; n++) {
      await saveContact(app, teamId, { email: `c${n}@example.net`, segmentIds: n % 2 ? [audience.id] : [] });
    }
    const rules = { all: [{ field: "email", operator: "ends_with", value: "@example.net" }] };
    const segment = await createSegment(app, teamId, { name: "Dynamic", rules, audienceId: audience.id });
    expect(await countSegment(app, segment)).toBe(3);
    const emails = async (page: Parameters<typeof pageOfSegment>[2]) =>
      (await pageOfSegment(app, segment, page)).map(({ email }) => email[1]);
    const whole = await pageOfSegment(app, segment, { limit: undefined });
    expect(await emails({ limit: undefined })).toEqual(["5", "3", "1"]);
    expect(await emails({ limit: 1 })).toEqual(["5", "3"]);
    expect(await emails({ limit: 5, after: whole[0]!.id })).toEqual(["3", "1"]);
    expect(await emails({ limit: 1, before: whole[2]!.id })).toEqual(["5", "3"]);
  });

  test("a search finds the beginnings of addresses and names, each contact once, page by page", async () => {
    const { app, teamId } = await start();
    await saveContact(app, teamId, { email: "zoe@example.com", firstName: "Adam", lastName: "Adler" });
    await saveContact(app, teamId, { email: "yan@example.com", firstName: "ADELE" });
    await saveContact(app, teamId, { email: "xi@example.com", lastName: "adib" });
    const find = async (page: Parameters<typeof getContacts>[3]) =>
      (await getContacts(app, teamId, { search: "Ad" }, page)).map((each) => each);
    const whole = await find({ limit: undefined });
    expect(whole.map(({ email }) => email.split("@")[0]!)).toEqual(["ada", "zoe", "yan", "xi"]);
    for (const [at, { id }] of whole.entries()) {
      expect(await find({ limit: 100, after: id })).toEqual(whole.slice(at + 1));
      expect(await find({ limit: 100, before: id })).toEqual(whole.slice(0, at));
      expect(await find({ limit: 1, after: id })).toEqual(whole.slice(at + 1, at + 3));
      expect(await find({ limit: 1, before: id })).toEqual(whole.slice(Math.max(0, at - 2), at));
    }
    expect(await getContacts(app, teamId, { search: "%" }, { limit: 5 })).toEqual([]);
  });

  test("a segment can be renamed, and a dynamic one given other rules", async () => {
    const { app, teamId, news } = await start();
    await updateSegment(app, teamId, news.id, { name: "Old news" });
    expect(await getSegment(app, teamId, news.id)).toMatchObject({ name: "Old news" });
    const rules = { any: [{ silent_days: 3 }] };
    await expect(updateSegment(app, teamId, news.id, { rules })).rejects.toThrow("static");
    const dynamic = await createSegment(app, teamId, {
      name: "Silent",
      rules: { all: [{ silent_days: 9 }] },
    });
    await updateSegment(app, teamId, dynamic.id, { rules });
    expect(await getSegment(app, teamId, dynamic.id)).toMatchObject({ rules });
  });
});

test("many rules are asked of few contacts at once, so that other requests get their turn", () => {
  const silent = (count: number) => ({ all: Array.from({ length: count }, () => ({ silent_days: 1 })) });
  expect(contactsPerStretch(silent(1))).toBe(5_000);
  expect(contactsPerStretch({ any: [silent(4), { silent_days: 1 }, silent(5)] })).toBe(500);
  expect(contactsPerStretch(silent(100))).toBe(100);
});

test.each([
  [{}, "rules"],
  [[], "rules"],
  [{ all: [] }, "rules.all"],
  [{ all: [{}], any: [{}] }, "rules.all"],
  [{ all: [{ field: "password", operator: "equals", value: "x" }] }, "rules.all.0.field"],
  [{ all: [{ field: "properties.nope", operator: "is_set" }] }, "rules.all.0.field"],
  [{ all: [{ field: "email", operator: "like", value: "x" }] }, "rules.all.0.operator"],
  [{ all: [{ field: "email", operator: "greater_than", value: "x" }] }, "rules.all.0.operator"],
  [{ all: [{ field: "email", operator: "equals", value: 3 }] }, "rules.all.0.value"],
  [{ all: [{ field: "created_at", operator: "less_than", value: "2026-02-30" }] }, "rules.all.0.value"],
  [{ any: [{ topic_id: "x", subscription: "opt_in" }] }, "rules.any.0.topic_id"],
  [{ any: [{ event: "sneezed", happened: true }] }, "rules.any.0.event"],
  [{ any: [{ silent_days: 0 }] }, "rules.any.0.silent_days"],
  [
    { any: [{ any: [{ any: [{ any: [{ any: [{ silent_days: 1 }] }] }] }] }] },
    "rules.any.0.any.0.any.0.any.0",
  ],
  [{ any: Array(101).fill({ silent_days: 1 }) }, "rules"],
])("rules that can't be are refused by their place: %j", (rules, path) => {
  expect(() => readRules(rules, () => undefined)).toThrow(`Invalid \`${path}\` field`);
});
