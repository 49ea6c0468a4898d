import { afterAll, describe, expect, test } from "bun:test";
import { deliveryScene } from "../../test/support/delivery-scene.ts";
import { testApp } from "../../test/support/test-app.ts";
import { periodMetricsRoutes } from "../api/period-metrics.ts";
import { makeServer } from "../api/server.ts";
import type { App } from "../app.ts";
import { scrapeAnswer } from "./metrics.ts";

const closers: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const close of closers) await close();
});

function serve(app: App) {
  const server = makeServer(app)
    .use(periodMetricsRoutes(app, scrapeAnswer(app, ["deliver"], "1.2.3")))
    .listen({ hostname: "127.0.0.1", port: 0 });
  closers.push(() => server.stop(true).then(() => {}));
  const ask = (headers: Record<string, string> = {}) =>
    fetch(`http://127.0.0.1:${server.server!.port}/metrics`, { headers });
  return { ask, handle: () => server.handle(new Request("http://mailit.test/metrics")) };
}

/** Lines of the text format by what stands in front of their value. */
async function read(answer: Promise<Response>): Promise<Record<string, number>> {
  const response = await answer;
  expect([response.status, response.headers.get("content-type")]).toEqual([
    200,
    "text/plain; version=0.0.4; charset=utf-8",
  ]);
  const lines = (await response.text()).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  for (const line of lines) expect(line).toMatch(/^[a-z_]+(\{[^}]*\})? [-+0-9.eInf]+$/);
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ")))]),
  );
}

test("what was sent and tried is measured, and what is now is looked at", async () => {
  const scene = await deliveryScene({
    rcpt: (line) =>
      line.includes("busy") ? "451 4.2.1 Later" : line.includes("gone") ? "550 5.1.1 No" : undefined,
  });
  const { ask } = serve(scene.app);
  const before = await read(ask());
  expect(before).toMatchObject({
    mailit_emails_accepted_total: 0,
    'mailit_queue_jobs{kind="deliver",state="due"}': 0,
  });
  await scene.send({ to: ["bob@recipient.test", "busy@recipient.test", "gone@recipient.test"] });
  expect(await read(ask())).toMatchObject({
    mailit_emails_accepted_total: 1,
    mailit_accept_duration_seconds_count: 1,
    'mailit_delivery_tries_total{outcome="delivered"}': 1,
    'mailit_delivery_tries_total{outcome="deferred"}': 1,
    'mailit_delivery_tries_total{outcome="bounced"}': 1,
    'mailit_attempt_duration_seconds_count{outcome="delivered"}': 1,
    mailit_queue_wait_seconds_count: 3,
    'mailit_jobs_total{kind="deliver",ending="again"}': 1,
    'mailit_jobs_running{kind="deliver"}': 0,
    'mailit_queue_jobs{kind="deliver",state="due"}': 0,
    'mailit_queue_jobs{kind="deliver",state="later"}': 1,
    'mailit_queue_paused{kind="deliver"}': 0,
    mailit_queue_leases: 0,
    mailit_sites: 1,
    'mailit_build_info{version="1.2.3"}': 1,
    process_resident_memory_bytes: expect.any(Number),
  });
  const now = await read(ask());
  for (const name of ['mailit_database_bytes{file="database"}', "mailit_message_workers"]) {
    expect(now[name]).toBeGreaterThan(0);
  }
});

test("a due lane tells for how long", async () => {
  const scene = await deliveryScene({ rcpt: "451 4.2.1 Later" });
  const { ask } = serve(scene.app);
  const id = await scene.send();
  const [delivery] = await scene.deliveries(id);
  await scene.dispatcher.stop();
  scene.app.clock.set(new Date(delivery!.nextAttemptAt!.getTime() + 90_000));
  expect(await read(ask())).toMatchObject({
    'mailit_queue_oldest_due_seconds{kind="deliver"}': 90,
    'mailit_queue_jobs{kind="deliver",state="due"}': 1,
  });
});

describe("without a token metrics are for this machine", async () => {
  const { ask, handle } = serve(await testApp());

  test("directly", async () => {
    expect((await ask()).status).toBe(200);
  });

  test.each(["x-forwarded-for", "x-real-ip", "forwarded", "via"])(
    "not through a proxy, which says %s",
    async (name) => {
      const response = await ask({ [name]: "127.0.0.1" });
      expect(response.status).toBe(403);
      expect(await response.json()).toMatchObject({
        message: expect.stringContaining("set `metrics.token`"),
      });
    },
  );

  test("and not for who is nowhere", async () => {
    expect((await handle()).status).toBe(403);
  });
});

describe("with a token metrics are for who has it", async () => {
  const token = "a-token-of-its-own";
  const { ask, handle } = serve(await testApp({ config: { metrics: { token } } }));

  test("from everywhere", async () => {
    const headers = { authorization: `Bearer ${token}`, "x-forwarded-for": "198.51.100.7" };
    expect((await ask(headers)).status).toBe(200);
  });

  test.each([undefined, "Bearer", `Bearer ${token}x`, `Basic ${token}`])(
    "and for nobody with %p",
    async (authorization) => {
      expect((await ask(authorization ? { authorization } : {})).status).toBe(403);
      expect((await handle()).status).toBe(403);
    },
  );
});
