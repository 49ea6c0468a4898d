import { afterEach, describe, expect, test } from "bun:test";
import { type MxHost, type MxScript, startMxHost } from "../../test/support/mx-host.ts";
import { connected, offer, open } from "../../test/support/offer.ts";

const hosts: MxHost[] = [];
afterEach(async () => {
  await Promise.all(hosts.splice(0).map((host) => host.close()));
});

async function mxHost(script?: MxScript): Promise<MxHost> {
  const host = await startMxHost(script);
  hosts.push(host);
  return host;
}

describe("opportunistic TLS", () => {
  test("encrypts to a self-signed certificate and says that nobody vouches for it", async () => {
    const host = await mxHost({ tls: "works" });
    expect(await offer(host)).toMatchObject({
      kind: "accepted",
      tls: {
        version: "TLSv1.3",
        cipher: expect.any(String),
        authorized: false,
        authorizationError: expect.any(String),
      },
    });
    expect(host.received[0]?.tls).toBe(true);
  });

  test("sends in the clear to a host that offers no STARTTLS", async () => {
    const host = await mxHost({ tls: "none" });
    expect(await offer(host)).toMatchObject({ kind: "accepted", tls: undefined });
    expect(host.received[0]?.tls).toBe(false);
  });

  test.each(["garbage", "closes", "silent"] as const)(
    "that breaks (%s) is reported, and plaintext then gets the message through",
    async (tls) => {
      const host = await mxHost({ tls });
      const first = await offer(host, { deadlines: { handshakeMs: 50 } });
      expect(first).toMatchObject({
        kind: "unreachable",
        step: "starttls",
        ambiguous: false,
        tlsBroken: true,
      });

      expect(await offer(host, { tls: "off" })).toMatchObject({ kind: "accepted" });
      expect(host.commands.filter((command) => command === "STARTTLS")).toHaveLength(1);
    },
  );

  test.each(["454 4.7.0 TLS not available", "502 5.5.1 Not implemented"])(
    "that is refused with %s is reported as broken",
    async (reply) => {
      const host = await mxHost({ tls: "works", starttls: reply });
      expect(await offer(host)).toMatchObject({
        kind: "unreachable",
        step: "starttls",
        reason: `STARTTLS refused: ${reply}`,
        ambiguous: false,
        tlsBroken: true,
      });
    },
  );

  test("whose handshake the host only rejects afterwards is reported as broken", async () => {
    let hellos = 0;
    const host = await mxHost({ tls: "works", ehlo: () => (hellos++ === 1 ? { close: true } : undefined) });
    expect(await offer(host)).toMatchObject({ kind: "unreachable", tlsBroken: true });
  });

  test("still reaches a host whose TLS is old", async () => {
    const host = await mxHost({ tls: "works", maxTlsVersion: "TLSv1.1" });
    expect(await offer(host)).toMatchObject({ kind: "accepted", tls: { version: "TLSv1.1" } });
  });

  test("forgets what the host offered in plaintext", async () => {
    let greeted = 0;
    const before = "250-mx\n250-STARTTLS\n250-PIPELINING\n250 SIZE 10";
    const host = await mxHost({
      tls: "works",
      ehlo: () => (greeted++ === 0 ? before : "250-mx\n250 8BITMIME"),
    });
    const { session } = await connected(host);
    expect([...session.capabilities.keys()]).toEqual(["8BITMIME"]);
  });

  test("carries many messages over one connection", async () => {
    const host = await mxHost({ tls: "works" });
    const { session, next } = await connected(host);
    for (let count = 0; count < 5; count++) expect(await next()).toMatchObject({ kind: "accepted" });
    expect(session.tls).toMatchObject({ version: "TLSv1.3" });
    expect(host.received.map(({ tls }) => tls)).toEqual([true, true, true, true, true]);
    expect(host.connections).toBe(1);
  });

  test("hears a refusal that comes over TLS, and how it was encrypted", async () => {
    const host = await mxHost({ tls: "works", rcpt: "550 5.1.1 No such user" });
    expect(await offer(host)).toMatchObject({ kind: "refused", step: "rcpt", tls: { version: "TLSv1.3" } });
  });
});

describe("what arrives in plaintext behind the STARTTLS reply", () => {
  test.each(["250-SMTPUTF8\r\n", "250 injected\r\n250 injected\r\n", "250-half a line"])(
    "is dropped or ends the conversation, and is never taken for the host's (%j)",
    async (injected) => {
      const host = await mxHost({ tls: "works", injected, extensions: ["8BITMIME"] });
      const to = "jürgen@example.com"; // could only be sent if the injected SMTPUTF8 were believed
      const options = { envelope: { from: "a@example.net", to }, deadlines: { starttlsMs: 50 } };
      const result = await offer(host, options);
      expect(["unsupported", "unreachable"]).toContain(result.kind);
      expect(host.received).toEqual([]);
    },
  );
});

describe("mandatory TLS", () => {
  test("encrypts when the host offers STARTTLS", async () => {
    const host = await mxHost({ tls: "works" });
    expect(await offer(host, { tls: "mandatory" })).toMatchObject({ kind: "accepted", tls: {} });
  });

  test("gives up at a host that offers no STARTTLS, before the envelope is told", async () => {
    const host = await mxHost({ tls: "none" });
    expect(await offer(host, { tls: "mandatory" })).toMatchObject({
      kind: "unreachable",
      step: "starttls",
      reason: "the host offers no STARTTLS, and TLS is mandatory",
      ambiguous: false,
      tlsBroken: false,
    });
    await host.waitUntilIdle();
    expect(host.commands).toEqual(["EHLO out.example.net"]);
  });

  test("hears a refused STARTTLS as a refusal", async () => {
    const host = await mxHost({ tls: "works", starttls: "454 4.7.0 TLS not available" });
    expect(await offer(host, { tls: "mandatory" })).toMatchObject({
      kind: "refused",
      step: "starttls",
      reply: { code: 454 },
    });
  });

  test("never suggests plaintext, however the handshake breaks", async () => {
    const host = await mxHost({ tls: "garbage" });
    expect(await offer(host, { tls: "mandatory" })).toMatchObject({ step: "starttls", tlsBroken: false });
  });

  test("with verification refuses a self-signed certificate before anything is said", async () => {
    const host = await mxHost({ tls: "works" });
    expect(await offer(host, { tls: "mandatory", rejectUnauthorized: true })).toMatchObject({
      kind: "unreachable",
      step: "starttls",
      reason: expect.stringContaining("TLS handshake failed"),
      tlsBroken: false,
    });
    expect(host.received).toEqual([]);
  });
});

describe("a certificate that somebody vouches for", () => {
  test("is valid for the host it names", async () => {
    const host = await mxHost({ tls: "works" });
    const ca = host.certificate.cert;
    const verified = await offer(host, { tls: "mandatory", rejectUnauthorized: true, ca });
    expect(verified).toMatchObject({ kind: "accepted", tls: { authorized: true } });
  });

  test("is not valid for another, which opportunistic TLS only reports", async () => {
    const host = await mxHost({ tls: "works" });
    const other = { ca: host.certificate.cert, host: "mx.example.org" };
    expect(await offer(host, other)).toMatchObject({
      kind: "accepted",
      tls: { authorized: false, authorizationError: "ERR_TLS_CERT_ALTNAME_INVALID" },
    });
    expect(await offer(host, { ...other, tls: "mandatory", rejectUnauthorized: true })).toMatchObject({
      kind: "unreachable",
      step: "starttls",
      reason: expect.stringContaining("TLS handshake failed"),
    });
  });

  test("is not valid for a host without a name", async () => {
    const host = await mxHost({ tls: "works" });
    const nameless = { ca: host.certificate.cert, host: "127.0.0.1" };
    expect(await offer(host, nameless)).toMatchObject({ kind: "accepted", tls: { authorized: false } });
  });
});

test("TLS that is off is not begun, though the host offers it", async () => {
  const host = await mxHost({ tls: "works" });
  expect(await offer(host, { tls: "off" })).toMatchObject({ kind: "accepted", tls: undefined });
  expect(host.commands).not.toContain("STARTTLS");
});

test("implicit TLS encrypts from the first byte", async () => {
  const host = await mxHost({ implicitTls: true });
  expect(await offer(host, { tls: "implicit" })).toMatchObject({
    kind: "accepted",
    tls: { version: "TLSv1.3" },
  });
});

test("a refused opening says how it was encrypted", async () => {
  const host = await mxHost({ implicitTls: true, greeting: "554 5.7.1 Not you" });
  expect(await open(host, { tls: "implicit" })).toMatchObject({
    kind: "refused",
    step: "greeting",
    reply: { code: 554 },
    tls: { version: "TLSv1.3" },
    exchanges: [{ step: "connect" }, { step: "handshake" }, { step: "greeting", reply: { code: 554 } }],
  });
});

test("implicit TLS at a host that speaks plaintext is a broken connection", async () => {
  const host = await mxHost();
  expect(await offer(host, { tls: "implicit" })).toMatchObject({ kind: "unreachable", step: "connect" });
});

describe("a smarthost with a password", () => {
  const credentials = { username: "relay", password: "s3cret" };

  test("gets it over TLS and takes the message", async () => {
    const host = await mxHost({ tls: "works", credentials });
    expect(await offer(host, { auth: credentials })).toMatchObject({ kind: "accepted" });
    expect(host.commands).toContainEqual(expect.stringMatching(/^AUTH PLAIN /));
  });

  test.each([false, true])("and no report tells it (LOGIN only: %p)", async (asksForLogin) => {
    const host = await mxHost({
      tls: "works",
      credentials: { ...credentials, password: "other" },
      asksForLogin,
    });
    const { exchanges } = await offer(host, { auth: credentials });
    const said = exchanges.flatMap(({ step, command }) => (step === "auth" ? [command] : []));
    expect(said).toEqual(asksForLogin ? ["AUTH LOGIN", "***", "***"] : ["AUTH PLAIN ***"]);
    expect(JSON.stringify(exchanges)).not.toContain(Buffer.from("s3cret").toString("base64").slice(0, 6));
  });

  test("gets it in two answers where it knows LOGIN only", async () => {
    const host = await mxHost({ tls: "works", credentials, asksForLogin: true });
    expect(await offer(host, { auth: credentials })).toMatchObject({ kind: "accepted" });
    expect(host.commands).toContain("AUTH LOGIN");
    const auth = { username: "relay", password: "wrong" };
    expect(await offer(host, { auth })).toMatchObject({ kind: "refused", step: "auth" });
  });

  test("that does not know it is heard", async () => {
    const host = await mxHost({ tls: "works", credentials });
    const auth = { username: "relay", password: "wrong" };
    expect(await offer(host, { auth })).toMatchObject({
      kind: "refused",
      step: "auth",
      reply: { code: 535 },
    });
  });

  test("does not get it in the clear", async () => {
    const host = await mxHost({ tls: "none", credentials });
    expect(await offer(host, { auth: credentials })).toMatchObject({
      kind: "unreachable",
      step: "auth",
      tlsBroken: false,
    });
    await host.waitUntilIdle();
    expect(host.commands).toEqual(["EHLO out.example.net"]);
  });

  test("gets it in the clear where TLS was switched off on purpose", async () => {
    const host = await mxHost({ credentials });
    expect(await offer(host, { auth: credentials, tls: "off" })).toMatchObject({ kind: "accepted" });
  });

  test("whose handshake breaks is not tried in plaintext", async () => {
    const host = await mxHost({ tls: "garbage", credentials });
    expect(await offer(host, { auth: credentials })).toMatchObject({ step: "starttls", tlsBroken: false });
  });

  test("that asks again and again is left", async () => {
    const host = await mxHost({ tls: "works", credentials, auth: { endless: "334 \r\n" } });
    expect(await offer(host, { auth: credentials, deadlines: { authMs: 50 } })).toMatchObject({
      kind: "unreachable",
      step: "auth",
    });
  });
});
