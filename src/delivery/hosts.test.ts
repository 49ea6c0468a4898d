import { expect, test } from "bun:test";
import { HostMemory } from "./hosts.ts";

const start = new Date("2026-03-01T12:00:00Z");
const after = (seconds: number) => new Date(start.getTime() + seconds * 1_000);

test("an address that failed is left alone for a while that doubles up to five minutes", () => {
  const memory = new HostMemory();
  let at = start;
  const pauses: number[] = [];
  for (let n = 0; n < 7; n++) {
    memory.failed("192.0.2.1:25", "connection refused", at);
    const until = memory.unreachable("192.0.2.1:25", at)!.until;
    pauses.push((until.getTime() - at.getTime()) / 1_000);
    at = until;
  }
  expect(pauses).toEqual([15, 30, 60, 120, 240, 300, 300]);
  expect(memory.unreachable("192.0.2.1:25", at)).toBeUndefined();
});

test("failures at the same time are one failure", () => {
  const memory = new HostMemory();
  for (let n = 0; n < 5; n++) memory.failed("192.0.2.1:25", "connection refused", after(n));
  expect(memory.unreachable("192.0.2.1:25", start)).toEqual({
    reason: "connection refused",
    since: start,
    until: after(15),
  });
});

test("an address that was reached is forgotten", () => {
  const memory = new HostMemory();
  memory.failed("192.0.2.1:25", "no answer within 30 s", start);
  memory.reached("192.0.2.1:25");
  expect(memory.unreachable("192.0.2.1:25", start)).toBeUndefined();
  memory.failed("192.0.2.1:25", "no answer within 30 s", start);
  expect(memory.unreachable("192.0.2.1:25", start)?.until).toEqual(after(15));
});

test("broken TLS is remembered for an hour", () => {
  const memory = new HostMemory();
  memory.tlsBroke("mx.example.com", "TLS handshake failed", start);
  expect(memory.brokenTls("mx.example.com", after(3_599))).toBe("TLS handshake failed");
  expect(memory.brokenTls("mx.example.com", after(3_600))).toBeUndefined();
  expect(memory.brokenTls("other.example.com", start)).toBeUndefined();
});
