// Sites: which domains share connections, how many there are, and what a site may ask of us.
import { describe, expect, test } from "bun:test";
import { type DeliveryScene, deliveryScene, draft } from "../../test/support/delivery-scene.ts";
import { laneForDomain } from "../emails/lanes.ts";
import { sendEmail } from "../emails/send.ts";
import { findLane } from "../jobs/store.ts";
import { siteName } from "./route.ts";
import { sitesOf } from "./sites.ts";

/** Sends many emails that fall due together. */
async function sendMany(here: DeliveryScene, count: number, domain = "recipient.test"): Promise<void> {
  const scheduledAt = new Date(here.app.now().getTime() + 60_000);
  for (let n = 0; n < count; n++) {
    await sendEmail(here.app, { teamId: here.teamId }, { ...draft, to: [`user${n}@${domain}`], scheduledAt });
  }
  here.app.clock.set(scheduledAt);
  await here.dispatcher.drained();
}

test("a site has the same name whatever the order and preferences of its hosts", () => {
  const one = siteName([
    { name: "b.example", preference: 10 },
    { name: "a.example", preference: 20 },
  ]);
  const other = siteName([
    { name: "a.example", preference: 5 },
    { name: "b.example", preference: 5 },
  ]);
  expect(one).toBe(other);
  expect(one).toStartWith("a.example+1-");
  expect(siteName([{ name: "a.example", preference: 10 }])).toBe("a.example");
  expect(
    siteName([
      { name: "a.example", preference: 10 },
      { name: "c.example", preference: 10 },
    ]),
  ).not.toBe(one);
});

describe("connections", () => {
  test("are kept for the next message, which begins with RSET", async () => {
    const here = await deliveryScene();
    await here.send();
    const id = await here.send({ to: ["carol@recipient.test"] });
    expect(here.host.connections).toBe(1);
    expect(here.host.received).toHaveLength(2);
    expect(here.host.commands.filter((line) => line === "RSET")).toHaveLength(1);
    expect((await here.attempts(id))[0]).toMatchObject({ reused: true });
  });

  test("are shared by domains that have the same hosts", async () => {
    const here = await deliveryScene();
    here.app.dns.set("other.test MX", "10 mx.recipient.test");
    await here.send();
    await here.send({ to: ["carol@other.test"] });
    expect(here.host.connections).toBe(1);
    expect(laneForDomain(here.app, "other.test")).toBe("mx.recipient.test");
  });

  test("are closed after their share of messages", async () => {
    const here = await deliveryScene(
      {},
      { config: { smtpOutbound: { sites: [{ match: "*.recipient.test", messagesPerConnection: 2 }] } } },
    );
    for (let n = 0; n < 4; n++) await here.send();
    expect(here.host.connections).toBe(2);
  });

  test("that the host closed while they were idle are replaced, and the message does not suffer", async () => {
    const here = await deliveryScene({ message: { close: true, reply: "250 2.0.0 OK, and good bye" } });
    await here.send();
    await here.host.waitUntilIdle();
    const id = await here.send();
    expect(await here.onlyDelivery(id)).toMatchObject({ state: "delivered", attempts: 1 });
    expect(here.host.connections).toBe(2);
  });

  test("that the host ends with 421 between two messages are replaced, too", async () => {
    let asked = 0;
    const here = await deliveryScene({
      rset: () => (++asked === 1 ? { close: true, reply: "421 4.4.2 Idle for too long" } : undefined),
    });
    await here.send();
    const id = await here.send();
    expect(await here.onlyDelivery(id)).toMatchObject({ state: "delivered", attempts: 1 });
    expect((await here.attempts(id)).map(({ reused }) => reused)).toEqual([false]);
  });

  test("are at most five to a site at first, and more while it takes what comes", async () => {
    let most = 0;
    const here = await deliveryScene({
      greeting: () => {
        most = Math.max(most, here.host.openConnections);
        return undefined;
      },
    });
    await sendMany(here, 5);
    expect(most).toBeLessThanOrEqual(5);
    await sendMany(here, 100);
    expect(here.host.received).toHaveLength(105);
    expect(sitesOf(here.app).find("mx.recipient.test")!.limit).toBeGreaterThan(5);
  });

  test("encrypted or not are not mixed up: who must encrypt takes none that is in plaintext", async () => {
    const here = await deliveryScene();
    await here.send();
    await here.app.transport.batch([{ sql: "update domains set tls = 'enforced'", params: [] }]);
    const id = await here.send();
    expect(here.host.received).toHaveLength(1);
    expect(await here.onlyDelivery(id)).toMatchObject({ state: "deferred" });
  });
});

describe("a site that asks for less", () => {
  test("by 421 at its limit of connections gets no more of them, and nobody's attempt is lost to it", async () => {
    const here = await deliveryScene({
      greeting: (_line, connection) =>
        connection > 2 ? { close: true, reply: "421 4.7.0 Too many connections" } : undefined,
      // Two conversations that take a while, so that others come to the door meanwhile.
      message: { slowly: "250 2.0.0 OK\r\n", everyMs: 2 },
    });
    await sendMany(here, 10);
    for (let round = 0; round < 20 && here.host.received.length < 10; round++) {
      here.app.clock.advance(15_000);
      await here.dispatcher.drained();
    }
    expect(here.host.received).toHaveLength(10);
    expect(sitesOf(here.app).find("mx.recipient.test")!.limit).toBeLessThanOrEqual(2);
    const rows = await here.app.db.values<[number]>("select max(attempts) from deliveries" as never);
    expect(rows).toEqual([[1]]);
  });

  test("by a rate of the configuration gets its messages one after the other; the lane says what it waits for", async () => {
    const here = await deliveryScene(
      {},
      {
        config: {
          smtpOutbound: { sites: [{ match: "recipient.test", rate: { messages: 6, perMs: 60_000 } }] },
        },
      },
    );
    await sendMany(here, 4);
    expect(here.host.received).toHaveLength(1);
    const lane = await findLane(here.app.db, "deliver/mx.recipient.test");
    expect(lane!.blockedBy).toBe("rate: mx.recipient.test gets 6 messages in 60 s");
    expect(lane!.blockedUntil).toEqual(new Date(here.app.now().getTime() + 10_000));

    here.app.clock.advance(9_000);
    await here.dispatcher.drained();
    expect(here.host.received).toHaveLength(1);
    for (const expected of [2, 3, 4]) {
      here.app.clock.set((await findLane(here.app.db, "deliver/mx.recipient.test"))!.blockedUntil!);
      await here.dispatcher.drained();
      expect(here.host.received).toHaveLength(expected);
    }
  });

  test("for an hour is left alone for an hour: nobody else knocks meanwhile, and the lane says why", async () => {
    const here = await deliveryScene({
      hostname: "mta7.am0.yahoodns.net",
      mail: "421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to user complaints - 4.16.55.1",
    });
    here.app.dns.set("recipient.test MX", "10 mta7.am0.yahoodns.net");
    here.app.dns.set("mta7.am0.yahoodns.net A", "127.0.0.1");
    const first = await here.send();
    expect(await here.onlyDelivery(first)).toMatchObject({ state: "deferred" });
    const connections = here.host.connections;
    const second = await here.send({ to: ["carol@recipient.test"] });
    expect(here.host.connections).toBe(connections);
    expect(await here.onlyDelivery(second)).toMatchObject({ state: "queued", attempts: 0 });
    const lane = await findLane(here.app.db, "deliver/mta7.am0.yahoodns.net");
    expect(lane!.blockedUntil!.getTime() - here.app.now().getTime()).toBeGreaterThan(30 * 60_000);
    expect(lane!.blockedBy).toContain("TSS04");
    expect((await here.attempts(first))[0]!.limiter).toContain("mta7.am0.yahoodns.net");
  });
});

test("a dead first host costs a living second one nothing", async () => {
  const here = await deliveryScene();
  here.app.dns.set("recipient.test MX", ["5 down.recipient.test", "10 mx.recipient.test"]);
  here.app.dns.set("down.recipient.test A", "127.0.0.8"); // nobody listens there
  await sendMany(here, 20);
  expect(here.host.received).toHaveLength(20);
});

test("a host that can't be reached is not asked again for each message, and its mail follows the retry plan", async () => {
  const here = await deliveryScene();
  here.app.dns.set("recipient.test MX", "10 down.recipient.test");
  here.app.dns.set("down.recipient.test A", "127.0.0.9"); // nobody listens there
  const first = await here.send();
  const second = await here.send({ to: ["carol@recipient.test"] });
  expect(await here.onlyDelivery(first)).toMatchObject({ state: "deferred", attempts: 1 });
  expect(await here.onlyDelivery(second)).toMatchObject({ state: "deferred", attempts: 1 });
  const [attempt] = await here.attempts(second);
  expect(attempt!.said).toContain("not asked again yet");
  expect(attempt!.limiter).toContain("down.recipient.test could not be reached");

  await here.addHost("127.0.0.9");
  await here.retry(second);
  await here.retry(first);
  expect(await here.onlyDelivery(first)).toMatchObject({ state: "delivered" });
  expect(await here.onlyDelivery(second)).toMatchObject({ state: "delivered" });
});
