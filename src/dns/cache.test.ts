import { expect, test } from "bun:test";
import { withCache } from "./cache.ts";
import type { Reply } from "./packet.ts";
import type { DnsAnswer } from "./resolver.ts";

const found = (address: string, ttlSeconds: number): Reply => ({
  answer: { kind: "found", records: [address], authenticated: false, ttlSeconds } as DnsAnswer,
  keepSeconds: ttlSeconds,
  bytes: 100,
});
const failed: Reply = { answer: { kind: "failed", reason: "timeout" }, keepSeconds: 0, bytes: 0 };

/** A cache before a list of replies, given in turn; `asked` says how many questions came through. */
function cacheOf(replies: Reply[], maxBytes?: number) {
  let time = Date.parse("2026-01-01T00:00:00Z");
  const asked: string[] = [];
  const ask = async (name: string) => {
    asked.push(name);
    return replies[asked.length - 1] ?? failed;
  };
  const cache = withCache(ask, { now: () => new Date(time), maxBytes });
  const pass = (seconds: number) => {
    time += seconds * 1000;
  };
  return { cache, asked, pass };
}

test("an answer is remembered for its time to live, which runs down", async () => {
  const { cache, asked, pass } = cacheOf([found("192.0.2.1", 60), found("192.0.2.2", 60)]);
  expect(await cache.resolve("a.test", "A")).toMatchObject({ records: ["192.0.2.1"], ttlSeconds: 60 });
  pass(59);
  expect(await cache.resolve("a.test", "A")).toMatchObject({ records: ["192.0.2.1"], ttlSeconds: 1 });
  pass(1);
  expect(await cache.resolve("a.test", "A")).toMatchObject({ records: ["192.0.2.2"] });
  expect(asked).toHaveLength(2);
});

test("types of one name are remembered apart", async () => {
  const { cache, asked } = cacheOf([found("192.0.2.1", 60), found("::1", 60)]);
  await cache.resolve("a.test", "A");
  await cache.resolve("a.test", "AAAA");
  expect(asked).toHaveLength(2);
});

test("asking afresh goes past what is remembered and replaces it", async () => {
  const { cache, asked } = cacheOf([found("192.0.2.1", 60), found("192.0.2.2", 60)]);
  await cache.resolve("a.test", "A");
  expect(await cache.resolve("a.test", "A", { fresh: true })).toMatchObject({ records: ["192.0.2.2"] });
  expect(await cache.resolve("a.test", "A")).toMatchObject({ records: ["192.0.2.2"] });
  expect(asked).toHaveLength(2);
});

test("an absence is remembered for as long as its zone says, and not at all when it says nothing", async () => {
  const absent = (keepSeconds: number): Reply => ({
    answer: { kind: "absent", reason: "nxdomain" },
    keepSeconds,
    bytes: 50,
  });
  const { cache, asked, pass } = cacheOf([absent(60), absent(0), absent(0)]);
  await cache.resolve("a.test", "A");
  await cache.resolve("a.test", "A");
  expect(asked).toHaveLength(1);
  pass(60);
  await cache.resolve("a.test", "A");
  await cache.resolve("a.test", "A");
  expect(asked).toHaveLength(3);
});

test("a failure is remembered for five seconds and does not displace an answer that holds", async () => {
  const { cache, asked, pass } = cacheOf([failed, found("192.0.2.1", 60), failed]);
  await cache.resolve("a.test", "A");
  pass(4);
  expect(await cache.resolve("a.test", "A")).toMatchObject({ kind: "failed" });
  expect(asked).toHaveLength(1);
  pass(1);
  expect(await cache.resolve("a.test", "A")).toMatchObject({ kind: "found" });
  expect(await cache.resolve("a.test", "A", { fresh: true })).toMatchObject({ kind: "failed" });
  expect(await cache.resolve("a.test", "A")).toMatchObject({ kind: "found" });
});

test("the least recently used answers make room for new ones", async () => {
  const { cache, asked } = cacheOf(
    Array.from({ length: 9 }, () => found("192.0.2.1", 60)),
    900,
  ); // two of 400 bytes
  await cache.resolve("a.test", "A");
  await cache.resolve("b.test", "A");
  await cache.resolve("a.test", "A");
  await cache.resolve("c.test", "A");
  await cache.resolve("a.test", "A");
  await cache.resolve("b.test", "A");
  expect(asked).toEqual(["a.test", "b.test", "c.test", "b.test"]);
});

test("a question in flight is shared, and each asker may change its own list", async () => {
  const { cache, asked } = cacheOf([found("192.0.2.1", 60)]);
  const [one, two] = await Promise.all([cache.resolve("a.test", "A"), cache.resolve("a.test", "A")]);
  expect(asked).toHaveLength(1);
  if (one.kind === "found") one.records.length = 0;
  expect(two).toMatchObject({ records: ["192.0.2.1"] });
  expect(await cache.resolve("a.test", "A")).toMatchObject({ records: ["192.0.2.1"] });
});
