import { afterEach, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type Behaviour, type MxHost, type MxScript, startMxHost } from "../../test/support/mx-host.ts";
import { offer } from "../../test/support/offer.ts";
import type { Conversation } from "./client.ts";
import { maxReplyText } from "./reply.ts";

const hosts: MxHost[] = [];
afterEach(async () => {
  await Promise.all(hosts.splice(0).map((host) => host.close()));
});

async function mxHost(script?: MxScript): Promise<MxHost> {
  const host = await startMxHost(script);
  hosts.push(host);
  return host;
}

/** The longest text of a result: what would end up in the database and on a page. */
const textOf = (result: Conversation) => ("reason" in result ? result.reason : result.reply.text);

describe("a hostile host", () => {
  const behaviours: Record<string, Behaviour> = {
    "a line of a megabyte": { bytes: `550 ${"x".repeat(1_000_000)}\r\n` },
    "a line without end": { endless: "x".repeat(10_000) },
    "a reply of lines without end": { endless: "250-more\r\n" },
    "empty lines without end": { endless: "\r\n".repeat(500) },
    "replies without end": { endless: "250 ok\r\n" },
    NULs: { bytes: new Uint8Array(500) },
    "no code": "hello there",
    "a code of too many digits": "2500000000 ok",
    "a code outside SMTP": "999 what",
    "an HTTP answer": { bytes: "HTTP/1.1 400 Bad Request\r\n\r\n" },
    "a positive beginning": "2",
    "bytes that are no text": { bytes: new Uint8Array([0xff, 0xfe, 0x80, 0x0d, 0x0a]) },
  };
  const steps = ["greeting", "ehlo", "mail", "rcpt", "data", "message"] as const;
  const cases = steps.flatMap((step) => Object.keys(behaviours).map((what) => ({ step, what })));

  test.each(cases)("that answers with $what at $step is left without harm", async ({ step, what }) => {
    const helo = step === "ehlo" ? behaviours[what] : undefined;
    const host = await mxHost({ [step]: behaviours[what], helo });
    const result = await offer(host, { deadlines: { attemptMs: 100 } });
    expect(["unreachable", "refused"]).toContain(result.kind);
    expect(textOf(result).length).toBeLessThanOrEqual(maxReplyText + 100);
    expect(textOf(result)).not.toMatch(/\p{Cc}/u);
    expect(host.received).toEqual([]);
    await host.waitUntilIdle();
  });

  test("that takes a yes back in the next line of its reply is not believed", async () => {
    const host = await mxHost({ message: "250-ok\n550 5.7.1 after all not" });
    expect(await offer(host)).toMatchObject({ kind: "refused", step: "message", reply: { code: 550 } });
  });

  test("that says yes before it has the message is not believed", async () => {
    const host = await mxHost({ data: "354 go\n250 2.0.0 got it" });
    const big = new Uint8Array(20_000_000).fill(0x61);
    big.set([13, 10], big.length - 2);
    expect(await offer(host, { message: big })).toMatchObject({
      kind: "unreachable",
      step: "message",
      ambiguous: false,
      reason: expect.stringContaining("unexpected reply in the middle of DATA"),
    });
  });
});

describe("the bytes of a message", () => {
  const crlf = [13, 10];
  // Lines made of what is hard: dots, NULs, bytes that are no UTF-8, and nothing at all.
  const line = fc
    .array(fc.oneof(fc.constant(0x2e), fc.integer({ min: 0, max: 255 })), { maxLength: 80 })
    .map((bytes) => bytes.filter((byte) => byte !== 13 && byte !== 10));
  const message = fc
    .array(line, { minLength: 1, maxLength: 20 })
    .map((lines) => new Uint8Array(lines.flatMap((bytes) => [...bytes, ...crlf])));

  test("arrive as they were sent", async () => {
    const host = await mxHost();
    await fc.assert(
      fc.asyncProperty(message, async (bytes) => {
        expect(await offer(host, { message: bytes })).toMatchObject({ kind: "accepted" });
        expect(host.received.at(-1)?.message).toEqual(bytes);
      }),
      { numRuns: 60 },
    );
  });

  test("arrive as they were sent over TLS", async () => {
    const host = await mxHost({ tls: "works" });
    const bytes = new Uint8Array(3_000_000).map((_, at) =>
      at % 100 === 98 ? 13 : at % 100 === 99 ? 10 : at % 251,
    );
    for (let at = 0; at < bytes.length; at++)
      if (at % 100 < 98 && (bytes[at] === 13 || bytes[at] === 10)) bytes[at] = 0x2e;
    expect(await offer(host, { message: bytes })).toMatchObject({ kind: "accepted" });
    expect(Buffer.compare(host.received[0]!.message, bytes)).toBe(0);
  });

  test.each([".\r\n", "..\r\n", ".\r\n.\r\n", "a\r\n.\r\nb\r\n", "\r\n", "\r\n.\r\n", ".a\r\n..\r\n...\r\n"])(
    "arrive as they were sent when they look like the end (%j)",
    async (text) => {
      const host = await mxHost();
      await offer(host, { message: new TextEncoder().encode(text) });
      expect(Buffer.from(host.received[0]!.message).toString()).toBe(text);
      expect(host.received).toHaveLength(1);
    },
  );

  test("end with CRLF at the far end, though they did not here: there is no other way to send them", async () => {
    const host = await mxHost();
    await offer(host, { message: new TextEncoder().encode("no line end") });
    expect(Buffer.from(host.received[0]!.message).toString()).toBe("no line end\r\n");
  });
});
