import { afterEach, describe, expect, test } from "bun:test";
import net from "node:net";
import { type MxHost, type MxScript, startMxHost } from "../../test/support/mx-host.ts";
import { envelope, message, offer } from "../../test/support/offer.ts";

const hosts: MxHost[] = [];
afterEach(async () => {
  await Promise.all(hosts.splice(0).map((host) => host.close()));
});

async function mxHost(script?: MxScript): Promise<MxHost> {
  const host = await startMxHost(script);
  hosts.push(host);
  return host;
}

const bytes = (text: string) => new TextEncoder().encode(text);
const plain = ["8BITMIME", "SIZE 1000000"]; // no PIPELINING: one command at a time

describe("a host that takes the message", () => {
  test("gets envelope and bytes, and its reply is handed back", async () => {
    const host = await mxHost({ message: "250 2.0.0 queued as 4F1" });
    expect(await offer(host)).toMatchObject({
      kind: "accepted",
      reply: { code: 250, enhanced: "2.0.0", text: "queued as 4F1" },
      tls: undefined,
      eightBit: false,
    });
    expect(host.received).toEqual([
      { from: "bounce@example.net", to: ["ada@example.com"], message, tls: false, ehlo: "out.example.net" },
    ]);
  });

  test("is told QUIT, and the connection is closed", async () => {
    const host = await mxHost();
    await offer(host);
    await host.waitUntilIdle();
    expect(host.commands.at(-1)).toBe("QUIT");
  });

  test("is not waited for when it does not answer QUIT", async () => {
    const host = await mxHost({ quit: { silent: true } });
    expect(await offer(host)).toMatchObject({ kind: "accepted" });
  });

  test("may hang up right after its yes", async () => {
    const host = await mxHost({ message: { close: true, reply: "250 2.0.0 Got it, bye" } });
    expect(await offer(host)).toMatchObject({ kind: "accepted", reply: { text: "Got it, bye" } });
    await host.waitUntilIdle();
  });

  test("may do without PIPELINING, and without any extension", async () => {
    const host = await mxHost({ extensions: [] });
    expect(await offer(host)).toMatchObject({ kind: "accepted" });
    expect(host.commands.slice(0, 4)).toEqual([
      "EHLO out.example.net",
      "MAIL FROM:<bounce@example.net>",
      "RCPT TO:<ada@example.com>",
      "DATA",
    ]);
  });

  test("may answer every step in several lines", async () => {
    const host = await mxHost({
      greeting: "220-mx.example.com\n220-no spam please\n220 ready",
      mail: "250-2.1.0 sender\n250 2.1.0 ok",
      rcpt: "250-2.1.5 recipient\n250 2.1.5 ok",
      data: "354-go\n354 ahead",
      message: "250-2.0.0 queued\n250 2.0.0 as 77",
    });
    expect(await offer(host)).toMatchObject({
      kind: "accepted",
      reply: { code: 250, enhanced: "2.0.0", text: "queued as 77" },
    });
  });

  test("may answer byte by byte", async () => {
    const host = await mxHost({ greeting: { slowly: "220 mx.example.com", everyMs: 1 } });
    expect(await offer(host)).toMatchObject({ kind: "accepted" });
  });

  test("may know HELO only", async () => {
    const host = await mxHost({ ehlo: "500 5.5.2 What?" });
    expect(await offer(host)).toMatchObject({ kind: "accepted" });
    expect(host.commands.slice(0, 3)).toEqual([
      "EHLO out.example.net",
      "HELO out.example.net",
      "MAIL FROM:<bounce@example.net>",
    ]);
  });

  test("sees the null sender as <>", async () => {
    const host = await mxHost();
    await offer(host, { envelope: { from: "", to: "ada@example.com" } });
    expect(host.commands).toContainEqual(expect.stringMatching(/^MAIL FROM:<>/));
    expect(host.received[0]).toMatchObject({ from: "" });
  });

  test("is never asked for delivery reports", async () => {
    const host = await mxHost({ extensions: ["PIPELINING", "DSN"] });
    await offer(host);
    expect(host.commands.join("\n")).not.toMatch(/NOTIFY|RET=|ORCPT|ENVID/);
  });

  test("is told BODY=8BITMIME for bytes above 127, if it offers it", async () => {
    const eightBit = bytes("Subject: hello\r\n\r\nGrüße\r\n");
    const modern = await mxHost();
    expect(await offer(modern, { message: eightBit })).toMatchObject({ kind: "accepted", eightBit: true });
    expect(modern.commands).toContainEqual(expect.stringContaining("BODY=8BITMIME"));

    const old = await mxHost({ extensions: [] });
    expect(await offer(old, { message: eightBit })).toMatchObject({ kind: "accepted", eightBit: false });
    expect(old.received[0]?.message).toEqual(eightBit);
  });

  test("is told SMTPUTF8 for an address beyond ASCII", async () => {
    const host = await mxHost();
    await offer(host, { envelope: { ...envelope, to: "jürgen@example.com" } });
    expect(host.commands).toContainEqual(expect.stringContaining("SMTPUTF8"));
    expect(host.received[0]?.to).toEqual(["jürgen@example.com"]);
  });

  test("is reached from the local address that was asked for", async () => {
    const seen = Promise.withResolvers<string | undefined>();
    const server = net.createServer((socket) => {
      seen.resolve(socket.remoteAddress);
      socket.end("421 busy\r\n");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as net.AddressInfo;
    const host = await mxHost();
    await offer(host, { port, localAddress: "127.0.0.2" });
    expect(await seen.promise).toBe("127.0.0.2");
    server.close();
  });
});

describe("a host that can't take the message", () => {
  test("because of its size is not asked", async () => {
    const host = await mxHost({ extensions: ["SIZE 20"] });
    expect(await offer(host)).toMatchObject({
      kind: "unsupported",
      step: "mail",
      reply: { code: 552, enhanced: "5.3.4" },
    });
    await host.waitUntilIdle();
    expect(host.commands).toEqual(["EHLO out.example.net", "QUIT"]);
  });

  test("because of a non-ASCII address is not asked", async () => {
    const host = await mxHost({ extensions: plain });
    expect(await offer(host, { envelope: { ...envelope, to: "jürgen@example.com" } })).toMatchObject({
      kind: "unsupported",
      step: "mail",
      reply: { code: 553, enhanced: "5.6.7" },
    });
    expect(host.received).toEqual([]);
  });

  test("says so by SIZE at MAIL FROM, and no message is sent", async () => {
    const host = await mxHost({ extensions: ["SIZE"], mail: "552 5.3.4 Too big today" });
    expect(await offer(host)).toMatchObject({ kind: "refused", step: "mail", reply: { enhanced: "5.3.4" } });
    expect(host.commands).toContainEqual("MAIL FROM:<bounce@example.net> SIZE=32");
  });
});

describe("what must not go on the wire", () => {
  test.each(["a@example.com>\r\nRCPT TO:<b@example.com", "a\0@example.com", "a>b@example.com", ""])(
    "a recipient like %j is refused without a connection",
    async (to) => {
      const host = await mxHost();
      expect(await offer(host, { envelope: { ...envelope, to } })).toMatchObject({
        kind: "unsupported",
        reply: { code: 553, enhanced: "5.1.3" },
      });
      expect(host.connections).toBe(0);
    },
  );

  test("a sender with a line break is refused without a connection", async () => {
    const host = await mxHost();
    const from = "a@example.net>\r\nRSET";
    expect(await offer(host, { envelope: { ...envelope, from } })).toMatchObject({
      reply: { enhanced: "5.1.7" },
    });
    expect(host.connections).toBe(0);
  });

  test.each(["a\nb\r\n", "a\rb\r\n", "a\r", "\n"])("a message like %j is an error", async (text) => {
    const host = await mxHost();
    await expect(offer(host, { message: bytes(text) })).rejects.toThrow(/bare (CR|LF)/);
    expect(host.connections).toBe(0);
  });
});

describe("a host that says no", () => {
  const steps = ["greeting", "mail", "rcpt", "data", "message"] as const;
  const replies = ["550 5.7.1 Not from you", "451 4.7.1 Come back later", "421 4.3.2 Shutting down"];
  const cases = steps.flatMap((step) => replies.map((reply) => ({ step, reply })));

  test.each(cases)("at $step with $reply is heard", async ({ step, reply }) => {
    const [code, enhanced] = reply.split(" ");
    const expected = { kind: "refused", step, reply: { code: Number(code), enhanced } };
    const pipelining = await mxHost({ [step]: reply });
    const oneByOne = await mxHost({ [step]: reply, extensions: plain });
    expect(await offer(pipelining)).toMatchObject(expected);
    expect(await offer(oneByOne)).toMatchObject(expected);
    expect(pipelining.received).toEqual([]);
    expect(oneByOne.received).toEqual([]);
  });

  test("to both EHLO and HELO is heard", async () => {
    const host = await mxHost({ ehlo: "502 5.5.1 No", helo: "550 5.7.1 Go away" });
    expect(await offer(host)).toMatchObject({ kind: "refused", step: "ehlo", reply: { code: 550 } });
  });

  test("with 421 to EHLO is not asked HELO", async () => {
    const host = await mxHost({ ehlo: "421 4.3.2 Busy" });
    expect(await offer(host)).toMatchObject({ kind: "refused", step: "ehlo", reply: { code: 421 } });
    expect(host.commands).toEqual(["EHLO out.example.net"]);
  });

  test("in several lines is quoted in one", async () => {
    const host = await mxHost({ rcpt: "550-5.1.1 There is no ada here.\n550 5.1.1 Try grace." });
    expect(await offer(host)).toMatchObject({
      reply: { code: 550, enhanced: "5.1.1", text: "There is no ada here. Try grace." },
    });
  });

  test("and hangs up in the same breath is still heard", async () => {
    const host = await mxHost({ rcpt: { close: true, reply: "550 5.1.1 No such user" } });
    expect(await offer(host)).toMatchObject({ kind: "refused", step: "rcpt", reply: { enhanced: "5.1.1" } });
  });

  test("to the recipient and yes to DATA gets no message", async () => {
    const host = await mxHost({ rcpt: "550 5.1.1 No such user", data: "354 Go ahead, if you must" });
    expect(await offer(host)).toMatchObject({ kind: "refused", step: "rcpt", reply: { code: 550 } });
    expect(host.received).toEqual([]);
  });

  test("in the middle of the message is heard", async () => {
    const host = await mxHost({ data: "354 Go ahead\n421 4.3.0 Changed my mind" });
    expect(await offer(host)).toMatchObject({ kind: "refused", step: "message", reply: { code: 421 } });
  });

  test("to the recipient and then nothing at all to DATA is heard", async () => {
    const host = await mxHost({ rcpt: "550 5.1.1 No such user", data: { silent: true } });
    expect(await offer(host, { deadlines: { dataMs: 50 } })).toMatchObject({
      kind: "refused",
      step: "rcpt",
      reply: { code: 550 },
    });
    await host.waitUntilIdle();
    expect(host.commands.at(-1)).toBe("DATA");
  });

  test("gets QUIT", async () => {
    const host = await mxHost({ rcpt: "550 5.1.1 No such user" });
    await offer(host);
    await host.waitUntilIdle();
    expect(host.commands.at(-1)).toBe("QUIT");
  });
});

describe("a connection that breaks", () => {
  test.each([
    { step: "greeting", reason: "connection closed before the greeting" },
    { step: "ehlo", reason: "connection closed after EHLO" },
    { step: "mail", reason: "connection closed after MAIL FROM" },
    { step: "rcpt", reason: "connection closed after RCPT TO" },
    { step: "data", reason: "connection closed after DATA" },
  ] as const)("at $step is unambiguous", async ({ step, reason }) => {
    const host = await mxHost({ [step]: { close: true }, extensions: plain });
    expect(await offer(host)).toMatchObject({
      kind: "unreachable",
      step,
      reason,
      ambiguous: false,
      tlsBroken: false,
    });
  });

  test("in a pipeline is laid to the command that was not answered", async () => {
    const host = await mxHost({ rcpt: { close: true } });
    expect(await offer(host)).toMatchObject({ kind: "unreachable", step: "rcpt", ambiguous: false });
  });

  test("in the middle of the message is unambiguous: the host never saw its end", async () => {
    const host = await mxHost({ closeAfterMessageBytes: 1_000 });
    const big = bytes(`${"x".repeat(998)}\r\n`.repeat(20_000));
    expect(await offer(host, { message: big })).toMatchObject({
      kind: "unreachable",
      step: "message",
      ambiguous: false,
      reason: expect.stringMatching(/^connection (closed|reset) in the middle of DATA$/),
    });
  });

  test("after the final dot is ambiguous: the host may have the message", async () => {
    const host = await mxHost({ message: { close: true } });
    expect(await offer(host)).toMatchObject({
      kind: "unreachable",
      step: "message",
      reason: "connection closed after the final dot",
      ambiguous: true,
      tlsBroken: false,
    });
  });

  test("was never there when nobody listens", async () => {
    const host = await mxHost();
    await host.close();
    expect(await offer(host)).toMatchObject({
      kind: "unreachable",
      step: "connect",
      reason: "connection refused",
      ambiguous: false,
      tlsBroken: false,
    });
  });

  test("can't be made from an address this machine does not have", async () => {
    const host = await mxHost();
    expect(await offer(host, { localAddress: "192.0.2.1" })).toMatchObject({
      kind: "unreachable",
      step: "connect",
    });
  });
});

describe("a host that keeps silent", () => {
  test.each([
    { step: "greeting", deadlines: { greetingMs: 50 }, reason: "no greeting within 0.05 s" },
    { step: "ehlo", deadlines: { ehloMs: 50 }, reason: "no reply to EHLO within 0.05 s" },
    { step: "mail", deadlines: { mailMs: 50 }, reason: "no reply to MAIL FROM within 0.05 s" },
    { step: "rcpt", deadlines: { rcptMs: 50 }, reason: "no reply to RCPT TO within 0.05 s" },
    { step: "data", deadlines: { dataMs: 50 }, reason: "no reply to DATA within 0.05 s" },
  ] as const)("at $step is left", async ({ step, deadlines, reason }) => {
    const host = await mxHost({ [step]: { silent: true } });
    expect(await offer(host, { deadlines })).toMatchObject({
      kind: "unreachable",
      step,
      reason,
      ambiguous: false,
      tlsBroken: false,
    });
    await host.waitUntilIdle();
  });

  test("after the final dot leaves us in doubt", async () => {
    const host = await mxHost({ message: { silent: true } });
    expect(await offer(host, { deadlines: { messageMs: 50 } })).toMatchObject({
      kind: "unreachable",
      step: "message",
      reason: "no reply to the message within 0.05 s",
      ambiguous: true,
    });
  });

  test("but for a byte now and then is left all the same", async () => {
    const host = await mxHost({ greeting: { slowly: `220-${"x".repeat(10_000)}`, everyMs: 5 } });
    expect(await offer(host, { deadlines: { greetingMs: 60 } })).toMatchObject({ step: "greeting" });
    await host.waitUntilIdle();
  });

  test("is left when the whole attempt has taken too long", async () => {
    const host = await mxHost({ rcpt: { silent: true } });
    expect(await offer(host, { deadlines: { attemptMs: 50 } })).toMatchObject({
      kind: "unreachable",
      step: "rcpt",
      reason: "not finished within 0.05 s",
    });
  });

  test("is left when the caller calls off the attempt", async () => {
    const stop = new AbortController();
    const host = await mxHost({
      rcpt: () => {
        stop.abort();
        return { silent: true };
      },
    });
    expect(await offer(host, { signal: stop.signal })).toMatchObject({ reason: "the attempt was stopped" });
    await host.waitUntilIdle();
    expect(await offer(host, { signal: stop.signal })).toMatchObject({ reason: "the attempt was stopped" });
    expect(host.connections).toBe(1);
  });
});
