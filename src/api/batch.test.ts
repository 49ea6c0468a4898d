import { describe, expect, test } from "bun:test";
import { sql } from "drizzle-orm";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { testDomain } from "../../test/support/test-domain.ts";
import { testServer } from "../../test/support/test-server.ts";
import { atomically } from "../app.ts";
import { createKey } from "../keys/service.ts";
import { suppress } from "../suppressions/suppress.ts";

const app = await testApp();
const server = testServer(app);
const { teamId, key } = await testTeam(app);
await testDomain(app, teamId);
const sdk = server.sdk(key);

const email = (n: number | string) => ({
  from: "Ada <ada@example.com>",
  to: `bob${n}@recipient.test`,
  subject: `Number ${n}`,
  html: `<p>${n}</p>`,
});
const invalid = { ...email("x"), to: "nobody" };
const post = (body: unknown, headers: Record<string, string> = {}) =>
  server.ask("POST", "/emails/batch", { key, body, headers });
const permissive = { "x-batch-validation": "permissive" };
const count = async (table: string) =>
  (await app.db.values<[number]>(sql.raw(`select count(*) from ${table}`)))[0]![0];
const subjectsOf = async (data: { id: string }[]) =>
  Promise.all(data.map(async ({ id }) => (await server.ask("GET", `/emails/${id}`, { key })).body.subject));

describe("the official SDK", () => {
  test("sends a batch, and gets the ids in the order of the emails", async () => {
    const { data, error } = await sdk.batch.send([email(1), email(2), email(3)]);
    expect(error).toBeNull();
    expect(Object.keys(data!)).toEqual(["data"]);
    expect(await subjectsOf(data!.data)).toEqual(["Number 1", "Number 2", "Number 3"]);
  });

  test("is refused as a whole for one email, which the refusal names", async () => {
    const before = await count("emails");
    const { data, error } = await sdk.batch.send([email(1), invalid]);
    expect(data).toBeNull();
    expect(error).toMatchObject({ statusCode: 422, name: "validation_error" });
    expect(error!.message).toStartWith("The email at index 1 is refused, and nothing was sent: Invalid `to`");
    expect(await count("emails")).toBe(before);
  });

  test("sends what is valid when it asks for that, and hears of the rest", async () => {
    const foreign = { ...email("y"), from: "a@unverified.test" };
    const emails = [invalid, email(1), foreign, email(2)];
    const { data } = await sdk.batch.send(emails, { batchValidation: "permissive" });
    expect(await subjectsOf(data!.data)).toEqual(["Number 1", "Number 2"]);
    expect(data!.errors).toEqual([
      { index: 0, message: expect.stringContaining("Invalid `to` field.") },
      { index: 2, message: expect.stringContaining("The unverified.test domain is not verified.") },
    ]);
  });

  test("repeats a batch under its key without sending it again", async () => {
    const emails = [email("key"), email("key")];
    const options = { idempotencyKey: "batch" };
    const first = await sdk.batch.send(emails, options);
    const before = await count("emails");
    expect((await sdk.batch.send(emails, options)).data).toEqual(first.data);
    expect(await count("emails")).toBe(before);
    const changed = await sdk.batch.send(emails, { ...options, batchValidation: "permissive" });
    expect(changed.error).toMatchObject({ statusCode: 409, name: "invalid_idempotent_request" });
  });
});

test("a list in an object is a batch too", async () => {
  const { status, body } = await post({ emails: [email(1)] });
  expect([status, body.data.length]).toEqual([200, 1]);
});

test("without errors a permissive answer has an empty list of them, and a strict one none at all", async () => {
  expect((await post([email(1)], permissive)).body.errors).toEqual([]);
  expect((await post([email(1)], { "x-batch-validation": "strict" })).body).not.toHaveProperty("errors");
});

test("when nothing of a permissive batch is valid, nothing is sent", async () => {
  const before = await count("emails");
  const { status, body } = await post([invalid, "text", null], permissive);
  expect([status, body.data]).toEqual([200, []]);
  expect(body.errors.map(({ index }: { index: number }) => index)).toEqual([0, 1, 2]);
  expect(await count("emails")).toBe(before);
});

describe("more recipients than one write should carry", () => {
  // 20 emails of 100 recipients are as many as there may be; Bob comes twice in each and counts once.
  const bobs = Array.from({ length: 50 }, (_, n) => `bob${n}@recipient.test`);
  const cc = Array.from({ length: 49 }, (_, n) => `carl${n}@recipient.test`);
  const many = { ...email(0), to: bobs, cc: ["BOB0@recipient.test", ...cc], bcc: ["dan@recipient.test"] };
  const most = Array.from({ length: 20 }, () => many);

  test.each(["strict", "permissive"])("refuse the whole of a %s batch", async (validation) => {
    const before = await count("emails");
    const { status, body } = await post([...most, email(1)], { "x-batch-validation": validation });
    expect([status, body.name]).toEqual([422, "validation_error"]);
    expect(body.message).toBe(
      "A batch can have at most 2000 recipients in all, and this one has 2001. Nothing was sent; split it into smaller batches.",
    );
    expect(await count("emails")).toBe(before);
  });

  test("are not counted in emails that are refused anyway", async () => {
    const { status, body } = await post([...most, invalid], permissive);
    expect([status, body.data.length, body.errors.length]).toEqual([200, 20, 1]);
  });
});

test("an idempotency key of a single email is another one than a batch's", async () => {
  const headers = { "idempotency-key": "either" };
  const single = await server.ask("POST", "/emails", { key, body: email(1), headers });
  expect([single.status, (await post([email(1)], headers)).status]).toEqual([200, 200]);
});

describe("a batch is one write", () => {
  test("in which emails share lanes, counters and contents", async () => {
    const own = await testApp();
    const team = await testTeam(own);
    await testDomain(own, team.teamId);
    const writes: string[][] = [];
    const { batch } = own.transport;
    own.transport = {
      ...own.transport,
      batch(statements, options) {
        writes.push(statements.map((statement) => statement.sql));
        return batch(statements, options);
      },
    };
    const same = { ...email(1), html: "<p>All the same</p>" };
    const emails = Array.from({ length: 100 }, (_, n) => ({ ...same, to: `bob${n}@domain${n % 3}.test` }));
    const options = { key: team.key, body: emails };
    expect((await testServer(own).ask("POST", "/emails/batch", options)).status).toBe(200);

    expect(writes).toHaveLength(1);
    const into = (table: string) =>
      writes[0]!.filter((text) => text.includes(`into ${table}`) || text.includes(`into "${table}"`));
    expect([into("contents"), into("counters"), into("lanes")].map(({ length }) => length)).toEqual([
      1, 1, 3,
    ]);
    expect(into("emails")).toHaveLength(100);
    const [counted] = await own.db.values(sql`select event, total from counters`);
    expect(counted).toEqual(["email.queued", 100]);
    const lanes = await own.db.values(sql`select lane, next_at from lanes order by lane`);
    expect(lanes).toEqual([0, 1, 2].map((n) => [`deliver/domain${n}.test`, own.now().getTime()]));
  });

  test("that is due when its first email of a domain is", async () => {
    const soon = new Date(app.now().getTime() + 60_000).toISOString();
    const late = new Date(app.now().getTime() + 3_600_000).toISOString();
    const emails = [late, soon, late].map((scheduled_at) => ({
      ...email(1),
      to: "bob@timed.test",
      scheduled_at,
    }));
    await post(emails);
    const [lane] = await app.db.values(sql`select next_at from lanes where lane = 'deliver/timed.test'`);
    expect(lane).toEqual([new Date(soon).getTime()]);
  });

  test("in which suppressed recipients get no job", async () => {
    const { teamId: ownTeam, key: ownKey } = await testTeam(app, "Batch team");
    await testDomain(app, ownTeam, "batch.test");
    await atomically(
      app,
      suppress(app, { teamId: ownTeam, address: "bob1@recipient.test", reason: "bounce" }),
    );
    const body = [1, 2].map((n) => ({ ...email(n), from: "ada@batch.test" }));
    const answer = await server.ask("POST", "/emails/batch", { key: ownKey, body });
    const states = await app.db.values(
      sql`select d.recipient, d.state, j.id is not null from deliveries d left join jobs j on j.id = d.id
          where d.team_id = ${ownTeam} order by d.recipient`,
    );
    expect(answer.status).toBe(200);
    expect(states).toEqual([
      ["bob1@recipient.test", "suppressed", 0],
      ["bob2@recipient.test", "queued", 1],
    ]);
  });

  test("with attachments, each content stored once", async () => {
    const attachments = [{ filename: "terms.txt", content: Buffer.from("terms").toString("base64") }];
    const { body } = await post([1, 2].map((n) => ({ ...email(n), attachments })));
    const rows = await app.db.values(
      sql`select distinct blob_hash from attachments where email_id in (${body.data[0].id}, ${body.data[1].id})`,
    );
    expect(rows).toHaveLength(1);
    expect(Buffer.from((await app.blobs.get(rows[0]![0] as string))!).toString()).toBe("terms");
  });
});

describe("is refused:", () => {
  test.each<[string, unknown, string]>([
    ["no body", undefined, "The request body must be a JSON array of emails."],
    ["one email", email(1), "The request body must be a JSON array of emails."],
    ["text", '"text"', "The request body must be a JSON array of emails."],
    ["an empty list", [], "A batch must have 1 to 100 emails, and this one has 0."],
    [
      "101 emails",
      Array.from({ length: 101 }, (_, n) => email(n)),
      "A batch must have 1 to 100 emails, and this one has 101.",
    ],
  ])("%s", async (_name, body, message) => {
    expect(await post(body)).toMatchObject({ status: 422, body: { name: "validation_error", message } });
  });

  test("another word for the validation", async () => {
    const { status, body } = await post([email(1)], { "x-batch-validation": "lenient" });
    expect([status, body.message]).toEqual([
      422,
      expect.stringContaining("must be `strict` or `permissive`"),
    ]);
  });

  test("a domain that is another team's, or not the key's own", async () => {
    const stranger = await testTeam(app, "Stranger");
    const theirs = await server.ask("POST", "/emails/batch", { key: stranger.key, body: [email(1)] });
    expect(theirs).toMatchObject({ status: 403, body: { name: "validation_error" } });

    const second = await testDomain(app, teamId, "second.test");
    const options = { name: "d", permission: "sending_access" as const, domainId: second.id };
    const { token } = await createKey(app, teamId, options);
    const body = [{ ...email(1), from: "ada@second.test" }, email(2)];
    const answer = await server.ask("POST", "/emails/batch", { key: token, body });
    expect(answer.status).toBe(403);
    expect(answer.body.message).toEndWith(
      "at index 1 is refused, and nothing was sent: This API key is not authorized to send emails from example.com",
    );
  });

  test("a request without a key, before its body is looked at", async () => {
    const answer = await server.ask("POST", "/emails/batch", { body: "{" });
    expect(answer).toMatchObject({ status: 401, body: { name: "missing_api_key" } });
  });
});
