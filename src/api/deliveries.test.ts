import { expect, test } from "bun:test";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { testDomain } from "../../test/support/test-domain.ts";
import { testServer } from "../../test/support/test-server.ts";
import { addWaiting, takeJob } from "../../test/support/waiting.ts";
import { atomically } from "../app.ts";
import { attempts } from "../delivery/schema.ts";
import { newId } from "../ids.ts";
import { blockLane } from "../jobs/store.ts";
import { createKey } from "../keys/service.ts";

const app = await testApp();
const server = testServer(app);
const { teamId, key } = await testTeam(app);
const later = (ms: number) => new Date(app.now().getTime() + ms);
const deliveriesOf = (emailId: string) => server.ask("GET", `/emails/${emailId}/deliveries`, { key });

const attempt = (deliveryId: string, number: number, position = 0) =>
  app.db.insert(attempts).values({
    ...{ deliveryId, number, position, outcome: "deferred", class: "policy", host: "mx.test" },
    ...{
      address: "127.0.0.1",
      localAddress: null,
      reused: false,
      limiter: null,
      said: "451 4.7.1 Greylisted.",
    },
    steps: [
      { step: "connect", ms: 1 },
      { step: "rcpt", ms: 3, command: "RCPT TO:<bob@recipient.test>", reply: "451 4.7.1 Greylisted." },
      { step: "rset", ms: 4, reply: "250 2.0.0 OK" },
    ],
    tls: { wanted: "opportunistic", version: "TLSv1.3", cipher: "TLS_AES_256_GCM_SHA384" },
    startedAt: app.now(),
    endedAt: later(5),
  });

test("a delivery shows its state, what it waits for, and what each host said", async () => {
  const [made] = await addWaiting(app, teamId, { lane: "mx.test", deferredUntil: later(600_000) });
  await atomically(app, [attempt(made!.id, 1)]);
  const { status, body } = await deliveriesOf(made!.emailId);
  expect(status).toBe(200);
  const why =
    "Waiting for the next try at 2026-03-01T12:10:00Z, because mx.test said 451 4.7.1 Greylisted at try 1; it is given up at 2026-03-03T12:00:00Z.";
  expect(body).toEqual({
    object: "list",
    has_more: false,
    data: [
      {
        object: "delivery",
        id: made!.id,
        recipient: "bob@recipient.test",
        state: "deferred",
        attempts: 1,
        last_reply: "451 4.7.1 Greylisted.",
        mx_host: "mx.test",
        created_at: "2026-03-01T12:00:00.000Z",
        first_attempt_at: "2026-03-01T12:00:00.000Z",
        next_attempt_at: "2026-03-01T12:10:00.000Z",
        settled_at: null,
        lane: "mx.test",
        waiting_for: { limiter: "retry", reason: "451 4.7.1 Greylisted.", until: "2026-03-01T12:10:00.000Z" },
        status: why,
        history: [
          {
            number: 1,
            position: 0,
            outcome: "deferred",
            class: "policy",
            host: "mx.test",
            address: "127.0.0.1",
            local_address: null,
            reused: false,
            started_at: "2026-03-01T12:00:00.000Z",
            ended_at: "2026-03-01T12:00:00.005Z",
            steps: [
              { step: "connect", ms: 1, command: null, reply: null },
              {
                ...{ step: "rcpt", ms: 3, command: "RCPT TO:<bob@recipient.test>" },
                reply: "451 4.7.1 Greylisted.",
              },
              { step: "rset", ms: 4, command: "RSET", reply: "250 2.0.0 OK" },
            ],
            tls: {
              wanted: "opportunistic",
              version: "TLSv1.3",
              cipher: "TLS_AES_256_GCM_SHA384",
              certificate: null,
              problem: null,
            },
            limiter: null,
            said: "451 4.7.1 Greylisted.",
          },
        ],
      },
    ],
  });
});

test("what the table of jobs and lanes knows is told: under way, blocked, ended", async () => {
  const [busy, blocked, gone] = await addWaiting(
    app,
    teamId,
    {},
    { domain: "blocked.test" },
    { domain: "gone.test" },
  );
  await takeJob(app, busy!.id);
  await atomically(app, [blockLane("deliver/blocked.test", later(60_000), "rate: 20 messages a minute")]);
  await app.transport.batch([
    { sql: "delete from jobs where id = ?", params: [gone!.id] },
    {
      sql: "update deliveries set state = 'delivered', last_reply = '250 OK', settled_at = created_at where id = ?",
      params: [gone!.id],
    },
  ]);
  const told = async ({ emailId }: { emailId: string }) => {
    const [delivery] = (await deliveriesOf(emailId)).body.data;
    return [delivery.waiting_for?.limiter ?? null, delivery.lane, delivery.status];
  };
  expect(await told(busy!)).toEqual(["attempt", "recipient.test", "Being attempted now (try 1)."]);
  expect(await told(blocked!)).toEqual([
    "lane",
    "blocked.test",
    "Waiting until 2026-03-01T12:01:00Z with its whole lane blocked.test: rate: 20 messages a minute.",
  ]);
  expect(await told(gone!)).toEqual([
    null,
    null,
    "Delivered to the recipient's mail server at 2026-03-01T12:00:00Z: 250 OK.",
  ]);
});

test("a long history shows its newest 50 conversations", async () => {
  const [made] = await addWaiting(app, teamId, {});
  const rows = Array.from({ length: 60 }, (_, at) => attempt(made!.id, 1 + Math.floor(at / 2), at % 2));
  await atomically(app, rows);
  const [{ history }] = (await deliveriesOf(made!.emailId)).body.data;
  const places = history.map(({ number, position }: { number: number; position: number }) => [
    number,
    position,
  ]);
  expect(places).toHaveLength(50);
  expect([places[0], places[1], places.at(-1)]).toEqual([
    [30, 1],
    [30, 0],
    [6, 0],
  ]);
});

test("another team's email is not found, and a sending key may not look", async () => {
  const [made] = await addWaiting(app, teamId, {});
  const path = `/emails/${made!.emailId}/deliveries`;
  const other = await testTeam(app, "Another team");
  expect(await server.ask("GET", path, { key: other.key })).toMatchObject({
    ...{ status: 404, body: { name: "not_found", message: "Email not found" } },
  });
  expect((await deliveriesOf(newId())).status).toBe(404);
  expect((await deliveriesOf("nonsense")).status).toBe(404);
  const { token } = await createKey(app, teamId, { name: "sender", permission: "sending_access" });
  expect(await server.ask("GET", path, { key: token })).toMatchObject({
    ...{ status: 401, body: { name: "restricted_api_key" } },
  });
});

test("an email tells where it comes from: its domain, key, broadcast or template", async () => {
  const domain = await testDomain(app, teamId, "origins.example");
  const body = { from: "a@origins.example", to: "b@recipient.test", subject: "Hi", text: "Hi" };
  const { id } = (await server.ask("POST", "/emails", { key, body })).body;
  expect((await server.ask("GET", `/emails/${id}/origin`, { key })).body).toEqual({
    ...{ object: "email_origin", id, domain_id: domain.id, api_key_id: expect.any(String) },
    ...{ broadcast_id: null, from_template: false },
  });
  const stranger = await testTeam(app);
  expect((await server.ask("GET", `/emails/${id}/origin`, { key: stranger.key })).status).toBe(404);
});
