/** Sections 13 and 22 of the contract by the official SDK against the executable: every method, success and refusal. */

import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { createHmac } from "node:crypto";
import { newId } from "../../src/ids.ts";
import { type SeenRequest, startHttpsHost } from "../support/https-host.ts";
import {
  type Check,
  count,
  differences,
  each,
  filled,
  is,
  like,
  listDifferences,
  ok,
  orNull,
  refused,
  type Shape,
  startContractServer,
  text,
  time,
  url,
  uuid,
} from "./contract.ts";
import { firstEmail, storyMs, until } from "./story.ts";

setDefaultTimeout(storyMs);

const server = await startContractServer();
const { resend, stranger } = server;
const absent = newId();
const absentEvent = `msg_${"0".repeat(32)}`;

/** An endpoint that takes every call, unless `status` says otherwise. */
const receiver = await startHttpsHost({ isPlain: true });
let status = 200;
receiver.answer((_request, response) => response.writeHead(status).end(status === 200 ? "taken" : "no"));
afterAll(() => receiver[Symbol.asyncDispose]());
const endpoint = `http://127.0.0.1:${receiver.port}/hooks`;

const secret: Check = (value) => typeof value === "string" && /^whsec_[A-Za-z0-9+/]{32,}={0,2}$/.test(value);
const message: Check = (value) => typeof value === "string" && value.startsWith("msg_");
const webhook: Shape = {
  id: uuid,
  created_at: time,
  status: is("enabled", "disabled"),
  endpoint: url,
  events: each(filled),
};
const webhookSuperset = [
  ...["include_body", "disabled_reason"],
  ...["last_taken_at", "last_failure_at", "failing_since", "previous_secret_until"],
];
const event: Shape = {
  id: message,
  type: filled,
  created_at: time,
  status: is("success", "pending", "failed", "attempting"),
};
const notFound = "404 not_found: Webhook not found";

/** The calls of one type about one email. */
const callsOf = (type: string, emailId: string): SeenRequest[] =>
  receiver.requests.filter(({ body }) => {
    const told = body === "" ? {} : JSON.parse(body);
    return told.type === type && told.data.email_id === emailId;
  });
const called = (type: string, emailId: string) =>
  until(`${type} is told`, async () => callsOf(type, emailId)[0], 20);

test("webhooks: made, listed, read, changed, rotated and removed", async () => {
  const made = ok(await resend.webhooks.create({ endpoint, events: ["email.sent", "contact.created"] }));
  expect(differences(made, { object: is("webhook"), id: uuid, signing_secret: secret })).toEqual([]);

  const list = ok(await resend.webhooks.list());
  expect(listDifferences(list, webhook, webhookSuperset)).toEqual([]);
  expect(list.data[0]).toMatchObject({
    ...{ id: made.id, status: "enabled", endpoint, events: ["email.sent", "contact.created"] },
  });
  ok(await resend.webhooks.create({ endpoint, events: ["domain.created"] }));
  expect(ok(await resend.webhooks.list({ limit: 1 }))).toMatchObject({ has_more: true });
  expect(ok(await resend.webhooks.list({ limit: 1, after: list.data[0]!.id }))).toMatchObject({
    has_more: false,
  });
  expect(ok(await stranger.webhooks.list()).data).toEqual([]);

  const got = ok(await resend.webhooks.get(made.id));
  expect(
    differences(
      got,
      { object: is("webhook"), ...webhook, signing_secret: is(made.signing_secret) },
      webhookSuperset,
    ),
  ).toEqual([]);

  const changed = ok(
    await resend.webhooks.update(made.id, { status: "disabled", events: ["email.bounced"] }),
  );
  expect(differences(changed, { object: is("webhook"), id: is(made.id) })).toEqual([]);
  expect(ok(await resend.webhooks.get(made.id))).toMatchObject({
    ...{ status: "disabled", events: ["email.bounced"], endpoint },
  });

  const rotated = ok(await resend.webhooks.rotateSigningSecret(made.id));
  expect(differences(rotated, { object: is("webhook"), id: is(made.id), signing_secret: secret })).toEqual(
    [],
  );
  expect(rotated.signing_secret).not.toBe(made.signing_secret);

  for (const { id } of ok(await resend.webhooks.list()).data) {
    const removed = ok(await resend.webhooks.remove(id));
    expect(differences(removed, { object: is("webhook"), id: is(id), deleted: is(true) })).toEqual([]);
  }
  expect(refused(await resend.webhooks.get(made.id))).toBe(notFound);
});

test("webhooks: what is refused", async () => {
  const create = (fields: object) => resend.webhooks.create({ endpoint, events: ["*"], ...fields } as never);
  expect(refused(await create({ endpoint: undefined }))).toBe(
    "422 missing_required_field: Missing `endpoint` field.",
  );
  expect(refused(await create({ events: undefined }))).toBe(
    "422 missing_required_field: Missing `events` field.",
  );
  expect(refused(await create({ events: [] }))).toMatch(/^422 validation_error: Invalid `events` field\./);
  expect(refused(await create({ events: ["email.lost"] }))).toMatch(/^422 validation_error: .*"email\.lost"/);
  expect(refused(await create({ endpoint: "nowhere" }))).toMatch(/^422 validation_error: Invalid `endpoint`/);
  expect(refused(await resend.webhooks.list({ limit: 101 }))).toMatch(/^422 validation_error: /);

  const { id: theirs } = ok(await stranger.webhooks.create({ endpoint, events: ["email.sent"] }));
  for (const webhookId of [absent, theirs]) {
    const one = { webhookId, eventId: absentEvent };
    for (const answer of [
      await resend.webhooks.get(webhookId),
      await resend.webhooks.update(webhookId, { status: "disabled" }),
      await resend.webhooks.remove(webhookId),
      await resend.webhooks.rotateSigningSecret(webhookId),
      await resend.webhooks.events.list({ webhookId }),
      await resend.webhooks.events.get(one),
      await resend.webhooks.events.replay(one),
      await resend.webhooks.events.attempts.list(one),
    ]) {
      expect(refused(answer)).toBe(notFound);
    }
  }
  ok(await stranger.webhooks.remove(theirs));
});

const attachment = { filename: "a.txt", content: Buffer.from("x").toString("base64") };
const emailData: Shape = {
  email_id: uuid,
  created_at: time,
  from: filled,
  to: each(filled),
  subject: filled,
  message_id: (value) => typeof value === "string" && /^<.+@.+>$/.test(value),
  tags: (value) => JSON.stringify(value) === '{"category":"contract"}',
  headers: each(like({ name: filled, value: text })),
};
/** The original MailIt's fields. */
const emailSuperset = ["recipient", "timestamp"];
const bounce = like({
  message: filled,
  type: is("Permanent"),
  subType: filled,
  diagnosticCode: each(filled),
});

test("events: told, signed, in the contract's words", async () => {
  const made = ok(await resend.webhooks.create({ endpoint, events: ["*" as never] }));
  const send = async (to: string[], changes: object = {}) =>
    ok(
      await resend.emails.send({
        ...{ ...firstEmail, to, attachments: [attachment], ...changes },
        tags: [{ name: "category", value: "contract" }],
        headers: { "X-Entity-Ref-ID": "42" },
      }),
    ).id;
  const delivered = await send(["delivered@example.org", "delivered+2@example.org"]);
  const bounced = await send(["bounced@example.org"]);
  const complained = await send(["complained@example.org"]);
  const deferred = await send(["deferred@example.org"]);
  const suppressed = await send(["suppressed@example.org"]);
  const scheduled = await send(["delivered@example.org"], { scheduledAt: "in 1 hour" });

  const own: [type: string, id: string, facts: Shape, superset?: string[]][] = [
    ["email.sent", delivered, {}],
    ["email.delivered", delivered, {}],
    ["email.delivery_delayed", deferred, {}],
    ["email.complained", complained, {}],
    ["email.scheduled", scheduled, {}],
    ["email.bounced", bounced, { bounce }, ["code", "message"]],
    [
      "email.suppressed",
      suppressed,
      {
        suppressed: like({
          message: filled,
          type: is("Suppressed", "OnAccountSuppressionList"),
          reason: is("previous_bounce", "previous_complaint"),
          diagnosticCode: Array.isArray,
        }),
      },
    ],
  ];
  for (const [type, id, facts, superset = []] of own) {
    const { body, headers } = await called(type, id);
    const told = JSON.parse(body);
    expect(differences(told, { type: is(type), created_at: time, data: () => true })).toEqual([]);
    expect([
      type,
      differences(told.data, { ...emailData, ...facts }, [...emailSuperset, ...superset]),
    ]).toEqual([type, []]);
    const payload = resend.webhooks.verify({
      payload: body,
      headers: {
        id: String(headers["svix-id"]),
        timestamp: String(headers["svix-timestamp"]),
        signature: String(headers["svix-signature"]),
      },
      webhookSecret: made.signing_secret,
    });
    expect(payload).toEqual(told);
    expect(headers["x-webhook-signature"]).toBe(
      createHmac("sha256", made.signing_secret)
        .update(`${headers["x-webhook-timestamp"]}.${body}`)
        .digest("hex"),
    );
  }
  // Each of the recipients has an event of their own.
  await until("both recipients' events are told", async () =>
    callsOf("email.delivered", delivered).length === 2 ? true : undefined,
  );
  const recipients = callsOf("email.delivered", delivered).flatMap(({ body }) => JSON.parse(body).data.to);
  expect(recipients.sort()).toEqual(["delivered+2@example.org", "delivered@example.org"]);

  const suppression = await until("the suppression is told", async () =>
    receiver.requests.find(({ body }) => /"suppression\.added".*bounced@example\.org/.test(body)),
  );
  const origin = { id: uuid, email: filled, origin: is("bounce"), source_id: is(bounced), created_at: time };
  expect(differences(JSON.parse(suppression.body).data, origin)).toEqual([]);

  const { id: domainId } = ok(await resend.domains.create({ name: "told.example.org" }));
  const domain = await until("the domain is told", async () =>
    receiver.requests.find(({ body }) => /"domain\.created"/.test(body)),
  );
  const record: Shape = {
    record: filled,
    name: filled,
    type: filled,
    ttl: filled,
    status: filled,
    value: filled,
  };
  expect(
    differences(JSON.parse(domain.body).data, {
      ...{ id: is(domainId), name: is("told.example.org"), status: filled, created_at: time, region: filled },
      records: each(like(record, ["priority"])),
    }),
  ).toEqual([]);
  ok(await resend.webhooks.remove(made.id));
});

test("events: listed, read and replayed, with the attempts", async () => {
  const { id: webhookId } = ok(await resend.webhooks.create({ endpoint, events: ["email.delivered"] }));
  status = 500;
  const { id: emailId } = ok(await resend.emails.send(firstEmail));
  await called("email.delivered", emailId);
  const failing = await until("the attempt is written", async () => {
    const [first] = ok(await resend.webhooks.events.list({ webhookId })).data;
    const { next_attempt_at } = ok(await resend.webhooks.events.get({ webhookId, eventId: first!.id }));
    return next_attempt_at === null ? undefined : first;
  });
  expect(listDifferences(ok(await resend.webhooks.events.list({ webhookId })), event)).toEqual([]);
  expect(failing.type).toBe("email.delivered");
  const one = { webhookId, eventId: failing.id };
  const got = ok(await resend.webhooks.events.get(one));
  expect(
    differences(got, {
      object: is("webhook_event"),
      ...event,
      next_attempt_at: orNull(time),
      payload: like({ type: is("email.delivered"), created_at: time, data: () => true }),
    }),
  ).toEqual([]);
  expect(got.payload as object).toEqual(JSON.parse(callsOf("email.delivered", emailId)[0]!.body));

  status = 200;
  const replayed = ok(await resend.webhooks.events.replay(one));
  expect(differences(replayed, { object: is("webhook_event"), id: is(failing.id) })).toEqual([]);
  await until("the replay is taken", async () =>
    ok(await resend.webhooks.events.get(one)).status === "success" ? true : undefined,
  );
  const attempts = ok(await resend.webhooks.events.attempts.list(one));
  const attempt: Shape = {
    id: (value) => typeof value === "string" && value.startsWith("atmpt_"),
    http_status_code: count,
    response: text,
    sent_at: time,
  };
  expect(listDifferences(attempts, attempt, ["duration_ms", "error"])).toEqual([]);
  expect(attempts.data[0]).toMatchObject({ http_status_code: 200, response: "taken" });
  expect(attempts.data.at(-1)).toMatchObject({ http_status_code: 500, response: "no" });
  const [newest, next] = attempts.data;
  expect(ok(await resend.webhooks.events.attempts.list({ ...one, limit: 1 }))).toMatchObject({
    ...{ has_more: true, data: [{ id: newest!.id }] },
  });
  expect(
    ok(await resend.webhooks.events.attempts.list({ ...one, limit: 1, after: newest!.id })).data[0],
  ).toEqual(next!);
  const [{ body: first }, { body: last }] = [
    callsOf("email.delivered", emailId)[0]!,
    callsOf("email.delivered", emailId).at(-1)!,
  ];
  expect(last).toBe(first);

  const none = { webhookId, eventId: absentEvent };
  const eventNotFound = "404 not_found: Webhook event not found";
  expect(refused(await resend.webhooks.events.get(none))).toBe(eventNotFound);
  expect(refused(await resend.webhooks.events.replay(none))).toBe(eventNotFound);
  expect(refused(await resend.webhooks.events.attempts.list(none))).toBe(eventNotFound);
  ok(await resend.webhooks.update(webhookId, { status: "disabled" }));
  expect(refused(await resend.webhooks.events.replay(one))).toBe(
    "422 validation_error: The webhook is disabled: enable it first.",
  );
});
