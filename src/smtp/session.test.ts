import { afterEach, describe, expect, test } from "bun:test";
import { type Behaviour, type MxHost, type MxScript, startMxHost } from "../../test/support/mx-host.ts";
import { closing, connected, envelope, message, open } from "../../test/support/offer.ts";

const hosts: MxHost[] = [];
afterEach(async () => {
  await Promise.all(hosts.splice(0).map((host) => host.close()));
});

async function mxHost(script?: MxScript): Promise<MxHost> {
  const host = await startMxHost(script);
  hosts.push(host);
  return host;
}

/** A script's step that does one thing after the other, and then nothing special. */
function inTurn(...behaviours: (Behaviour | undefined)[]) {
  let asked = 0;
  return () => behaviours[asked++];
}

const bytes = (text: string) => new TextEncoder().encode(text);
const plain = ["8BITMIME", "SIZE 1000000"]; // no PIPELINING: one command at a time
const both = [undefined, plain]; // with PIPELINING, and without

describe("a connection", () => {
  test("carries many messages", async () => {
    const host = await mxHost();
    const { session, next } = await connected(host);
    for (let count = 0; count < 30; count++) {
      expect(await next(bytes(`Subject: ${count}\r\n`))).toMatchObject({ kind: "accepted", eightBit: false });
      expect(session).toMatchObject({ transactions: count + 1, isIdle: true, isClosed: false });
    }
    expect(host.connections).toBe(1);
    expect(host.received.map(({ message: sent }) => Buffer.from(sent).toString())).toEqual(
      Array.from({ length: 30 }, (_, count) => `Subject: ${count}\r\n`),
    );
  });

  test.each(both)("begins every message but the first with RSET (%j)", async (extensions) => {
    const host = await mxHost({ extensions });
    const { next } = await connected(host);
    for (let count = 0; count < 3; count++) await next();
    const verbs = host.commands.map((command) => command.split(" ", 1)[0]);
    const first = ["MAIL", "RCPT", "DATA"];
    expect(verbs).toEqual(["EHLO", ...first, "RSET", ...first, "RSET", ...first]);
  });

  test("says everything before the message in one piece where the host offers PIPELINING", async () => {
    const host = await mxHost({ extensions: ["PIPELINING"] });
    const { next } = await connected(host);
    await next();
    await next();
    const turn = "MAIL FROM:<bounce@example.net>\r\nRCPT TO:<ada@example.com>\r\nDATA\r\n";
    expect(host.turns).toEqual(["EHLO out.example.net\r\n", turn, `RSET\r\n${turn}`]);
  });

  test("waits for every answer where it does not", async () => {
    const host = await mxHost({ extensions: [] });
    const { next } = await connected(host);
    await next();
    await next();
    expect(host.turns).toHaveLength(8);
    for (const turn of host.turns) expect(turn).toMatch(/^[^\n]+\r\n$/);
  });

  test("knows its host", async () => {
    const host = await mxHost({ ehlo: "250-MX7.Example.COM greets you\n250-SIZE 1000\n250 8BITMIME" });
    const { session } = await connected(host, { localAddress: "127.0.0.2" });
    expect(session).toMatchObject({
      host: host.hostname,
      address: "127.0.0.1",
      localAddress: "127.0.0.2",
      hostSaysItIs: "mx7.example.com",
      tls: undefined,
      transactions: 0,
    });
    expect([...session.capabilities]).toEqual([
      ["SIZE", "1000"],
      ["8BITMIME", ""],
    ]);
  });

  test("tells its steps with their replies and times", async () => {
    const host = await mxHost({ tls: "works" });
    const { exchanges, next } = await connected(host);
    const steps = (list: { step: string }[]) => list.map(({ step }) => step);
    expect(steps(exchanges)).toEqual(["connect", "greeting", "ehlo", "starttls", "handshake", "ehlo"]);
    expect(steps((await next()).exchanges)).toEqual(["mail", "rcpt", "data", "message"]);
    const second = (await next()).exchanges;
    expect(steps(second)).toEqual(["rset", "mail", "rcpt", "data", "message"]);
    expect(second.at(-1)).toEqual({ step: "message", ms: expect.any(Number), reply: expect.any(Object) });
    expect(exchanges[0]).toEqual({ step: "connect", ms: expect.any(Number) });
  });

  test("takes one message at a time", async () => {
    const { session, next } = await connected(await mxHost());
    const first = next();
    expect(session.isIdle).toBe(false);
    await expect(next()).rejects.toThrow("in the middle of a transaction");
    expect(await first).toMatchObject({ kind: "accepted" });
    expect(session.isIdle).toBe(true);
  });

  test("says QUIT when it is closed, and only once", async () => {
    const host = await mxHost();
    const { session, next } = await connected(host);
    let closed = 0;
    session.onClosed = () => closed++;
    await next();
    session.close();
    session.close();
    await host.waitUntilIdle();
    expect(host.commands.filter((command) => command === "QUIT")).toHaveLength(1);
    expect(session).toMatchObject({ isIdle: false, isClosed: true });
    expect(closed).toBe(1);
  });

  test("that is closed in the middle of a message says so without QUIT", async () => {
    const host = await mxHost({ rcpt: { silent: true } });
    const { session, next } = await connected(host);
    const sent = next();
    session.close();
    expect(await sent).toMatchObject({ kind: "unreachable", reason: "the session was closed", stale: false });
    await host.waitUntilIdle();
    expect(host.commands).not.toContain("QUIT");
  });

  test("is not made for a signal that says stop", async () => {
    const host = await mxHost();
    const opened = await open(host, { signal: AbortSignal.abort() });
    expect(opened).toMatchObject({ kind: "unreachable", step: "connect", tlsBroken: false, exchanges: [] });
    expect(host.connections).toBe(0);
  });
});

describe("a refused message leaves the connection for the next", () => {
  const no = "550 5.1.1 No such user";
  const steps = ["mail", "rcpt", "data", "message"] as const;
  const cases = steps.flatMap((step) => both.map((extensions) => ({ step, extensions })));

  test.each(cases)("when it is refused at $step ($extensions)", async ({ step, extensions }) => {
    // A host by the book takes nothing that follows a refused MAIL.
    const bySequence = step === "mail" ? { rcpt: inTurn("503 5.5.1 No sender") } : {};
    const oneByOne = extensions !== undefined && step === "mail" ? {} : bySequence;
    const host = await mxHost({ extensions, ...oneByOne, [step]: inTurn(no) });
    const { session, next } = await connected(host);
    expect(await next()).toMatchObject({ kind: "refused", step, reply: { code: 550, enhanced: "5.1.1" } });
    expect(session.isIdle).toBe(true);
    expect(await next(bytes("another\r\n"), "grace@example.com")).toMatchObject({ kind: "accepted" });
    expect(host.received).toMatchObject([{ to: ["grace@example.com"], message: bytes("another\r\n") }]);
    expect(host.connections).toBe(1);
  });

  test("when the host takes DATA for nobody: it gets a dot and nothing else", async () => {
    const host = await mxHost({ rcpt: inTurn(no), data: "354 Go ahead" });
    const { session, next } = await connected(host);
    expect(await next()).toMatchObject({ kind: "refused", step: "rcpt", reply: { code: 550 } });
    expect(session.isIdle).toBe(true);
    expect(host.turns.at(-1)).toBe(".\r\n");
    expect(await next()).toMatchObject({ kind: "accepted" });
    expect(host.received).toHaveLength(1);
  });

  test("but not when the host would deliver an empty one", async () => {
    const host = await mxHost({ mail: inTurn("550 5.7.1 Not from you") });
    const { session, next } = await connected(host);
    expect(await next()).toMatchObject({ kind: "refused", step: "mail" });
    expect(session.isClosed).toBe(true);
    await host.waitUntilIdle();
    expect(host.received).toEqual([]);
  });

  test("when it was never offered", async () => {
    const host = await mxHost({ extensions: ["SIZE 10"] });
    const { session, next } = await connected(host);
    expect(await next()).toMatchObject({ kind: "unsupported", exchanges: [] });
    expect(session).toMatchObject({ isIdle: true, transactions: 0 });
    expect(await next(bytes("short\r\n"))).toMatchObject({ kind: "accepted" });
  });

  test("when it has a bare LF, which is an error", async () => {
    const { session, next } = await connected(await mxHost());
    await expect(next(bytes("a\nb\r\n"))).rejects.toThrow("bare LF");
    expect(session).toMatchObject({ isIdle: true, transactions: 0 });
  });

  test("when it was called off before it was begun", async () => {
    const { session } = await connected(await mxHost());
    expect(await session.send(message, envelope, { signal: AbortSignal.abort() })).toMatchObject({
      kind: "unreachable",
      reason: "the attempt was stopped",
      stale: false,
    });
    expect(session).toMatchObject({ isIdle: true, transactions: 0 });
  });

  test.each(["mail", "rcpt", "data", "message"] as const)("unless it is 421, here at %s", async (step) => {
    const host = await mxHost({ [step]: "421 4.3.2 Shutting down" });
    const { session, next } = await connected(host);
    const closed = closing(session);
    expect(await next()).toMatchObject({ kind: "refused", step, reply: { code: 421 } });
    expect(session).toMatchObject({ isClosed: true, isIdle: false });
    await closed;
    await host.waitUntilIdle();
    expect(host.commands).not.toContain("QUIT");
  });
});

describe("an idle connection", () => {
  test("that its host closes is known to be closed", async () => {
    const host = await mxHost({ message: { close: true, reply: "250 2.0.0 Ok, and bye" } });
    const { session, next } = await connected(host);
    const closed = closing(session);
    expect(await next()).toMatchObject({ kind: "accepted" });
    await closed;
    expect(session).toMatchObject({ isClosed: true, isIdle: false });
  });

  test("that breaks harms nobody", async () => {
    const host = await mxHost();
    const { session, next } = await connected(host);
    await next();
    const closed = closing(session);
    host.reset();
    await closed;
    expect(session.isClosed).toBe(true);
  });

  test.each(["421 4.4.2 Idle for too long\r\n", "250 2.0.0 Ok\r\n", "what?\r\n"])(
    "whose host says %j unasked is closed",
    async (words) => {
      const host = await mxHost();
      const { session, next } = await connected(host);
      await next();
      const closed = closing(session);
      host.shout(words);
      await closed;
      expect(await next()).toMatchObject({
        kind: "unreachable",
        step: "mail",
        stale: true,
        ambiguous: false,
      });
    },
  );

  test("stays open over an empty line, which some hosts put behind their replies", async () => {
    const host = await mxHost({ message: { slowly: "250 2.0.0 Ok\r\n", everyMs: 1 } });
    const { session, next } = await connected(host);
    for (let count = 0; count < 3; count++) expect(await next()).toMatchObject({ kind: "accepted" });
    expect(session.isIdle).toBe(true);
  });

  test("whose host has said half a reply hears the rest of it before anything is asked", async () => {
    const host = await mxHost({ message: inTurn({ bytes: "250 2.0.0 Ok\r\n421 4.4" }) });
    const { session, next } = await connected(host);
    const closed = closing(session);
    expect(await next()).toMatchObject({ kind: "accepted" });
    await closed;
    expect(host.received).toEqual([]); // the scripted bytes are no yes to the host itself
  });
});

describe("a message that finds its connection closed", () => {
  const stale = { kind: "unreachable", step: "mail", ambiguous: false, stale: true };

  test.each(both)("is stale, whatever was asked of the host meanwhile (%j)", async (extensions) => {
    const atRset = await connected(await mxHost({ extensions, rset: { close: true } }));
    await atRset.next();
    expect(await atRset.next()).toMatchObject(stale);
    const atMail = await connected(await mxHost({ extensions, mail: inTurn(undefined, { close: true }) }));
    await atMail.next();
    expect(await atMail.next()).toMatchObject(stale);
    expect(atMail.session.isClosed).toBe(true);
  });

  test.each(both)("is stale when the host says 421 (%j)", async (extensions) => {
    const bye = "421 4.4.2 One was enough";
    const atRset = await connected(await mxHost({ extensions, rset: bye }));
    await atRset.next();
    expect(await atRset.next()).toMatchObject({ ...stale, reason: expect.stringContaining(bye) });
    const atMail = await connected(await mxHost({ extensions, mail: inTurn(undefined, bye) }));
    await atMail.next();
    expect(await atMail.next()).toMatchObject({ ...stale, reason: expect.stringContaining(bye) });
  });

  test("is not stale when it is the first", async () => {
    const { next } = await connected(await mxHost({ mail: { close: true } }));
    expect(await next()).toMatchObject({ kind: "unreachable", step: "mail", stale: false });
  });

  test("is not stale once MAIL was answered", async () => {
    const { next } = await connected(await mxHost({ rcpt: inTurn(undefined, { close: true }) }));
    await next();
    expect(await next()).toMatchObject({ kind: "unreachable", step: "rcpt", stale: false, ambiguous: false });
  });

  test("is not stale when the host is only slow", async () => {
    const host = await mxHost({ rset: { silent: true } });
    const { session, next } = await connected(host, { deadlines: { rsetMs: 30 } });
    await next();
    expect(await next()).toMatchObject({
      kind: "unreachable",
      step: "mail",
      stale: false,
      reason: "no reply to RSET within 0.03 s",
    });
    expect(session.isClosed).toBe(true);
  });
});

describe("a message under way", () => {
  test("is left when it has taken too long, however long its connection has been open", async () => {
    const host = await mxHost({ message: inTurn(undefined, { silent: true }) });
    const { session, next } = await connected(host, { deadlines: { attemptMs: 60 } });
    await next();
    expect(await next()).toMatchObject({ reason: "not finished within 0.06 s", ambiguous: true });
    expect(session.isClosed).toBe(true);
  });

  test("has a deadline of its own at every step", async () => {
    const slow = { slowly: "250 ok", everyMs: 3 }; // about 25 ms
    const host = await mxHost({
      rset: slow,
      mail: slow,
      rcpt: slow,
      data: inTurn(undefined, { silent: true }),
    });
    const deadlines = { rsetMs: 1_000, mailMs: 1_000, rcptMs: 1_000, dataMs: 20 };
    const { next } = await connected(host, { deadlines });
    await next();
    expect(await next()).toMatchObject({ step: "data", reason: "no reply to DATA within 0.02 s" });
  });

  test("is left when the caller calls it off", async () => {
    const stop = new AbortController();
    const stopping = () => {
      stop.abort();
      return { silent: true } as const;
    };
    const { session } = await connected(await mxHost({ extensions: plain, rcpt: stopping }));
    const sent = session.send(message, envelope, { signal: stop.signal });
    expect(await sent).toMatchObject({
      kind: "unreachable",
      step: "rcpt",
      reason: "the attempt was stopped",
    });
    expect(session.isClosed).toBe(true);
  });

  test("is not accepted by a yes that came before it", async () => {
    const host = await mxHost({ data: { bytes: "354 go\r\n250 2.0.0 got it\r\n" } });
    const { session, next } = await connected(host);
    expect(await next()).toMatchObject({
      kind: "unreachable",
      step: "message",
      ambiguous: false,
      reason: expect.stringContaining("unexpected reply in the middle of DATA"),
    });
    expect(session.isClosed).toBe(true);
  });

  test("is not sent to a host that answers DATA with anything but 354", async () => {
    const host = await mxHost({ data: { bytes: "250 2.0.0 sure\r\n" } });
    const { next } = await connected(host);
    expect(await next()).toMatchObject({ kind: "unreachable", step: "data", ambiguous: false });
  });

  test("with more than one answer is accepted, and its connection ends", async () => {
    const host = await mxHost({ message: { bytes: "250 2.0.0 Ok\r\n250 2.0.0 Ok\r\n" } });
    const { session, next } = await connected(host);
    expect(await next()).toMatchObject({ kind: "accepted" });
    expect(session.isClosed).toBe(true);
  });
});
