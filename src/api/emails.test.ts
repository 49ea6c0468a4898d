import { describe, expect, test } from "bun:test";
import { sql } from "drizzle-orm";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { testDomain } from "../../test/support/test-domain.ts";
import { testServer } from "../../test/support/test-server.ts";
import { atomically } from "../app.ts";
import { deleteDomainRow } from "../domains/store.ts";
import { listDeliveries } from "../emails/store.ts";
import { counters, events } from "../events/schema.ts";
import { newId } from "../ids.ts";
import { jobs } from "../jobs/schema.ts";
import { createKey } from "../keys/service.ts";
import { suppress } from "../suppressions/suppress.ts";

const app = await testApp();
const server = testServer(app);
const team = await testTeam(app);
const domain = await testDomain(app, team.teamId);
const other = await testTeam(app, "Another team");
const { key } = team;
const sdk = server.sdk(key);

const valid = { from: "Ada <ada@example.com>", to: "bob@recipient.test", subject: "Hi", html: "<p>Hi</p>" };
const post = (body: unknown, headers: Record<string, string> = {}) =>
  server.ask("POST", "/emails", { key, body, headers });
const countEmails = async () => (await app.db.values<[number]>(sql`select count(*) from emails`))[0]![0];

describe("the official SDK", () => {
  test("sends, gets and lists", async () => {
    const sent = await sdk.emails.send({
      from: valid.from,
      to: ["bob@recipient.test"],
      cc: "carol@recipient.test",
      replyTo: "reply@example.com",
      subject: "By SDK",
      html: "<p>Hello</p>",
      text: "Hello",
      tags: [{ name: "category", value: "welcome" }],
      headers: { "X-Entity-Ref-ID": "1" },
    });
    expect(sent.error).toBeNull();
    const got = await sdk.emails.get(sent.data!.id);
    expect<unknown>(got.data).toEqual({
      object: "email",
      id: sent.data!.id,
      message_id: `<${sent.data!.id}@example.com>`,
      from: valid.from,
      to: ["bob@recipient.test"],
      cc: ["carol@recipient.test"],
      bcc: null,
      reply_to: ["reply@example.com"],
      subject: "By SDK",
      html: "<p>Hello</p>",
      text: "Hello",
      created_at: app.now().toISOString(),
      scheduled_at: null,
      last_event: "queued",
      topic_id: null,
      tags: [{ name: "category", value: "welcome" }],
    });
    const listed = await sdk.emails.list({ limit: 1 });
    expect(listed.data).toMatchObject({ object: "list", data: [{ id: sent.data!.id, subject: "By SDK" }] });
    expect(listed.data!.data[0]).not.toHaveProperty("html");
  });

  test("gets refusals as it knows them", async () => {
    const { data, error } = await sdk.emails.send({ ...valid, from: "x@unverified.test" });
    expect(data).toBeNull();
    expect(error).toMatchObject({ statusCode: 403, name: "validation_error" });
    expect(error!.message).toStartWith("The unverified.test domain is not verified.");
  });

  test("sends a Buffer as an attachment", async () => {
    const { data } = await sdk.emails.send({
      ...valid,
      attachments: [{ filename: "a.txt", content: Buffer.from("attached") }],
    });
    const [row] = await app.db.values(
      sql`select filename, size, blob_hash from attachments where email_id = ${data!.id}`,
    );
    expect(row).toEqual(["a.txt", 8, expect.any(String)]);
    expect(Buffer.from((await app.blobs.get((row as string[])[2]!))!).toString()).toBe("attached");
  });
});

test("an accepted email has its delivery, job, event and counters in the same write", async () => {
  const { body } = await post({ ...valid, to: ["one@recipient.test", "two@elsewhere.test"] });
  const deliveries = await listDeliveries(app.db, team.teamId, body.id);
  expect(deliveries.map(({ recipient, domain, state }) => [recipient, domain, state])).toEqual([
    ["one@recipient.test", "recipient.test", "queued"],
    ["two@elsewhere.test", "elsewhere.test", "queued"],
  ]);
  const queued = await app.db
    .select()
    .from(jobs)
    .where(sql`id in (${deliveries[0]!.id}, ${deliveries[1]!.id})`)
    .all();
  expect(queued.map(({ lane }) => lane)).toEqual(["deliver/recipient.test", "deliver/elsewhere.test"]);
  const happened = await app.db.select().from(events).where(sql`email_id = ${body.id}`).all();
  expect(happened.map(({ type }) => type)).toEqual(["email.queued"]);
  const [counter] = await app.db.select().from(counters).where(sql`event = 'email.queued'`).all();
  expect(counter).toMatchObject({ teamId: team.teamId, domainId: domain.id, total: await countEmails() });
});

test("a suppressed recipient gets a delivery that says so, and no job", async () => {
  await atomically(
    app,
    suppress(app, { teamId: team.teamId, address: "gone@recipient.test", reason: "bounce" }),
  );
  const { body } = await post({ ...valid, to: ["Gone@recipient.test"] });
  const [delivery] = await listDeliveries(app.db, team.teamId, body.id);
  expect(delivery).toMatchObject({ state: "suppressed" });
  expect(await app.db.select().from(jobs).where(sql`id = ${delivery!.id}`).all()).toEqual([]);
  expect((await server.ask("GET", `/emails/${body.id}`, { key })).body.last_event).toBe("suppressed");
});

test("the official SDK schedules an email in words", async () => {
  const { data } = await sdk.emails.send({ ...valid, scheduledAt: "in 1 hour" });
  const got = await sdk.emails.get(data!.id);
  const inAnHour = new Date(app.now().getTime() + 3_600_000).toISOString();
  expect(got.data).toMatchObject({ last_event: "scheduled", scheduled_at: inAnHour });
});

describe("with an Idempotency-Key", () => {
  test("the same request is accepted once and answered twice alike", async () => {
    const headers = { "idempotency-key": "once" };
    const first = await post(valid, headers);
    const before = await countEmails();
    expect((await post(valid, headers)).body).toEqual(first.body);
    expect(await countEmails()).toBe(before);
  });

  test("requests at the same moment are one email, and the others are told that it is under way", async () => {
    const before = await countEmails();
    const ask = () => post(valid, { "idempotency-key": "together" });
    const answers = await Promise.all(Array.from({ length: 8 }, ask));
    const [first, ...others] = answers.toSorted((a, b) => a.status - b.status);
    expect(first!.status).toBe(200);
    for (const { status, body } of others) {
      expect([status, body.name]).toEqual([409, "concurrent_idempotent_requests"]);
      expect(body.message).toBe("Same idempotency key used while original request is still in progress.");
    }
    expect((await ask()).body).toEqual(first!.body);
    expect(await countEmails()).toBe(before + 1);
  });

  test("requests to two nodes at the same moment are one email, with one answer", async () => {
    const another = await testApp({ transport: app.transport });
    const anotherServer = testServer(another);
    const before = await countEmails();
    const options = { key, body: valid, headers: { "idempotency-key": "nodes" } };
    const [here, there] = await Promise.all([
      server.ask("POST", "/emails", options),
      anotherServer.ask("POST", "/emails", options),
    ]);
    expect([here.status, there.status]).toEqual([200, 200]);
    expect(there.body).toEqual(here.body);
    expect(await countEmails()).toBe(before + 1);
  });

  test("a request by the SDK is repeated without a second email", async () => {
    const email = { from: valid.from, to: valid.to, subject: "Once by SDK", text: "Hi" };
    const first = await sdk.emails.send(email, { idempotencyKey: "sdk" });
    expect(await sdk.emails.send(email, { idempotencyKey: "sdk" })).toMatchObject({ data: first.data! });
    const { error } = await sdk.emails.send({ ...email, text: "Bye" }, { idempotencyKey: "sdk" });
    expect(error).toMatchObject({ statusCode: 409, name: "invalid_idempotent_request" });
  });

  test("a request with a relative time is answered as before even when that time has passed", async () => {
    const later = await testApp();
    const laterTeam = await testTeam(later);
    await testDomain(later, laterTeam.teamId);
    const body = { ...valid, scheduled_at: "today at 5pm" };
    const ask = () =>
      testServer(later).ask("POST", "/emails", {
        key: laterTeam.key,
        body,
        headers: { "idempotency-key": "today" },
      });
    const first = await ask();
    later.clock.advance(6 * 3_600_000);
    expect(await ask()).toMatchObject({ status: 200, body: first.body });
  });

  test("another body is refused", async () => {
    await post(valid, { "idempotency-key": "changed" });
    const { status, body } = await post({ ...valid, subject: "Other" }, { "idempotency-key": "changed" });
    expect([status, body.name]).toEqual([409, "invalid_idempotent_request"]);
  });

  test("a refused request may be corrected under the same key", async () => {
    const headers = { "idempotency-key": "corrected" };
    expect((await post({ ...valid, to: "nobody" }, headers)).status).toBe(422);
    expect((await post(valid, headers)).status).toBe(200);
  });

  test("a key is free again after a day", async () => {
    const late = await testApp();
    const lateTeam = await testTeam(late);
    await testDomain(late, lateTeam.teamId);
    const lateServer = testServer(late);
    const ask = () =>
      lateServer.ask("POST", "/emails", {
        key: lateTeam.key,
        body: valid,
        headers: { "idempotency-key": "daily" },
      });
    const first = await ask();
    late.clock.advance(24 * 3_600_000 + 1);
    const second = await ask();
    expect(second.status).toBe(200);
    expect(second.body.id).not.toBe(first.body.id);
  });

  test("after a restart a key means what it did: the same answer, no other body, free after a day", async () => {
    const before = await testApp();
    const itsTeam = await testTeam(before);
    const domain = await testDomain(before, itsTeam.teamId);
    const ask = async (at: Date, body: unknown = valid) => {
      // Every time a node that remembers nothing.
      const restarted = await testApp({ transport: before.transport, now: at });
      const headers = { "idempotency-key": "kept" };
      return testServer(restarted).ask("POST", "/emails", { key: itsTeam.key, body, headers });
    };
    const start = before.now();
    const first = await ask(start);
    expect(await ask(start)).toMatchObject({ status: 200, body: first.body });
    expect(await ask(start, { ...valid, subject: "Other" })).toMatchObject({
      status: 409,
      body: { name: "invalid_idempotent_request" },
    });
    expect(await ask(start, { ...valid, to: "nobody" })).toMatchObject({
      status: 409,
      body: { name: "invalid_idempotent_request" },
    });
    const late = await ask(new Date(start.getTime() + 24 * 3_600_000 + 1));
    expect(late.status).toBe(200);
    expect(late.body.id).not.toBe(first.body.id);
    await atomically(before, [deleteDomainRow(before.db, itsTeam.teamId, domain.id)]);
    expect(await ask(new Date(start.getTime() + 25 * 3_600_000))).toMatchObject({
      status: 200,
      body: late.body,
    });
  });

  test("keys of two teams have nothing to do with each other", async () => {
    await testDomain(app, other.teamId, "other.test");
    const headers = { "idempotency-key": "shared" };
    const mine = await post(valid, headers);
    const theirs = await server.ask("POST", "/emails", {
      key: other.key,
      body: { ...valid, from: "a@other.test" },
      headers,
    });
    expect(theirs.status).toBe(200);
    expect(theirs.body.id).not.toBe(mine.body.id);
  });

  test.each(["", "x".repeat(257)])("a key of a bad length is refused", async (bad) => {
    const { status, body } = await post(valid, { "idempotency-key": bad });
    expect([status, body.name]).toEqual([400, "invalid_idempotency_key"]);
  });
});

describe("is refused as the contract says:", () => {
  const many = Array.from({ length: 51 }, (_, n) => `r${n}@recipient.test`);
  const cases: [string, unknown, number, string, string][] = [
    ["no recipient", { ...valid, to: undefined }, 422, "missing_required_field", "Missing `to` field."],
    [
      "an empty list of recipients",
      { ...valid, to: [] },
      422,
      "missing_required_field",
      "Missing `to` field.",
    ],
    [
      "no body parts",
      { ...valid, html: undefined },
      422,
      "validation_error",
      "Missing `html` or `text` field.",
    ],
    ["no sender", { ...valid, from: undefined }, 422, "missing_required_field", "Missing `from` field."],
    [
      "no subject",
      { ...valid, subject: undefined },
      422,
      "missing_required_field",
      "Missing `subject` field.",
    ],
    ["a bad recipient", { ...valid, to: "bob" }, 422, "validation_error", "Invalid `to` field."],
    ["a bad sender", { ...valid, from: "ada" }, 422, "invalid_from_address", "Invalid `from` field."],
    [
      "too many recipients",
      { ...valid, to: many },
      422,
      "validation_error",
      "The `to` field can hold at most 50",
    ],
    [
      "a line break in the subject",
      { ...valid, subject: "a\r\nBcc: x@y.z" },
      422,
      "validation_error",
      "Invalid `subject`",
    ],
    [
      "a line break in an address",
      { ...valid, to: "b@c.test\r\nBcc: x@y.z" },
      422,
      "validation_error",
      "Invalid `to`",
    ],
    [
      "a line break in a header",
      { ...valid, headers: { "X-A": "a\r\nBcc: x@y.z" } },
      422,
      "validation_error",
      "Invalid `headers`",
    ],
    [
      "a protected header",
      { ...valid, headers: { "DKIM-Signature": "v=1" } },
      422,
      "validation_error",
      "Invalid `headers`",
    ],
    [
      "a From header",
      { ...valid, headers: { from: "x@y.test" } },
      422,
      "validation_error",
      "Invalid `headers`",
    ],
    [
      "a bad tag",
      { ...valid, tags: [{ name: "a b", value: "c" }] },
      422,
      "validation_error",
      "Tags should only contain",
    ],
    [
      "unreadable base64",
      { ...valid, attachments: [{ content: "###" }] },
      422,
      "invalid_attachment",
      "The attachment's",
    ],
    [
      "an empty attachment",
      { ...valid, attachments: [{ filename: "x" }] },
      422,
      "invalid_attachment",
      "Attachment must have",
    ],
    [
      "a domain nobody verified",
      { ...valid, from: "a@nobody.test" },
      403,
      "validation_error",
      "The nobody.test domain is not verified.",
    ],
    [
      "a subdomain of a verified domain",
      { ...valid, from: "a@sub.example.com" },
      403,
      "validation_error",
      "The sub.example.com",
    ],
    [
      "another team's domain",
      { ...valid, from: "a@other.test" },
      403,
      "validation_error",
      "The other.test domain is not verified.",
    ],
    [
      "a date past 30 days",
      { ...valid, scheduled_at: "2026-06-01T00:00:00Z" },
      422,
      "validation_error",
      "Invalid `scheduled_at`",
    ],
    [
      "an unknown template",
      { ...valid, html: undefined, template: { id: newId() } },
      404,
      "not_found",
      "Template not found",
    ],
    [
      "a time in words that are not understood",
      { ...valid, scheduled_at: "whenever it suits" },
      422,
      "validation_error",
      "Invalid `scheduled_at` field. Use an ISO 8601 time",
    ],
    [
      "a file that would run",
      { ...valid, attachments: [{ filename: "Invoice.pdf.EXE", content: "AAAA" }] },
      422,
      "invalid_attachment",
      "The attachment `Invoice.pdf.EXE` can't be sent: mail servers refuse files of the type .exe.",
    ],
    [
      "a template beside html",
      { ...valid, template: { id: "welcome" } },
      422,
      "validation_error",
      "The `template` field can't be used together with `html` or `text`.",
    ],
    [
      "a template without id",
      { to: valid.to, template: {} },
      422,
      "missing_required_field",
      "Missing `template.id` field.",
    ],
    [
      "a bad recipient of an unknown template",
      { to: "bob", template: { id: "welcome" } },
      422,
      "validation_error",
      "Invalid `to` field.",
    ],
    ["a list", [valid], 422, "validation_error", "The request body must be a JSON object."],
    ["malformed JSON", "{", 400, "validation_error", "Request body must be valid JSON."],
    ["no body at all", undefined, 422, "missing_required_field", "Missing `to` field."],
  ];
  test.each(cases)("%s", async (_name, body, status, name, message) => {
    const before = await countEmails();
    const answer = await post(body);
    expect(answer).toMatchObject({ status, body: { statusCode: status, name } });
    expect(answer.body.message).toStartWith(message);
    expect(await countEmails()).toBe(before);
  });

  test("a body that is not JSON by its own word", async () => {
    const { status } = await post("to=bob", { "content-type": "application/x-www-form-urlencoded" });
    expect(status).toBe(415);
  });

  test("a body over the limit", async () => {
    const small = await testApp({ config: { server: { maxBodyBytes: 10_000 } } });
    const { key: smallKey } = await testTeam(small);
    const body = JSON.stringify({ ...valid, html: "x".repeat(20_000) });
    const smallServer = testServer(small);
    const announced = await smallServer.ask("POST", "/emails", {
      key: smallKey,
      body,
      headers: { "content-length": String(body.length) },
    });
    const unannounced = await smallServer.ask("POST", "/emails", { key: smallKey, body });
    expect([announced.status, unannounced.status]).toEqual([413, 413]);
  });
});

describe("keys", () => {
  test("no key, a wrong key and a wrong scheme are told apart", async () => {
    const ask = (headers: Record<string, string>) => server.ask("POST", "/emails", { body: valid, headers });
    expect(await ask({})).toMatchObject({ status: 401, body: { name: "missing_api_key" } });
    expect(await ask({ authorization: "Bearer re_wrong" })).toMatchObject({
      status: 403,
      body: { name: "invalid_api_key" },
    });
    expect(await ask({ authorization: "Basic abc" })).toMatchObject({
      status: 403,
      body: { name: "invalid_api_key" },
    });
  });

  test("nothing is said about the body to somebody without a key", async () => {
    const { status } = await server.ask("POST", "/emails", { body: "{" });
    expect(status).toBe(401);
  });

  test("a sending key sends and reads nothing", async () => {
    const { token } = await createKey(app, team.teamId, { name: "s", permission: "sending_access" });
    expect((await server.ask("POST", "/emails", { key: token, body: valid })).status).toBe(200);
    for (const path of ["/emails", `/emails/${newId()}`, "/domains", "/api-keys"]) {
      expect(await server.ask("GET", path, { key: token })).toMatchObject({
        status: 401,
        body: { name: "restricted_api_key" },
      });
    }
  });

  test("a key of one domain sends from no other", async () => {
    const second = await testDomain(app, team.teamId, "second.test");
    const options = { name: "d", permission: "sending_access" as const, domainId: second.id };
    const { token } = await createKey(app, team.teamId, options);
    expect(
      (await server.ask("POST", "/emails", { key: token, body: { ...valid, from: "a@second.test" } })).status,
    ).toBe(200);
    expect(await server.ask("POST", "/emails", { key: token, body: valid })).toMatchObject({
      status: 403,
      body: { message: "This API key is not authorized to send emails from example.com" },
    });
  });
});

describe("reading", () => {
  test("another team's email, an unknown id and no id at all are equally absent", async () => {
    const { body } = await post(valid);
    const theirs = await server.ask("GET", `/emails/${body.id}`, { key: other.key });
    const unknown = await server.ask("GET", `/emails/${newId()}`, { key });
    const noId = await server.ask("GET", "/emails/'or'1", { key });
    for (const answer of [theirs, unknown, noId]) {
      expect(answer).toMatchObject({ status: 404, body: { name: "not_found", message: "Email not found" } });
    }
  });

  test("pages follow each other both ways, newest first", async () => {
    const pages = await testApp();
    const { teamId, key: pageKey } = await testTeam(pages);
    await testDomain(pages, teamId);
    const pageServer = testServer(pages);
    const sent: string[] = [];
    for (let n = 0; n < 5; n++)
      sent.unshift((await pageServer.ask("POST", "/emails", { key: pageKey, body: valid })).body.id);
    const ids = async (query: string) => {
      const { body } = await pageServer.ask("GET", `/emails?${query}`, { key: pageKey });
      return [body.data.map(({ id }: { id: string }) => sent.indexOf(id)), body.has_more];
    };
    expect(await ids("limit=2")).toEqual([[0, 1], true]);
    expect(await ids(`limit=2&after=${sent[1]}`)).toEqual([[2, 3], true]);
    expect(await ids(`limit=2&after=${sent[3]}`)).toEqual([[4], false]);
    expect(await ids(`limit=2&before=${sent[4]}`)).toEqual([[2, 3], true]);
    expect(await ids(`limit=2&before=${sent[1]}`)).toEqual([[0], false]);
  });

  test.each(["limit=0", "limit=101", "limit=x", "after=x", `after=${newId()}&before=${newId()}`])(
    "%s is refused",
    async (query) => {
      expect((await server.ask("GET", `/emails?${query}`, { key })).status).toBe(422);
    },
  );
});

describe("conventions", () => {
  test("an unknown path and a wrong method are told apart", async () => {
    expect(await server.ask("GET", "/nope", { key })).toMatchObject({
      status: 404,
      body: { statusCode: 404, name: "not_found", message: "The requested endpoint does not exist" },
    });
    expect(await server.ask("PUT", "/emails", { key })).toMatchObject({
      status: 405,
      body: { name: "method_not_allowed" },
    });
  });

  test("a body of {} on GET is nothing special", async () => {
    const response = await fetch(`${server.url}/emails`, {
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    });
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toStartWith("application/json");
  });

  test("every answer carries the id its log lines have", async () => {
    const { headers } = await server.ask("GET", "/emails", { key });
    expect(headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
  });
});

test("when nothing can be stored the answer is 503, and nothing is half written", async () => {
  const full = await testApp();
  const { teamId, key: fullKey } = await testTeam(full);
  await testDomain(full, teamId);
  const fullServer = testServer(full);
  const [[pages]] = (await full.db.values<[number]>(sql`pragma page_count`)) as [[number]];
  await full.transport.query(`pragma max_page_count = ${pages}`, [], "all");
  const body = { ...valid, html: "x".repeat(200_000) };
  expect(await fullServer.ask("POST", "/emails", { key: fullKey, body })).toMatchObject({
    status: 503,
    body: { name: "service_unavailable" },
  });
  for (const table of ["emails", "contents", "deliveries", "jobs", "events"]) {
    expect(await full.db.values(sql.raw(`select count(*) from ${table}`))).toEqual([[0]]);
  }
  await full.transport.query("pragma max_page_count = 1000000", [], "all");
  expect((await fullServer.ask("POST", "/emails", { key: fullKey, body })).status).toBe(200);
});
