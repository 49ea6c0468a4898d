// What DNS may say of a recipient's domain, and what becomes of the delivery.
import { describe, expect, test } from "bun:test";
import { deliveryScene } from "../../test/support/delivery-scene.ts";

describe("permanent answers bounce at once:", () => {
  test.each([
    ["a null MX", { "recipient.test MX": "0 ." }, "556 5.1.10"],
    ["a domain that does not exist", { "recipient.test MX": "NXDOMAIN" }, "550 5.1.2"],
  ])("%s", async (_name, records, reply) => {
    const here = await deliveryScene();
    for (const [key, value] of Object.entries(records)) here.app.dns.set(key, value);
    const id = await here.send();
    const delivery = await here.onlyDelivery(id);
    expect(delivery).toMatchObject({ state: "bounced" });
    expect(delivery.lastReply).toStartWith(reply);
    expect(await here.attempts(id)).toMatchObject([{ outcome: "bounced", host: null }]);
    expect(here.host.connections).toBe(0);
  });
});

describe("answers that may change are waited for:", () => {
  test.each([
    ["SERVFAIL for the MX", { "recipient.test MX": "SERVFAIL" }],
    ["a time-out for the MX", { "recipient.test MX": "TIMEOUT" }],
    ["SERVFAIL for the host's addresses", { "mx.recipient.test A": "SERVFAIL" }],
    ["a host without addresses", { "recipient.test MX": "10 nowhere.recipient.test" }],
    [
      "a CNAME that leads in a circle",
      {
        "recipient.test MX": "10 loop.recipient.test",
        "loop.recipient.test CNAME": "pool.recipient.test",
        "pool.recipient.test CNAME": "loop.recipient.test",
      },
    ],
  ])("%s", async (_name, records) => {
    const here = await deliveryScene();
    for (const [key, value] of Object.entries(records)) here.app.dns.set(key, value);
    const id = await here.send();
    expect(await here.onlyDelivery(id)).toMatchObject({ state: "deferred", attempts: 1 });
    expect(await here.attempts(id)).toMatchObject([{ outcome: "deferred", class: "infrastructure" }]);

    here.app.dns.set("recipient.test MX", "10 cured.recipient.test");
    here.app.dns.set("cured.recipient.test A", "127.0.0.1");
    await here.retry(id);
    expect(await here.onlyDelivery(id)).toMatchObject({ state: "delivered", mxHost: "cured.recipient.test" });
  });
});

describe("addresses:", () => {
  test("a host that has only IPv6 is reached by it", async () => {
    const here = await deliveryScene();
    const host = await here.addHost("::1");
    here.app.dns.set("recipient.test MX", "10 six.recipient.test");
    here.app.dns.set("six.recipient.test AAAA", "::1");
    const id = await here.send();
    expect(host.received).toHaveLength(1);
    expect((await here.attempts(id))[0]).toMatchObject({ address: "::1" });
  });

  test("IPv4 takes over where IPv6 does not answer", async () => {
    const here = await deliveryScene(); // listens at 127.0.0.1 only
    here.app.dns.set("mx.recipient.test AAAA", "::1");
    const id = await here.send();
    expect(await here.onlyDelivery(id)).toMatchObject({ state: "delivered" });
    expect((await here.attempts(id)).at(-1)).toMatchObject({ address: "127.0.0.1", outcome: "delivered" });
  });

  test("a CNAME for a host is followed", async () => {
    const here = await deliveryScene();
    here.app.dns.set("recipient.test MX", "10 alias.recipient.test");
    here.app.dns.set("alias.recipient.test CNAME", "mx.recipient.test");
    const id = await here.send();
    expect(await here.onlyDelivery(id)).toMatchObject({ state: "delivered" });
  });

  test.each(["127.0.0.1", "10.0.0.1", "169.254.169.254", "100.64.0.1", "::1", "fd00::1", "64:ff9b::a00:1"])(
    "a host at %s is not asked unless private addresses are allowed",
    async (address) => {
      const here = await deliveryScene({}, { config: { smtpOutbound: { allowPrivateAddresses: false } } });
      here.app.dns.remove("mx.recipient.test A");
      here.app.dns.set(`mx.recipient.test ${address.includes(":") ? "AAAA" : "A"}`, address);
      const id = await here.send();
      expect(here.host.connections).toBe(0);
      const delivery = await here.onlyDelivery(id);
      expect(delivery).toMatchObject({ state: "bounced" });
      expect(delivery.lastReply).toStartWith("550 5.4.4");
    },
  );

  test("the machine's addresses to send from are used in turn, each with its own name", async () => {
    const here = await deliveryScene(
      {},
      {
        config: {
          smtpOutbound: {
            localAddresses: [
              { address: "127.0.0.21", ehloName: "one.mailit.test" },
              { address: "127.0.0.22", ehloName: "two.mailit.test" },
            ],
            sites: [{ match: "*", messagesPerConnection: 1 }],
          },
        },
      },
    );
    const ids = [await here.send(), await here.send(), await here.send()];
    expect(here.host.received.map(({ ehlo }) => ehlo)).toEqual([
      "one.mailit.test",
      "two.mailit.test",
      "one.mailit.test",
    ]);
    const attempts = (await Promise.all(ids.map((id) => here.attempts(id)))).flat();
    expect(attempts.map(({ localAddress }) => localAddress)).toEqual([
      "127.0.0.21",
      "127.0.0.22",
      "127.0.0.21",
    ]);
  });
});

describe("mail that leads back to ourselves is found and bounced:", () => {
  test("by the name of the MX host", async () => {
    const here = await deliveryScene();
    here.app.dns.set("recipient.test MX", "10 mail.mailit.test");
    here.app.dns.set("mail.mailit.test A", "127.0.0.1");
    const id = await here.send();
    expect(here.host.connections).toBe(0);
    const { state, lastReply } = await here.onlyDelivery(id);
    expect(state).toBe("bounced");
    expect(lastReply).toStartWith("554 5.4.6");
  });

  test("by what the host calls itself, where its name is another", async () => {
    const here = await deliveryScene({ hostname: "mail.mailit.test" });
    const id = await here.send();
    expect(here.host.received).toEqual([]);
    const { state, lastReply } = await here.onlyDelivery(id);
    expect(state).toBe("bounced");
    expect(lastReply).toStartWith("554 5.4.6");
  });

  test("but better hosts than ourselves are asked, and worse ones are not", async () => {
    const here = await deliveryScene();
    here.app.dns.set("recipient.test MX", [
      "5 mx.recipient.test",
      "10 mail.mailit.test",
      "20 spare.recipient.test",
    ]);
    const id = await here.send();
    expect(await here.onlyDelivery(id)).toMatchObject({ state: "delivered", mxHost: "mx.recipient.test" });
    here.app.dns.set("recipient.test MX", ["10 mail.mailit.test", "20 mx.recipient.test"]);
    const looped = await here.send();
    expect(await here.onlyDelivery(looped)).toMatchObject({ state: "bounced" });
  });
});

test("an address beyond ASCII bounces with a clear reply where the host can't take it", async () => {
  const here = await deliveryScene({ extensions: ["PIPELINING", "8BITMIME"] });
  const id = await here.send({ to: ["jürgen@recipient.test"] });
  const { state, lastReply } = await here.onlyDelivery(id);
  expect(state).toBe("bounced");
  expect(lastReply).toContain("SMTPUTF8");
});

test("a message larger than the host says it takes is not begun", async () => {
  const here = await deliveryScene({ extensions: ["PIPELINING", "SIZE 1000"] });
  const id = await here.send({ text: "long ".repeat(1_000) });
  expect(here.host.commands).not.toContain("DATA");
  const { state, lastReply } = await here.onlyDelivery(id);
  expect(state).toBe("bounced");
  expect(lastReply).toStartWith("552 5.3.4");
});
