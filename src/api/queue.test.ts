import { describe, expect, test } from "bun:test";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { testServer } from "../../test/support/test-server.ts";
import { addWaiting, lookAt, type WaitingOptions } from "../../test/support/waiting.ts";
import { atomically } from "../app.ts";
import { deliver } from "../emails/jobs.ts";
import { findPause } from "../jobs/pause.ts";
import { blockLane } from "../jobs/store.ts";
import { createKey } from "../keys/service.ts";

const hourMs = 3_600_000;

/** A server with the operator's team and a customer's. */
async function scene() {
  const app = await testApp({ now: new Date() });
  const server = testServer(app);
  const operator = await testTeam(app, "Operator");
  app.clock.advance(1);
  const customer = await testTeam(app, "Customer");
  /** Over a real socket, as clients do. */
  const post = async (path: string, body: unknown, key = operator.key) => {
    const response = await fetch(`${server.url}/queue${path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  const get = (path: string, key = operator.key) => server.ask("GET", `/queue${path}`, { key });
  const add = (...all: WaitingOptions[]) => addWaiting(app, operator.teamId, ...all);
  return { app, operator, customer, post, get, add };
}

describe("a team's own deliveries", () => {
  test("are counted, held, resumed, tried now, bounced and canceled", async () => {
    const { app, post, add } = await scene();
    const later = new Date(app.now().getTime() + hourMs);
    const [one, two] = await add(
      { tags: [{ name: "list", value: "news" }] },
      { domain: "slow.test", deferredUntil: later, ageMs: 3 * hourMs },
    );
    const zero = { queued: 0, deferred: 0, scheduled: 0, held: 0, busy: 0 };
    expect(await post("/count", {})).toEqual({
      ...{ status: 200, body: { object: "queue_count", ...zero, count: 2, queued: 1, deferred: 1 } },
    });
    expect((await post("/count", { older_than: "2h" })).body).toMatchObject({ count: 1, deferred: 1 });
    expect((await post("/count", { newer_than: 7200 })).body).toMatchObject({ count: 1, queued: 1 });

    expect((await post("/pause", { tag: "list:news", reason: "typo" })).body).toEqual({
      ...{ object: "queue_result", matched: 1, changed: 1, busy: 0 },
    });
    expect((await post("/count", { state: "held" })).body).toMatchObject({ count: 1 });
    expect((await post("/resume", { all: true })).body).toMatchObject({ matched: 2, changed: 1 });
    expect((await post("/retry", { domain: "SLOW.test" })).body).toMatchObject({ changed: 1 });
    expect((await lookAt(app, two!)).job?.runAt).toEqual(app.now());
    expect((await post("/bounce", { lane: "slow.test", reason: "closed" })).body).toMatchObject({
      changed: 1,
    });
    expect(await lookAt(app, two!)).toMatchObject({
      ...{ state: "bounced", lastReply: "Bounced by an operator: closed" },
    });
    expect((await post("/cancel", { all: true, expected_count: 1 })).body).toMatchObject({ changed: 1 });
    expect((await lookAt(app, one!)).state).toBe("canceled");
  });

  test("are shown, as many as were asked for", async () => {
    const { app, post, add, customer } = await scene();
    const [one] = await add({ domain: "a.test" }, { domain: "b.test" });
    const shown = {
      ...{
        delivery_id: one!.id,
        email_id: one!.emailId,
        broadcast_id: null,
        recipient: "bob@a.test",
        subject: "Hi",
      },
      ...{ lane: "a.test", state: "queued", busy: false },
      next_at: app.now().toISOString(),
    };
    expect(await post("/list", { domain: "a.test" })).toEqual({
      ...{ status: 200, body: { object: "queue_list", data: [shown] } },
    });
    expect((await post("/list", { limit: 1 })).body.data).toBeArrayOfSize(1);
    expect((await post("/list", {})).body.data).toBeArrayOfSize(2);
    expect((await post("/list", {}, customer.key)).body.data).toEqual([]);
    expect((await post("/list", { limit: 101 })).status).toBe(422);
    expect((await post("/list", { domian: "a.test" })).status).toBe(422);
  });

  test("are all that a key reaches, whatever is asked", async () => {
    const { app, customer, post, add } = await scene();
    const [operators] = await add({});
    const [customers] = await addWaiting(app, customer.teamId, {});
    expect((await post("/count", {}, customer.key)).body).toMatchObject({ count: 1 });
    expect((await post("/bounce", { all: true }, customer.key)).body).toMatchObject({
      matched: 1,
      changed: 1,
    });
    expect((await lookAt(app, operators!)).state).toBe("queued");
    expect((await post("/cancel", { lane: "recipient.test" })).body).toMatchObject({
      matched: 1,
      changed: 1,
    });
    expect((await lookAt(app, customers!)).state).toBe("bounced");
  });

  test("are not touched when there are not as many as were counted", async () => {
    const { app, post, add } = await scene();
    const [one] = await add({}, {});
    const { status, body } = await post("/bounce", { all: true, expected_count: 1 });
    expect({ status, message: body.message }).toEqual({
      status: 409,
      message: "The filter matches 2 deliveries and not 1. Nothing was changed; count again.",
    });
    expect((await lookAt(app, one!)).state).toBe("queued");
  });

  test.each([
    ["nothing", {}, "Say which deliveries: "],
    ["all that are not all", { all: false }, "Say which deliveries: "],
    ["a misspelt field", { domain: "recipient.test", sate: "held" }, "Invalid `sate` field."],
    ["an unknown state", { state: "delivered" }, "Invalid `state` field."],
    ["no time", { older_than: "soon" }, "Invalid `older_than` field."],
    ["a negative time", { newer_than: -5 }, "Invalid `newer_than` field."],
    ["no domain", { domain: "a b" }, "Invalid `domain` field."],
    ["an empty lane", { lane: "" }, "Invalid `lane` field."],
    ["a number of reasons", { all: true, reason: 1 }, "Invalid `reason` field."],
    ["a fraction", { all: true, expected_count: 1.5 }, "Invalid `expected_count` field."],
  ])("are not picked by %s", async (_, body, message) => {
    const { app, post, add } = await scene();
    const [one] = await add({});
    const answer = await post("/cancel", body);
    expect(answer.status).toBe(422);
    expect(answer.body.message).toStartWith(message);
    expect((await lookAt(app, one!)).state).toBe("queued");
  });
});

describe("the server's switches", () => {
  test("stop all sending and start it, for the operator", async () => {
    const { app, post, get, customer } = await scene();
    const active = { object: "queue", sending: "active", reason: null, paused_at: null };
    const paused = {
      ...active,
      sending: "paused",
      reason: "moving house",
      paused_at: app.now().toISOString(),
    };
    expect((await get("")).body).toEqual(active);
    expect(await post("/sending/pause", { reason: "moving house" })).toEqual({ status: 200, body: paused });
    expect(await findPause(app.db, deliver.name)).toMatchObject({ reason: "moving house" });
    expect((await get("", customer.key)).body).toEqual(paused);
    expect((await post("/sending/resume", {})).body).toEqual(active);
  });

  test("stop a lane and open it, and show lanes by name, a page at a time", async () => {
    const { app, post, get, add } = await scene();
    await add({ domain: "a.test" }, { domain: "b.test" });
    const until = new Date(app.now().getTime() + 60_000);
    await atomically(app, [blockLane("deliver/c.test", until, "rate"), blockLane("other/x", until, "rate")]);
    expect((await post("/lanes/pause", { lane: "deliver/b.test", reason: "called us" })).body).toEqual({
      ...{ object: "lane", lane: "b.test", paused: true },
    });
    const open = {
      object: "lane",
      next_at: null,
      blocked_until: null,
      blocked_by: null,
      paused: false,
      busy: 0,
    };
    const one = { waiting: 1, due: 1 };
    const turn = "Waits for its turn, with the few connections that a destination begins with.";
    const paused = "Paused until somebody resumes it: called us.";
    const blocked = `Blocked until ${until.toISOString().replace(/\.\d+Z/, "Z")}: rate.`;
    const first = await get("/lanes?limit=2");
    expect(first.body).toEqual({
      object: "list",
      has_more: true,
      data: [
        { ...open, ...one, lane: "a.test", next_at: app.now().toISOString(), status: turn },
        { ...open, ...one, lane: "b.test", blocked_by: "called us", paused: true, status: paused },
      ],
    });
    expect((await get("/lanes?limit=2&after=b.test")).body).toEqual({
      object: "list",
      has_more: false,
      data: [
        {
          ...{ ...open, lane: "c.test", blocked_until: until.toISOString(), blocked_by: "rate" },
          ...{ waiting: 0, due: 0, status: blocked },
        },
      ],
    });
    expect((await post("/lanes/resume", { lane: "b.test" })).body).toMatchObject({ paused: false });
    expect((await get("/lanes?after=a.test&limit=1")).body.data).toMatchObject([
      { lane: "b.test", paused: false, next_at: app.now().toISOString() },
    ]);
    expect((await get("/lanes?limit=0")).status).toBe(422);
  });

  test("are nobody's but the operator's", async () => {
    const { app, customer, post, get, operator } = await scene();
    const refused = await Promise.all([
      get("/lanes", customer.key),
      post("/lanes/pause", { lane: "a.test" }, customer.key),
      post("/lanes/resume", { lane: "a.test" }, customer.key),
      post("/sending/pause", {}, customer.key),
      post("/sending/resume", {}, customer.key),
    ]);
    for (const { status, body } of refused) {
      expect({ status, message: body.message }).toEqual({
        status: 403,
        message:
          "This concerns every team on the server: only the operator's team, the first one made, may do it.",
      });
    }
    expect(await findPause(app.db, deliver.name)).toBeUndefined();
    const { token } = await createKey(app, operator.teamId, { name: "s", permission: "sending_access" });
    expect((await post("/cancel", { all: true }, token)).status).toBe(401);
    expect((await get("", token)).status).toBe(401);
  });
});
