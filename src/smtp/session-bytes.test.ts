import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type MxHost, startMxHost } from "../../test/support/mx-host.ts";
import { connected, envelope } from "../../test/support/offer.ts";
import type { Session } from "./session.ts";

let host: MxHost;
let session: Session;
beforeAll(async () => {
  host = await startMxHost();
  ({ session } = await connected(host));
});
afterAll(() => host.close());

async function expectToArrive(bytes: Uint8Array, expected = bytes): Promise<void> {
  expect(await session.send(bytes, envelope)).toMatchObject({ kind: "accepted" });
  const { message } = host.received.at(-1)!;
  // Compared first, because a difference in a large message takes long to print.
  if (Buffer.compare(message, expected) !== 0) expect(message.length).toBe(expected.length);
  expect(Buffer.compare(message, expected)).toBe(0);
}

/** Lines of one letter, in all `length` bytes, a line end among them where it is put. */
function filled(length: number, ...lineEnds: number[]): Uint8Array {
  const bytes = new Uint8Array(length).fill(0x61);
  for (const at of [...lineEnds, length - 2]) bytes.set([13, 10], at);
  return bytes;
}

describe("over a connection that was used before, bytes arrive as they were sent", () => {
  test("whatever they are", async () => {
    const line = fc
      .array(fc.oneof(fc.constant(0x2e), fc.integer({ min: 0, max: 255 })), { maxLength: 80 })
      .map((bytes) => bytes.filter((byte) => byte !== 13 && byte !== 10));
    const message = fc
      .array(line, { maxLength: 20 })
      .map((lines) => new Uint8Array(lines.flatMap((bytes) => [...bytes, 13, 10])));
    await fc.assert(
      fc.asyncProperty(message, (bytes) => expectToArrive(bytes)),
      { numRuns: 100 },
    );
    expect(host.connections).toBe(1);
  });

  test("with a dot at every position", async () => {
    const text = "a.b\r\n\r\nc";
    for (let at = 0; at <= text.length; at++) {
      const [before, after] = [text.slice(0, at), text.slice(at)];
      if (before.endsWith("\r")) continue; // would leave a bare CR
      for (const dots of [".", "..", ".\r\n", "..\r\n."]) {
        const bytes = new TextEncoder().encode(`${before}${dots}${after}\r\n`);
        await expectToArrive(bytes);
      }
    }
  });

  test("with a dot at the beginning of a line near every border between two writes", async () => {
    const slice = 64 * 1024;
    for (let shift = -4; shift <= 4; shift++) {
      const dots = [1, 2, 3, 4].map((count) => count * slice + shift);
      const bytes = filled(300 * 1024, ...dots.map((at) => at - 2));
      for (const at of dots) bytes[at] = 0x2e;
      await expectToArrive(bytes);
    }
  });

  test("in any number around a border", async () => {
    for (const length of [1, 2, 3].flatMap((off) => [256 * 1024 - off, 256 * 1024 + off, 320 * 1024 + off])) {
      await expectToArrive(filled(length));
    }
  });

  test("with nothing but dots, as many as a large message holds", async () => {
    const bytes = new Uint8Array(300_000);
    for (let at = 0; at < bytes.length; at += 3) bytes.set([0x2e, 13, 10], at);
    await expectToArrive(bytes);
  });

  test("in lines of 998 octets and longer", async () => {
    for (const length of [998, 1_000, 5_000, 100_000]) {
      await expectToArrive(new TextEncoder().encode(`${".".repeat(length)}\r\n`.repeat(3)));
    }
  });

  test("with nothing in them at all", async () => {
    await expectToArrive(new Uint8Array());
  });

  test("with the line end they lack: there is no other way to send them", async () => {
    const large = new Uint8Array(300_000).fill(0x2e);
    await expectToArrive(large, new Uint8Array([...large, 13, 10]));
  });

  test("from the middle of a larger buffer", async () => {
    const larger = new TextEncoder().encode("not this\r\n.this\r\n.not this\r\n");
    await expectToArrive(larger.subarray(10, 17));
  });
});

test("whatever a host answers to a second message, there is a result and no harm", async () => {
  const steps = ["rset", "mail", "rcpt", "data", "message"] as const;
  const noise = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    fc.constantFrom("250 ok\r\n", "354 go\r\n", "421 bye\r\n", "550 no\r\n", "250-", "\r\n"),
  );
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...steps), noise, noise, async (step, first, second) => {
      let asked = 0;
      const answer = () => {
        const isFirst = step !== "rset" && asked++ === 0;
        return isFirst ? undefined : { bytes: Buffer.concat([Buffer.from(first), Buffer.from(second)]) };
      };
      const noisy = await startMxHost({ [step]: answer });
      const { session: victim, next } = await connected(noisy, { deadlines: { attemptMs: 40 } });
      expect(await next()).toMatchObject({ kind: "accepted" });
      const result = await next();
      expect(["accepted", "refused", "unreachable"]).toContain(result.kind);
      expect(victim.isIdle).toBe(!victim.isClosed);
      victim.close();
      await noisy.close();
    }),
    { numRuns: 40 },
  );
});
