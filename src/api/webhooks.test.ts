import { expect, test } from "bun:test";
import { eq, sql } from "drizzle-orm";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { testServer } from "../../test/support/test-server.ts";
import { startReceiver, webhookScene } from "../../test/support/webhook-scene.ts";
import { memberships } from "../accounts/schema.ts";
import { issueToken } from "../accounts/sessions.ts";
import { atomically } from "../app.ts";
import { newId } from "../ids.ts";
import { createKey } from "../keys/service.ts";
import { flushLogs } from "../logs/record.ts";
import type { Role } from "../roles.ts";

const app = await testApp({ config: { rateLimit: { enabled: false } } });
const { ask: askServer } = testServer(app);
const { key } = await testTeam(app);
const stranger = await testTeam(app);
const ask = (method: string, path: string, body?: unknown) => askServer(method, path, { key, body });

const endpoint = "https://hooks.example.com/mailit";
const add = async (body: Record<string, unknown> = {}) =>
  (await ask("POST", "/webhooks", { endpoint, events: ["email.bounced"], ...body })).body as {
    id: string;
    signing_secret: string;
  };

test("a webhook is made, read, changed and deleted", async () => {
  const made = await ask("POST", "/webhooks", {
    endpoint,
    events: ["email.sent", "email.sent", "contact.created"],
  });
  expect(made).toMatchObject({ status: 201, body: { object: "webhook" } });
  expect(Object.keys(made.body)).toEqual(["object", "id", "signing_secret"]);
  expect(made.body.signing_secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
  expect(made.headers.get("cache-control")).toBe("no-store");
  const { id, signing_secret } = made.body;

  const item = {
    id,
    created_at: app.now().toISOString(),
    status: "enabled",
    endpoint,
    events: ["email.sent", "contact.created"],
    include_body: false,
    disabled_reason: null,
    ...{ last_taken_at: null, last_failure_at: null, failing_since: null },
  };
  const whole = { object: "webhook", ...item, signing_secret, previous_secret_until: null };
  expect((await ask("GET", `/webhooks/${id}`)).body).toEqual(whole);
  expect((await ask("GET", "/webhooks")).body.data[0]).toEqual(item);

  const changed = await ask("PATCH", `/webhooks/${id}`, {
    endpoint: "https://other.example.com/",
    events: ["*"],
    status: "disabled",
    include_body: true,
  });
  expect(changed).toMatchObject({ status: 200, body: { object: "webhook", id } });
  expect((await ask("GET", `/webhooks/${id}`)).body).toMatchObject({
    endpoint: "https://other.example.com/",
    events: ["*"],
    status: "disabled",
    include_body: true,
    signing_secret,
  });
  expect((await ask("DELETE", `/webhooks/${id}`)).body).toEqual({ object: "webhook", id, deleted: true });
  expect(await ask("GET", `/webhooks/${id}`)).toMatchObject({
    status: 404,
    body: { name: "not_found", message: "Webhook not found" },
  });
});

test("the original MailIt's words for an endpoint and its state are understood", async () => {
  const { id } = (await ask("POST", "/webhooks", { url: endpoint, events: ["email.inbound"], active: false }))
    .body;
  expect((await ask("GET", `/webhooks/${id}`)).body).toMatchObject({ endpoint, status: "disabled" });
  await ask("PATCH", `/webhooks/${id}`, { active: true });
  expect((await ask("GET", `/webhooks/${id}`)).body.status).toBe("enabled");
});

test.each([
  [{ events: ["*"] }, /^422 missing_required_field Missing `endpoint` field\.$/],
  [{ endpoint }, /^422 missing_required_field Missing `events` field\.$/],
  [{ endpoint, events: [] }, /^422 validation_error Invalid `events` field\. Name at least one event/],
  [{ endpoint, events: "email.sent" }, /^422 validation_error Invalid `events` field/],
  [
    { endpoint, events: ["email.queued"] },
    /There is no event "email\.queued": use `\*` or any of email\.sent, /,
  ],
  [{ endpoint, events: ["*"], status: "off" }, /^422 validation_error Invalid `status` field/],
  [{ endpoint: "http://a.test/", events: ["*"] }, /the URL does not begin with https:\/\/\.$/],
  [{ endpoint: "ftp://a.test/", events: ["*"] }, /the URL does not begin with https:\/\/\.$/],
  [{ endpoint: "nowhere", events: ["*"] }, /the URL is not valid\.$/],
  [{ endpoint: "https://a:b@c.test/", events: ["*"] }, /a user name or a password in it\.$/],
  [{ endpoint: "https://a.test:25/", events: ["*"] }, /port 25 belongs to mail servers\.$/],
  [{ endpoint: `https://a.test/${"x".repeat(2_100)}`, events: ["*"] }, /has 2048 characters at most\.$/],
])("%j is refused", async (body, says) => {
  const { status, body: answer } = await ask("POST", "/webhooks", body);
  expect(`${status} ${answer.name} ${answer.message}`).toMatch(says);
});

test("a URL is shown as it was given, and has no white space in it", async () => {
  const { id } = await add({ endpoint: " https://hooks.example.com?a=b " });
  expect((await ask("GET", `/webhooks/${id}`)).body.endpoint).toBe("https://hooks.example.com?a=b");
  const { body } = await ask("POST", "/webhooks", { endpoint: "https://a.test/\nb", events: ["*"] });
  expect(body.message).toBe("Invalid `endpoint` field: the URL has white space in it.");
});

test("a change that changes nothing, or to what is not allowed, is refused", async () => {
  const { id } = await add();
  expect(await ask("PATCH", `/webhooks/${id}`, {})).toMatchObject({
    status: 422,
    body: { name: "missing_required_field" },
  });
  for (const change of [{ endpoint: "http://a.test" }, { events: ["no.event"] }, { status: "paused" }]) {
    expect(await ask("PATCH", `/webhooks/${id}`, change)).toMatchObject({ status: 422 });
  }
});

test("a rotation answers the new secret, which is the one that is read from then on", async () => {
  const { id, signing_secret: old } = await add();
  const { status, body, headers } = await ask("POST", `/webhooks/${id}/signing-secret/rotate`);
  expect({ status, keys: Object.keys(body) }).toEqual({
    status: 200,
    keys: ["object", "id", "signing_secret"],
  });
  expect(headers.get("cache-control")).toBe("no-store");
  expect(body.signing_secret).not.toBe(old);
  const inADay = new Date(app.now().getTime() + 24 * 3_600_000).toISOString();
  expect((await ask("GET", `/webhooks/${id}`)).body).toMatchObject({
    ...{ signing_secret: body.signing_secret, previous_secret_until: inADay },
  });
});

test("a secret is in no log of requests, and not in the database as it is", async () => {
  const { signing_secret } = await add();
  await flushLogs(app);
  const everything = JSON.stringify([
    await app.db.values(sql`select * from webhooks`),
    await app.db.values(sql`select * from logs`),
  ]);
  expect(everything).toContain("signing_secret");
  expect(everything).not.toContain(signing_secret.slice(6, 20));
});

test("webhooks are paged by their ids", async () => {
  const { key: mine } = await testTeam(app);
  const body = { endpoint, events: ["*"] };
  const ids: string[] = [];
  for (let n = 0; n < 3; n++) {
    ids.unshift((await askServer("POST", "/webhooks", { key: mine, body })).body.id);
  }
  const page = async (query: string) => (await askServer("GET", `/webhooks?${query}`, { key: mine })).body;
  const idsOf = ({ data }: { data: { id: string }[] }) => data.map(({ id }) => id);
  expect(idsOf(await page("limit=2"))).toEqual(ids.slice(0, 2));
  expect(await page("limit=2")).toMatchObject({ object: "list", has_more: true });
  expect(idsOf(await page(`limit=2&after=${ids[1]}`))).toEqual(ids.slice(2));
  expect(idsOf(await page(`before=${ids[1]}`))).toEqual(ids.slice(0, 1));
});

test("a team has a hundred webhooks at most", async () => {
  const { key: mine } = await testTeam(app);
  const post = () =>
    askServer("POST", "/webhooks", { key: mine, body: { endpoint, events: ["email.sent"] } });
  for (let n = 0; n < 100; n++) expect((await post()).status).toBe(201);
  const { status, body } = await post();
  expect(`${status} ${body.message}`).toMatch(/^422 A team may have 100 webhooks: /);
});

test("another team's webhook is not there, whatever is asked of it", async () => {
  const { id } = await add();
  const message = `msg_${"0".repeat(32)}`;
  for (const [method, path, body] of [
    ["GET", ""],
    ["PATCH", "", { status: "disabled" }],
    ["DELETE", ""],
    ["POST", "/signing-secret/rotate"],
    ["POST", "/test"],
    ["POST", "/replay", {}],
    ["GET", "/events"],
    ["GET", `/events/${message}`],
    ["POST", `/events/${message}/replay`],
    ["GET", `/events/${message}/attempts`],
  ] as const) {
    for (const [id_, by] of [
      [id, stranger.key],
      [newId(), key],
      ["no-id", key],
    ] as const) {
      expect(await askServer(method, `/webhooks/${id_}${path}`, { key: by, body })).toMatchObject({
        status: 404,
        body: { name: "not_found", message: "Webhook not found" },
      });
    }
  }
  expect((await askServer("GET", "/webhooks", { key: stranger.key })).body.data).toEqual([]);
});

test("an event whose call is under way is being attempted", async () => {
  const scene = await webhookScene();
  const { token } = await createKey(scene.app, scene.teamId, { name: "all" });
  const came = Promise.withResolvers<() => void>();
  const receiver = await startReceiver((_request, response) => came.resolve(() => response.end()));
  const { webhook } = await scene.addWebhook(receiver);
  const told = scene.happens({ type: "email.bounced" });
  const answer = await came.promise;
  const list = () => testServer(scene.app).ask("GET", `/webhooks/${webhook.id}/events`, { key: token });
  expect((await list()).body.data).toMatchObject([{ status: "attempting" }]);
  answer();
  await told;
  expect((await list()).body.data).toMatchObject([{ status: "success" }]);
});

test("events of a webhook are listed, read, paged and replayed, with the calls made", async () => {
  const scene = await webhookScene({ config: { webhooks: { retryDelays: [60_000] } } });
  const { token } = await createKey(scene.app, scene.teamId, { name: "all" });
  const server = testServer(scene.app);
  const get = (path: string) => server.ask("GET", path, { key: token });
  const post = (path: string, body?: unknown) => server.ask("POST", path, { key: token, body });
  const receiver = await startReceiver((_request, response) => response.writeHead(500).end("down"));
  const { webhook } = await scene.addWebhook(receiver);
  for (let n = 0; n < 3; n++) await scene.happens({ type: "email.clicked", data: { click: { link: "x" } } });

  const path = `/webhooks/${webhook.id}/events`;
  const { body: list } = await get(`${path}?limit=2`);
  expect(list).toMatchObject({ object: "list", has_more: true });
  const [newest, second] = list.data;
  expect(newest).toEqual({
    id: expect.stringMatching(/^msg_[0-9a-f]{32}$/),
    type: "email.clicked",
    created_at: scene.app.now().toISOString(),
    status: "pending",
  });
  expect((await get(`${path}?after=${second.id}`)).body.data).toHaveLength(1);
  expect(await get(`${path}?after=${newId()}`)).toMatchObject({
    status: 422,
    body: {
      name: "invalid_parameter",
      message: "The `after` must be the id of an event of this list, `msg_…`.",
    },
  });

  const pending = (await get(`${path}?status=pending&limit=2`)).body;
  expect(pending).toMatchObject({ has_more: true, data: [newest, second], next: second.id });
  expect((await get(`${path}?status=pending&after=${pending.next}`)).body.data).toHaveLength(1);
  expect((await get(`${path}?status=success`)).body).toMatchObject({ has_more: false, data: [] });
  expect((await get(`${path}?status=lost`)).status).toBe(422);

  const { body: event } = await get(`${path}/${newest.id}`);
  expect(event).toEqual({
    object: "webhook_event",
    ...newest,
    next_attempt_at: expect.stringMatching(/^2026-03-01T12:0\d:\d\d\.\d{3}Z$/),
    payload: JSON.parse(receiver.requests.at(-1)!.body),
  });
  const { body: attempts } = await get(`${path}/${newest.id}/attempts`);
  expect(attempts).toEqual({
    object: "list",
    has_more: false,
    data: [
      {
        id: expect.stringMatching(/^atmpt_[0-9a-f]{32}$/),
        http_status_code: 500,
        response: "down",
        sent_at: scene.app.now().toISOString(),
        duration_ms: expect.any(Number),
        error: "The endpoint answered 500; only 2xx says that an event was taken.",
      },
    ],
  });
  expect(await get(`${path}/${newest.id}/attempts?after=msg_1`)).toMatchObject({ status: 422 });

  receiver.answer((_request, response) => response.end());
  expect((await post(`${path}/${newest.id}/replay`)).body).toEqual({
    object: "webhook_event",
    id: newest.id,
  });
  await scene.dispatcher.drained();
  expect((await get(`${path}/${newest.id}`)).body).toMatchObject({
    status: "success",
    next_attempt_at: null,
  });
  expect((await get(`${path}/${newest.id}/attempts?limit=1`)).body).toMatchObject({
    has_more: true,
    data: [{ http_status_code: 200, error: null }],
  });

  const tested = await post(`/webhooks/${webhook.id}/test`);
  expect(tested.body).toEqual({ object: "webhook_event", id: expect.stringMatching(/^msg_/) });
  await scene.dispatcher.drained();
  expect(receiver.types().at(-1)).toBe("webhook.test");

  expect((await post(`/webhooks/${webhook.id}/replay`, { status: "success" })).body).toEqual({
    object: "webhook_replay",
    id: expect.any(String),
  });
  for (const [filter, says] of [
    [{ status: "sent" }, /^Invalid `status` field/],
    [{ type: "email.queued" }, /^Invalid `type` field/],
    [{ from: "yesterday" }, /^Invalid `from` field\. It must be an ISO 8601 time/],
    [{ from: "2026-03-01T12:00:00Z", to: "2026-02-01T12:00:00Z" }, /must be before `to`/],
  ] as const) {
    const { status, body } = await post(`/webhooks/${webhook.id}/replay`, filter);
    expect(status).toBe(422);
    expect(body.message).toMatch(says);
  }
  for (const unknown of [`msg_${"0".repeat(32)}`, "msg_1", "%00"]) {
    expect(await get(`${path}/${unknown}`)).toMatchObject({
      status: 404,
      body: { message: "Webhook event not found" },
    });
  }
});

test("a person who may only look is not shown the secret that signs", async () => {
  const { teamId, userId, user, key } = await testTeam(app);
  const { body: made } = await askServer("POST", "/webhooks", {
    ...{ key, body: { endpoint, events: ["email.bounced"] } },
  });
  const secretFor = async (role: Role) => {
    await atomically(app, [app.db.update(memberships).set({ role }).where(eq(memberships.userId, userId))]);
    const asker = await issueToken(app, user, teamId);
    return (await askServer("GET", `/webhooks/${made.id}`, { key: asker })).body.signing_secret;
  };
  expect(await secretFor("viewer")).toBeNull();
  expect(await secretFor("developer")).toBe(made.signing_secret);
});

test("every event there is to hear of is told with what its calls carry", async () => {
  const { body } = await ask("GET", "/webhooks/event-types");
  const bounced = body.data.find(({ name }: { name: string }) => name === "email.bounced");
  expect(bounced).toMatchObject({
    ...{ object: "webhook_event_type", group: "Emails", description: expect.any(String) },
    example: { type: "email.bounced", data: { bounce: { type: "Permanent" } } },
  });
  const events = body.data.map(({ name }: { name: string }) => name);
  expect((await ask("POST", "/webhooks", { endpoint: "https://hooks.example.com/all", events })).status).toBe(
    201,
  );
});
