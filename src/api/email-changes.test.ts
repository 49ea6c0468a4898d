import { describe, expect, test } from "bun:test";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { testDomain } from "../../test/support/test-domain.ts";
import { testServer } from "../../test/support/test-server.ts";
import { atomically } from "../app.ts";
import { rawWrite } from "../db/write.ts";
import { removeContent } from "../emails/retention-store.ts";
import { newId } from "../ids.ts";
import { createKey } from "../keys/service.ts";

const app = await testApp();
const server = testServer(app);
const team = await testTeam(app);
await testDomain(app, team.teamId);
const other = await testTeam(app, "Another team");
const { key } = team;
const sdk = server.sdk(key);

const inHours = (hours: number) => new Date(app.now().getTime() + hours * 3_600_000).toISOString();

const email = { from: "ada@example.com", to: "bob@recipient.test", subject: "Hi", text: "Hi" };

async function schedule(): Promise<string> {
  const { data } = await sdk.emails.send({ ...email, scheduledAt: inHours(2) });
  return data!.id;
}

describe("the official SDK", () => {
  test("reschedules an email, by a time and in words", async () => {
    const id = await schedule();
    const moved = await sdk.emails.update({ id, scheduledAt: inHours(5) });
    expect<unknown>(moved.data).toEqual({ object: "email", id });
    expect((await sdk.emails.get(id)).data).toMatchObject({
      scheduled_at: inHours(5),
      last_event: "scheduled",
    });
    await sdk.emails.update({ id, scheduledAt: "in 1 hour" });
    expect((await sdk.emails.get(id)).data).toMatchObject({ scheduled_at: inHours(1) });
  });

  test("cancels an email, once", async () => {
    const id = await schedule();
    const canceled = await sdk.emails.cancel(id);
    expect<unknown>(canceled.data).toEqual({ object: "email", id });
    expect((await sdk.emails.get(id)).data).toMatchObject({ last_event: "canceled" });
    expect((await sdk.emails.cancel(id)).error).toEqual({
      statusCode: 422,
      name: "validation_error",
      message: "Only a scheduled email can be canceled: this one was canceled already.",
    });
    expect((await sdk.emails.update({ id, scheduledAt: inHours(5) })).error).toMatchObject({
      statusCode: 422,
      message:
        "Only a scheduled email can be rescheduled: this one was canceled; send it anew with the other time.",
    });
  });
});

describe("is refused:", () => {
  const cases: [string, unknown, string, string][] = [
    ["no time", {}, "missing_required_field", "Missing `scheduled_at` field."],
    ["null for a time", { scheduled_at: null }, "missing_required_field", "Missing `scheduled_at` field."],
    ["no body", undefined, "missing_required_field", "Missing `scheduled_at` field."],
    ["a list", [], "validation_error", "The request body must be a JSON object."],
    [
      "a number",
      { scheduled_at: 5 },
      "validation_error",
      "Invalid `scheduled_at` field. It must be a string.",
    ],
    ["gibberish", { scheduled_at: "whenever" }, "validation_error", "Invalid `scheduled_at` field."],
    ["a time past 30 days", { scheduled_at: inHours(31 * 24) }, "validation_error", "Invalid `scheduled_at`"],
  ];
  test.each(cases)("%s", async (_name, body, name, message) => {
    const id = await schedule();
    const answer = await server.ask("PATCH", `/emails/${id}`, { key, body });
    expect(answer).toMatchObject({ status: 422, body: { statusCode: 422, name } });
    expect(answer.body.message).toStartWith(message);
    expect((await sdk.emails.get(id)).data).toMatchObject({ scheduled_at: inHours(2) });
  });

  test("what is another team's, is not there, or is not scheduled", async () => {
    const id = await schedule();
    const change = (path: string, who: string) =>
      Promise.all([
        server.ask("PATCH", `/emails/${path}`, { key: who, body: { scheduled_at: inHours(1) } }),
        server.ask("POST", `/emails/${path}/cancel`, { key: who }),
      ]);
    for (const [path, who] of [
      [id, other.key],
      [newId(), key],
      ["'or'1", key],
    ] as const) {
      for (const answer of await change(path, who)) {
        expect(answer).toMatchObject({
          status: 404,
          body: { name: "not_found", message: "Email not found" },
        });
      }
    }
    for (const answer of await change((await sdk.emails.send(email)).data!.id, key)) {
      expect(answer).toMatchObject({ status: 422, body: { name: "validation_error" } });
    }
  });

  test("a key that may only send", async () => {
    const id = await schedule();
    const { token } = await createKey(app, team.teamId, { name: "s", permission: "sending_access" });
    for (const [method, path] of [
      ["PATCH", id],
      ["POST", `${id}/cancel`],
    ] as const) {
      const answer = await server.ask(method, `/emails/${path}`, { key: token, body: {} });
      expect(answer).toMatchObject({ status: 401, body: { name: "restricted_api_key" } });
    }
  });
});

test("an email whose content was removed says when, and is not sent again", async () => {
  const attachments = [{ filename: "a.txt", content: "ZmlsZQ==" }];
  const { data } = await sdk.emails.send({ ...email, attachments });
  const { id } = data!;
  const at = new Date("2026-03-01T12:00:00Z");
  await atomically(app, [
    rawWrite("update deliveries set state = 'delivered', settled_at = ? where email_id = ?", [
      at.getTime(),
      id,
    ]),
    ...removeContent([{ id, isBroadcast: false, isSettled: true }], at),
  ]);
  const { body } = await server.ask("GET", `/emails/${id}`, { key });
  expect(body).toMatchObject({ html: null, text: null, subject: "Hi", content_removed_at: at.toISOString() });
  expect((await server.ask("GET", `/emails/${id}/attachments`, { key })).body.data).toEqual([]);
  expect(await server.ask("POST", `/emails/${id}/resend`, { key })).toMatchObject({
    status: 422,
    body: {
      message:
        "The content of this email was removed at 2026-03-01T12:00:00.000Z: `retention.content` says how long it is kept. Send it anew.",
    },
  });
});

test("a cancel with a body of {} is a cancel", async () => {
  const answer = await server.ask("POST", `/emails/${await schedule()}/cancel`, { key, body: {} });
  expect(answer).toMatchObject({ status: 200, body: { object: "email" } });
});
