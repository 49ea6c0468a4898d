// What a host can do wrong at each step of a conversation, and what becomes of the delivery.
import { describe, expect, test } from "bun:test";
import { simpleParser } from "mailparser";
import { deliveryScene } from "../../test/support/delivery-scene.ts";
import type { MxScript, Step } from "../../test/support/mx-host.ts";
import { commandOf } from "./schema.ts";

describe("a host that disconnects", () => {
  const beforeTheDot: [Step, string][] = [
    ["greeting", "before the greeting"],
    ["ehlo", "after EHLO"],
    ["mail", "after MAIL FROM"],
    ["rcpt", "after RCPT TO"],
    ["data", "after DATA"],
  ];
  test.each(beforeTheDot)(
    "at %s: the message waits, and goes to the next host if there is one",
    async (step, when) => {
      const here = await deliveryScene({ [step]: { close: true } });
      const id = await here.send();
      expect(await here.onlyDelivery(id)).toMatchObject({ state: "deferred", attempts: 1 });
      const [attempt] = await here.attempts(id);
      expect(attempt).toMatchObject({
        outcome: "deferred",
        class: "infrastructure",
        host: "mx.recipient.test",
      });
      expect(attempt!.said).toContain(when);

      await here.addHost("127.0.0.2");
      here.app.dns.set("recipient.test MX", ["10 mx.recipient.test", "20 spare.recipient.test"]);
      here.app.dns.set("spare.recipient.test A", "127.0.0.2");
      await here.retry(id);
      expect(await here.onlyDelivery(id)).toMatchObject({
        state: "delivered",
        attempts: 2,
        mxHost: "spare.recipient.test",
      });
    },
  );

  test("in the middle of the message: it never saw the end, so the next host is asked", async () => {
    const here = await deliveryScene({ closeAfterMessageBytes: 100 });
    const spare = await here.addHost("127.0.0.2");
    here.app.dns.set("recipient.test MX", ["10 mx.recipient.test", "20 spare.recipient.test"]);
    here.app.dns.set("spare.recipient.test A", "127.0.0.2");
    // More than the sockets between us hold: otherwise the final dot is out before we hear of the break.
    const id = await here.send({
      attachments: [{ filename: "big.bin", content: new Uint8Array(12_000_000) }],
    });
    expect(spare.received).toHaveLength(1);
    expect(await here.onlyDelivery(id)).toMatchObject({ state: "delivered", mxHost: "spare.recipient.test" });
  });

  test("after the final dot: it may have the message, so nobody else is asked before the retry", async () => {
    let tries = 0;
    const here = await deliveryScene({ message: () => (++tries === 1 ? { close: true } : undefined) });
    const spare = await here.addHost("127.0.0.2");
    here.app.dns.set("recipient.test MX", ["10 mx.recipient.test", "20 spare.recipient.test"]);
    here.app.dns.set("spare.recipient.test A", "127.0.0.2");
    const id = await here.send();
    expect(spare.connections).toBe(0);
    expect(await here.onlyDelivery(id)).toMatchObject({ state: "deferred", attempts: 1 });
    await here.retry(id);
    expect(await here.onlyDelivery(id)).toMatchObject({ state: "delivered", attempts: 2 });
  });
});

describe("a host that refuses", () => {
  test("everybody in its greeting is passed over for the next one", async () => {
    const here = await deliveryScene({ greeting: "554 5.3.2 No service for you" });
    await here.addHost("127.0.0.2");
    here.app.dns.set("recipient.test MX", ["10 mx.recipient.test", "20 spare.recipient.test"]);
    here.app.dns.set("spare.recipient.test A", "127.0.0.2");
    const id = await here.send();
    expect(await here.onlyDelivery(id)).toMatchObject({ state: "delivered", mxHost: "spare.recipient.test" });
    expect(
      (await here.attempts(id)).map(({ position, host, said }) => ({ position, host, said })),
    ).toMatchObject([
      { position: 0, host: "mx.recipient.test", said: "554 5.3.2 No service for you" },
      { position: 1, host: "spare.recipient.test" },
    ]);
  });

  test("with 421 says later, not never", async () => {
    const here = await deliveryScene({ mail: "421 4.3.2 Shutting down" });
    const id = await here.send();
    expect(await here.onlyDelivery(id)).toMatchObject({
      state: "deferred",
      lastReply: "421 4.3.2 Shutting down",
    });
  });

  test("a reply that is no SMTP is later, too", async () => {
    const here = await deliveryScene({ rcpt: { bytes: "HTTP/1.1 400 Bad Request\r\n" } });
    const id = await here.send();
    expect((await here.onlyDelivery(id)).state).toBe("deferred");
  });
});

const slowly = (reply: string): MxScript["ehlo"] => ({ slowly: `${reply}\r\n`, everyMs: 1 });

test("a slow host gets its message all the same", async () => {
  const here = await deliveryScene({
    greeting: slowly("220 mx.recipient.test ESMTP"),
    ehlo: slowly("250 mx.recipient.test"),
    rcpt: slowly("250 2.1.5 OK"),
    message: slowly("250 2.0.0 OK"),
  });
  const id = await here.send();
  expect(await here.onlyDelivery(id)).toMatchObject({ state: "delivered" });
});

test("each attempt tells every step, its time, its command and its reply, and what came of encryption", async () => {
  const here = await deliveryScene({ tls: "works" });
  const id = await here.send();
  const [attempt] = await here.attempts(id);
  expect(attempt).toMatchObject({
    number: 1,
    position: 0,
    outcome: "delivered",
    host: "mx.recipient.test",
    address: "127.0.0.1",
    reused: false,
    said: "250 2.0.0 OK queued",
    limiter: null,
  });
  expect(attempt!.tls).toMatchObject({ wanted: "opportunistic", version: "TLSv1.3" });
  expect(attempt!.tls!.certificate).not.toBe("valid");
  const steps = attempt!.steps.map(({ step, reply }) => `${step} ${reply?.slice(0, 3) ?? ""}`.trim());
  expect(steps).toEqual([
    "connect",
    "greeting 220",
    "ehlo 250",
    "starttls 220",
    "handshake",
    "ehlo 250",
    "mail 250",
    "rcpt 250",
    "data 354",
    "message 250",
  ]);
  const commands = attempt!.steps.map((step) => commandOf(step) ?? "");
  expect(commands.filter((command) => !command.startsWith("MAIL FROM"))).toEqual([
    ...["", "", "EHLO mail.mailit.test", "STARTTLS", "", "EHLO mail.mailit.test"],
    ...["RCPT TO:<bob@recipient.test>", "DATA", ""],
  ]);
  expect(commands).toContainEqual(expect.stringMatching(/^MAIL FROM:<b\+\S+@send\.example\.com>/));
  const times = attempt!.steps.map(({ ms }) => ms);
  expect(times).toEqual(times.toSorted((a, b) => a - b));
});

test("a retry carries the same Message-ID and Date, whenever it is made", async () => {
  let tries = 0;
  const here = await deliveryScene({ message: () => (++tries < 3 ? "451 4.3.0 Try again" : undefined) });
  const id = await here.send();
  const before = here.app.now();
  await here.retry(id);
  await here.retry(id);
  const { messageId, date } = await simpleParser(Buffer.from(here.host.received[0]!.message));
  expect(date).toEqual(before);
  expect(messageId).toEndWith("@example.com>");
  expect(await here.onlyDelivery(id)).toMatchObject({ state: "delivered", attempts: 3 });
});

test("a host's last word counts, though a better host could not be reached", async () => {
  const here = await deliveryScene({ rcpt: "550 5.1.1 No such user" });
  here.app.dns.set("recipient.test MX", ["5 down.recipient.test", "10 mx.recipient.test"]);
  here.app.dns.set("down.recipient.test A", "127.0.0.8"); // nobody listens there
  const id = await here.send();
  expect(await here.onlyDelivery(id)).toMatchObject({
    state: "bounced",
    lastReply: "550 5.1.1 No such user",
  });
});
