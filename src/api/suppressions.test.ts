import { beforeEach, describe, expect, test } from "bun:test";
import { sql } from "drizzle-orm";
import { type TestTeam, testApp, testTeam } from "../../test/support/test-app.ts";
import { testServer } from "../../test/support/test-server.ts";
import { atomically } from "../app.ts";
import { createKey } from "../keys/service.ts";
import { suppress } from "../suppressions/suppress.ts";

const app = await testApp();
const server = testServer(app);
let team: TestTeam;
beforeEach(async () => {
  team = await testTeam(app);
});

const ask = (method: string, path: string, body?: unknown, key = team.key) =>
  server.ask(method, `/suppressions${path}`, { key, body });
const add = async (email: string, fields: object = {}): Promise<string> =>
  (await ask("POST", "", { email, ...fields })).body.id;
const emailsOf = (body: { data: { email: string }[] }) => body.data.map(({ email }) => email);
const refusal = (statusCode: number, name: string, message: string) => ({
  status: statusCode,
  body: { statusCode, name, message },
});
const notFound = refusal(404, "not_found", "Suppression not found");
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/;

test("addresses are searched by how they begin, page by page", async () => {
  const { key } = await testTeam(app);
  for (const email of ["adam@example.com", "ada@example.org", "ada@example.com"]) await add(email);
  await ask("POST", "", { email: "ada@example.net" }, key);
  const first = await ask("GET", "?search=ADA&limit=2");
  expect(first).toMatchObject({ status: 200, body: { has_more: true, next: "ada@example.org" } });
  expect(emailsOf(first.body)).toEqual(["ada@example.com", "ada@example.org"]);
  const second = (await ask("GET", `?search=ADA&limit=2&after=${first.body.next}`)).body;
  expect([second.has_more, emailsOf(second)]).toEqual([false, ["adam@example.com"]]);
  expect((await ask("GET", "?search=ada&origin=bounce")).body.data).toEqual([]);
  expect(emailsOf((await ask("GET", "?search=adam&origin=manual")).body)).toEqual(["adam@example.com"]);
  expect(await ask("GET", "?search=ada&after=nobody")).toMatchObject({
    status: 422,
    body: { message: expect.stringMatching(/^The `after` must be the `next` of the page before/) },
  });
  expect((await ask("GET", "?search=ada&before=a@b.c")).status).toBe(422);
});

describe("the official SDK", () => {
  test("adds, gets, lists and removes", async () => {
    const { suppressions } = server.sdk(team.key);
    const added = await suppressions.add({ email: "Ada+News@Example.com" });
    expect<unknown>(added.data).toEqual({ object: "suppression", id: expect.stringMatching(uuid) });
    const { id } = added.data!;
    const item = {
      id,
      email: "ada+news@example.com",
      origin: "manual",
      reason: "manual",
      source_id: null,
      created_at: app.now().toISOString(),
      expires_at: null,
    };
    expect<unknown>((await suppressions.get(id)).data).toEqual({ object: "suppression", ...item });
    expect<unknown>((await suppressions.get("ADA+news@example.com")).data).toEqual({
      object: "suppression",
      ...item,
    });
    expect<unknown>((await suppressions.list({ origin: "manual", limit: 10 })).data).toEqual({
      object: "list",
      has_more: false,
      data: [item],
    });
    expect((await suppressions.list({ origin: "bounce" })).data?.data).toEqual([]);
    expect<unknown>((await suppressions.remove("ada+news@example.com")).data).toEqual({
      object: "suppression",
      id,
      deleted: true,
    });
    expect((await suppressions.get(id)).error).toEqual({
      statusCode: 404,
      name: "not_found",
      message: "Suppression not found",
    });
  });

  test("adds and removes many", async () => {
    const { batch } = server.sdk(team.key).suppressions;
    const added = await batch.add({ emails: ["a@x.test", "b@x.test", "A@X.test"] });
    const [a, b, again] = added.data!.data.map(({ id }) => id);
    expect(again).toBe(a!);
    expect<unknown>(added.data).toEqual({ data: [a, b, a].map((id) => ({ object: "suppression", id })) });
    const removed = await batch.remove({ emails: ["nobody@x.test", "b@x.test"] });
    expect<unknown>(removed.data).toEqual({ data: [{ object: "suppression", id: b, deleted: true }] });
    expect((await batch.remove({ ids: [a!, b!] })).data?.data.map(({ id }) => id)).toEqual([a!]);
  });

  test("gets refusals as it knows them", async () => {
    const { suppressions } = server.sdk(team.key);
    const sentence =
      "The email address needs to follow the `email@example.com` or `Name <email@example.com>` format.";
    expect((await suppressions.add({ email: "nobody" })).error).toEqual({
      statusCode: 422,
      name: "validation_error",
      message: `Invalid \`email\` field. ${sentence}`,
    });
    expect((await suppressions.batch.add({ emails: ["a@x.test", "@"] })).error).toMatchObject({
      statusCode: 422,
      message: `Invalid \`emails.1\` field. ${sentence}`,
    });
    expect((await suppressions.list()).data?.data).toEqual([]);
    expect((await suppressions.remove("nobody@x.test")).error).toMatchObject({ statusCode: 404 });
  });
});

test("an address that is suppressed already answers the same id, and keeps what it was suppressed for", async () => {
  const sourceId = "0190d4b8-0000-7000-8000-000000000000";
  const about = { teamId: team.teamId, address: "ada@example.com", reason: "bounce" as const, sourceId };
  await atomically(app, suppress(app, about));
  const first = (await ask("GET", "/ada@example.com")).body;
  expect(first).toMatchObject({ origin: "bounce", source_id: sourceId });
  expect(await ask("POST", "", { email: "ada@example.com" })).toMatchObject({
    status: 201,
    body: { object: "suppression", id: first.id },
  });
  expect((await ask("GET", `/${first.id}`)).body).toEqual(first);
});

test.each([
  ["Ada@EXAMPLE.com", "ada@example.com"],
  [" ada@example.com ", "ada@example.com"],
  ["Ada Lovelace <ada@example.com>", "ada@example.com"],
  ["info@Bücher.example", "info@xn--bcher-kva.example"],
  ["Jose\u0301@example.com", "jos\u00e9@example.com"],
  ["a/b=c+d%e@example.com", "a/b=c+d%e@example.com"],
])("%p is kept as %p, and found by either and by its id", async (written, kept) => {
  const id = await add(written);
  const found = { status: 200, body: { id, email: kept } };
  for (const key of [written, kept, kept.toUpperCase(), id, id.toUpperCase()]) {
    expect(await ask("GET", `/${encodeURIComponent(key)}`)).toMatchObject(found);
  }
});

test("an address may stand in the path as it is, its plus being a plus", async () => {
  const id = await add("a+b@c.de");
  await add("a b@c.de");
  for (const written of ["a+b@c.de", "a%2Bb@c.de", "A+B%40C.de"]) {
    expect(await ask("GET", `/${written}`)).toMatchObject({ body: { id } });
  }
  expect(await ask("DELETE", "/a+b@c.de")).toMatchObject({
    status: 200,
    body: { object: "suppression", id, deleted: true },
  });
});

test.each(["0190d4b8-0000-7000-8000-000000000000", "x@y.test", "nothing", "%00", "a%20b@c.de"])(
  "nothing is found or removed at /%s",
  async (path) => {
    expect(await ask("GET", `/${path}`)).toMatchObject(notFound);
    expect(await ask("DELETE", `/${path}`)).toMatchObject(notFound);
  },
);

test("what is removed is gone once: the second time it is not found", async () => {
  const id = await add("ada@example.com");
  const both = await Promise.all([ask("DELETE", `/${id}`), ask("DELETE", "/ada@example.com")]);
  expect(both.map(({ status }) => status).sort()).toEqual([200, 404]);
  expect(await ask("GET", `/${id}`)).toMatchObject(notFound);
});

test("a list is paged, newest first, twenty unless a limit says otherwise", async () => {
  const emails = Array.from({ length: 25 }, (_, n) => `${n}@x.test`);
  const { body } = await ask("POST", "/batch/add", { emails });
  const ids = body.data.map(({ id }: { id: string }) => id).reverse();
  const first = (await ask("GET", "")).body;
  expect(first).toMatchObject({ object: "list", has_more: true });
  expect(first.data.map(({ id }: { id: string }) => id)).toEqual(ids.slice(0, 20));
  const rest = (await ask("GET", `?after=${ids[19]}`)).body;
  expect(rest).toMatchObject({ has_more: false, data: [{ id: ids[20] }, {}, {}, {}, { id: ids[24] }] });
  const back = (await ask("GET", `?limit=2&before=${ids[20]}`)).body;
  expect(back).toMatchObject({ has_more: true, data: [{ id: ids[18] }, { id: ids[19] }] });
});

test("a list of one origin holds that one; an unsubscribe is a manual one", async () => {
  const reasons = ["bounce", "manual", "unsubscribe", "complaint", "unsubscribe", "manual"] as const;
  for (const [n, reason] of reasons.entries()) {
    const about = { teamId: team.teamId, address: `${reason}-${n}@x.test`, reason };
    await atomically(app, suppress(app, about));
  }
  const listed = async (query: string) => emailsOf((await ask("GET", `?${query}`)).body);
  expect(await listed("origin=bounce")).toEqual(["bounce-0@x.test"]);
  expect(await listed("origin=complaint")).toEqual(["complaint-3@x.test"]);
  expect(await listed("origin=unsubscribe")).toEqual(["unsubscribe-4@x.test", "unsubscribe-2@x.test"]);
  const manual = ["manual-5@x.test", "unsubscribe-4@x.test", "unsubscribe-2@x.test", "manual-1@x.test"];
  expect(await listed("origin=manual")).toEqual(manual);
  const page = (await ask("GET", "?origin=manual&limit=2")).body;
  expect(emailsOf(page)).toEqual(manual.slice(0, 2));
  expect(page).toMatchObject({
    has_more: true,
    data: [{ origin: "manual" }, { origin: "manual", reason: "unsubscribe" }],
  });
  const next = (await ask("GET", `?origin=manual&limit=2&after=${page.data[1].id}`)).body;
  expect(next).toMatchObject({ has_more: false });
  expect(emailsOf(next)).toEqual(manual.slice(2));
  const back = (await ask("GET", `?origin=manual&limit=2&before=${next.data[1].id}`)).body;
  expect(back).toMatchObject({ has_more: true });
  expect(emailsOf(back)).toEqual(manual.slice(1, 3));
});

test("a suppression with an end shows it, and is gone after it", async () => {
  const id = await add("ada@example.com", { expires_at: "2026-03-01T13:30:00+01:00" });
  const later = await add("bob@example.com", { expires_in: "1h" });
  expect((await ask("GET", `/${id}`)).body.expires_at).toBe("2026-03-01T12:30:00.000Z");
  expect((await ask("GET", `/${later}`)).body.expires_at).toBe("2026-03-01T13:00:00.000Z");
  const before = app.now();
  app.clock.advance(30 * 60_000);
  expect(emailsOf((await ask("GET", "")).body)).toEqual(["bob@example.com"]);
  expect(await ask("GET", "/ada@example.com")).toMatchObject(notFound);
  expect(await ask("DELETE", `/${id}`)).toMatchObject(notFound);
  expect((await ask("POST", "/batch/remove", { ids: [id] })).body).toEqual({ data: [] });
  expect(await add("ada@example.com")).not.toBe(id);
  expect((await ask("GET", "/ada@example.com")).body).toMatchObject({ expires_at: null });
  app.clock.set(before);
});

test("many are added together or not at all, and with one end", async () => {
  const { status, body } = await ask("POST", "/batch/add", {
    emails: ["a@x.test", "b@x.test"],
    expires_in: 60,
  });
  expect({ status, count: body.data.length }).toEqual({ status: 201, count: 2 });
  expect((await ask("GET", "")).body.data).toMatchObject([
    { expires_at: "2026-03-01T12:01:00.000Z" },
    { expires_at: "2026-03-01T12:01:00.000Z" },
  ]);
});

test("many are removed in the order they were asked for, each once", async () => {
  const [a, b, c] = [await add("a@x.test"), await add("b@x.test"), await add("c@x.test")];
  const removed = await ask("POST", "/batch/remove", { emails: ["c@x.test", "A@x.test", "a@x.test"] });
  expect(removed.body.data.map(({ id }: { id: string }) => id)).toEqual([c, a]);
  expect(emailsOf((await ask("GET", "")).body)).toEqual(["b@x.test"]);
  expect((await ask("POST", "/batch/remove", { ids: [b!.toUpperCase()], emails: null })).status).toBe(200);
});

const many = Array.from({ length: 101 }, (_, n) => `${n}@x.test`);
const listSentence = "It must be a list of 1 to 100";
test.each([
  ["", {}, "missing_required_field", "Missing `email` field."],
  ["", { email: 5 }, "validation_error", "Invalid `email` field. The email address needs to follow"],
  ["", { email: "a@b.cc, d@e.ff" }, "validation_error", "Invalid `email` field. The email address needs"],
  ["", { email: "a@b.cc\r\n" }, "validation_error", "Invalid `email` field. The email address needs"],
  ["", { email: "a@b.cc", expires_at: 5 }, "validation_error", "Invalid `expires_at` field. An ISO 8601"],
  ["", { email: "a@b.cc", expires_in: "x" }, "validation_error", "Invalid `expires_in` field. It must be"],
  ["/batch/add", {}, "missing_required_field", "Missing `emails` field."],
  ["/batch/add", { emails: [] }, "validation_error", `Invalid \`emails\` field. ${listSentence} email`],
  ["/batch/add", { emails: many }, "validation_error", `Invalid \`emails\` field. ${listSentence} email`],
  ["/batch/add", { emails: "a@b.cc" }, "validation_error", `Invalid \`emails\` field. ${listSentence} email`],
  ["/batch/add", { emails: [null] }, "validation_error", "Invalid `emails.0` field. The email address"],
  ["/batch/remove", {}, "validation_error", "Provide either `emails` or `ids`, and not both."],
  ["/batch/remove", { emails: ["a@b.cc"], ids: [] }, "validation_error", "Invalid `ids` field."],
  [
    "/batch/remove",
    { emails: ["a@b.cc"], ids: ["0190d4b8-0000-7000-8000-000000000000"] },
    "validation_error",
    "Provide either `emails` or `ids`, and not both.",
  ],
  ["/batch/remove", { ids: ["x"] }, "invalid_parameter", "The `ids` must be valid UUIDs."],
  ["/batch/remove", { ids: many }, "validation_error", `Invalid \`ids\` field. ${listSentence} ids`],
  ["/batch/remove", { emails: ["x"] }, "validation_error", "Invalid `emails.0` field. The email address"],
])("POST /suppressions%s %j is refused", async (path, request, name, message) => {
  const answer = await ask("POST", path, request);
  expect(answer).toMatchObject({ status: 422, body: { statusCode: 422, name } });
  expect(answer.body.message).toStartWith(message);
  expect((await ask("GET", "")).body.data).toEqual([]);
});

test("an origin nobody knows is refused", async () => {
  expect(await ask("GET", "?origin=spam")).toMatchObject(
    refusal(
      422,
      "validation_error",
      'Invalid `origin` field. Allowed: "bounce", "complaint", "unsubscribe", "manual".',
    ),
  );
});

test("another team's suppressions are neither seen nor removed, nor in the way", async () => {
  const other = await testTeam(app, "Another team");
  const id = await add("ada@example.com");
  expect((await ask("GET", "", undefined, other.key)).body.data).toEqual([]);
  for (const key of [id, "ada@example.com"]) {
    expect(await ask("GET", `/${key}`, undefined, other.key)).toMatchObject(notFound);
    expect(await ask("DELETE", `/${key}`, undefined, other.key)).toMatchObject(notFound);
  }
  for (const request of [{ ids: [id] }, { emails: ["ada@example.com"] }]) {
    expect((await ask("POST", "/batch/remove", request, other.key)).body).toEqual({ data: [] });
  }
  expect((await ask("POST", "", { email: "ada@example.com" }, other.key)).body.id).not.toBe(id);
  expect(emailsOf((await ask("GET", "")).body)).toEqual(["ada@example.com"]);
});

test("a key that may only send is kept out", async () => {
  const { token } = await createKey(app, team.teamId, { name: "Sender", permission: "sending_access" });
  for (const [method, path] of [
    ["GET", ""],
    ["POST", ""],
    ["GET", "/ada@example.com"],
    ["DELETE", "/ada@example.com"],
    ["POST", "/batch/add"],
    ["POST", "/batch/remove"],
  ] as const) {
    expect(await ask(method, path, undefined, token)).toMatchObject({
      status: 401,
      body: { name: "restricted_api_key" },
    });
  }
});

test("a look at an address is one look at an index", async () => {
  const plan = await app.db.values<[number, number, number, string]>(
    sql`explain query plan select * from suppressions where team_id = 'a' and address = 'b' and (expires_at is null or expires_at > 5)`,
  );
  expect(plan.map(([, , , detail]) => detail)).toEqual([
    "SEARCH suppressions USING INDEX suppressions_team_address (team_id=? AND address=?)",
  ]);
});
