import { afterEach, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { type DnsServerOptions, startDnsServer, truncated } from "../../test/support/dns-server.ts";
import { dnsTable, type TableValue } from "../../test/support/dns-table.ts";
import { makeResolver } from "./client.ts";
import type { RecordType } from "./resolver.ts";

const closing: (() => unknown)[] = [];
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
});

async function serve(records: Record<string, TableValue>, options?: DnsServerOptions & { ad?: boolean }) {
  const server = await startDnsServer(
    dnsTable(records, { authenticated: () => options?.ad === true }),
    options,
  );
  closing.push(() => server.close());
  return server;
}

function resolverOf(servers: string[], timeoutMs = 8000) {
  const resolver = makeResolver({ servers, now: () => new Date(0), timeoutMs });
  closing.push(() => resolver.close());
  return resolver;
}

const records: Record<string, TableValue> = {
  "example.com MX": ["10 mx1.example.com", "0 ."],
  "example.com TXT": ["v=spf1 -all", "x".repeat(400), "grüße"],
  "example.com CAA": '0 issue "ca.test"',
  "example.com A": "192.0.2.1",
  "example.com AAAA": "2001:db8::1",
  "www.example.com CNAME": "example.com",
  "_25._tcp.mx1.example.com TLSA": "3 1 1 abcdef",
  "1.2.0.192.in-addr.arpa PTR": "host.example.com",
  "broken.test MX": "SERVFAIL",
  "silent.test MX": "TIMEOUT",
};

test("every type of record survives the wire", async () => {
  const { address, table } = await serve(records);
  const resolver = resolverOf([address]);
  for (const key of Object.keys(records).filter(
    (key) => key.includes("example.com") || key.includes("arpa"),
  )) {
    const [name, type] = key.split(" ") as [string, RecordType];
    expect(await resolver.resolve(name, type)).toEqual(await table.resolve(name, type));
  }
});

test("names are asked for in their canonical form, and impossible ones not at all", async () => {
  const { address, queries } = await serve({ "xn--bcher-kva.example A": "192.0.2.1" });
  const resolver = resolverOf([address]);
  expect(await resolver.resolve("BÜCHER.example.", "A")).toMatchObject({ kind: "found" });
  expect(await resolver.resolve("a..b", "A")).toEqual({ kind: "absent", reason: "nxdomain" });
  expect(queries.map((query) => query.name)).toEqual(["xn--bcher-kva.example"]);
});

test("what is absent is told from what is broken", async () => {
  const { address } = await serve(records);
  const resolver = resolverOf([address]);
  expect(await resolver.resolve("absent.test", "MX")).toEqual({ kind: "absent", reason: "nxdomain" });
  expect(await resolver.resolve("1.2.0.192.in-addr.arpa", "MX")).toEqual({
    kind: "absent",
    reason: "nodata",
  });
  expect(await resolver.resolve("broken.test", "MX")).toEqual({ kind: "failed", reason: "servfail" });
});

test("the AD flag makes an answer authenticated", async () => {
  const { address } = await serve(records, { ad: true });
  expect(await resolverOf([address]).resolve("example.com", "MX")).toMatchObject({ authenticated: true });
});

test("answers are remembered and identical questions are asked once", async () => {
  const { address, queries } = await serve(records);
  const resolver = resolverOf([address]);
  await Promise.all(Array.from({ length: 20 }, () => resolver.resolve("example.com", "MX")));
  await resolver.resolve("EXAMPLE.com.", "MX");
  expect(queries).toHaveLength(1);
  await resolver.resolve("example.com", "MX", { fresh: true });
  expect(queries).toHaveLength(2);
});

test("an answer too long for UDP is fetched over TCP", async () => {
  const long = Array.from({ length: 30 }, (_, index) => `${index} `.padEnd(200, "x"));
  const { address, queries } = await serve({ "long.test TXT": long });
  expect(await resolverOf([address]).resolve("long.test", "TXT")).toMatchObject({ records: long });
  expect(queries.map((query) => query.transport)).toEqual(["udp", "tcp"]);
});

test("a lost question is asked again", async () => {
  let dropped = false;
  const { address, queries } = await serve(records, {
    tamper: (reply) => {
      if (dropped) return [reply];
      dropped = true;
      return [];
    },
  });
  expect(await resolverOf([address], 1000).resolve("example.com", "A")).toMatchObject({
    records: ["192.0.2.1"],
  });
  expect(queries).toHaveLength(2);
  expect(queries[0]?.id).not.toBe(queries[1]?.id);
});

test("the next server is asked when one is dead or fails, and stays first", async () => {
  const dead = await startDnsServer(dnsTable());
  await dead.close();
  const failing = await serve({ "example.com A": "SERVFAIL", "example.com AAAA": "SERVFAIL" });
  const working = await serve(records);
  const resolver = resolverOf([dead.address, failing.address, working.address]);
  expect(await resolver.resolve("example.com", "A")).toMatchObject({ kind: "found" });
  expect(await resolver.resolve("example.com", "AAAA")).toMatchObject({ kind: "found" });
  expect(failing.queries).toHaveLength(1);
});

test("when nobody listens or nobody answers the question fails within its time", async () => {
  const dead = await startDnsServer(dnsTable());
  await dead.close();
  expect(await resolverOf([dead.address]).resolve("example.com", "A")).toEqual({
    kind: "failed",
    reason: "econnrefused",
  });
  const silent = await serve(records);
  expect(await resolverOf([silent.address], 80).resolve("silent.test", "MX")).toEqual({
    kind: "failed",
    reason: "timeout",
  });
  expect(silent.queries).toHaveLength(4);
});

test("a server without EDNS is asked again without it", async () => {
  const { address, queries } = await serve(records, {
    tamper: (reply, query) => {
      if (query.edns) reply[3] = (reply[3]! & 0xf0) | 1;
      return [query.edns ? reply.subarray(0, 12).fill(0, 4) : reply];
    },
  });
  expect(await resolverOf([address]).resolve("example.com", "A")).toMatchObject({ kind: "found" });
  expect(queries.map((query) => query.edns)).toEqual([true, false]);
});

test("replies with a wrong id or to another question are passed over", async () => {
  const { address } = await serve(records, {
    tamper: (reply) => {
      const wrongId = Buffer.from(reply);
      wrongId[0] = wrongId[0]! ^ 0xff;
      const wrongName = Buffer.from(reply);
      wrongName.write("evil", 13);
      return [wrongId, wrongName, Buffer.from("garbage"), Buffer.alloc(0), reply];
    },
  });
  expect(await resolverOf([address]).resolve("example.com", "A")).toMatchObject({ records: ["192.0.2.1"] });
});

test("a flood of guesses moves the question to TCP", async () => {
  const { address, queries } = await serve(records, {
    tamper: (reply, query) => {
      if (query.transport === "tcp") return [reply];
      return Array.from({ length: 40 }, () =>
        Buffer.concat([Buffer.of(reply[0]! ^ 1, reply[1]!), reply.subarray(2)]),
      );
    },
  });
  expect(await resolverOf([address]).resolve("example.com", "A")).toMatchObject({ kind: "found" });
  expect(queries.map((query) => query.transport)).toEqual(["udp", "tcp"]);
});

test("a server that truncates over TCP as well, or sends garbage there, makes the question fail", async () => {
  for (const broken of [truncated, () => randomBytes(40)]) {
    const { address } = await serve(records, {
      tamper: (reply, { transport }) => [transport === "udp" ? truncated(reply) : broken(reply)],
    });
    expect(await resolverOf([address]).resolve("example.com", "A")).toEqual({
      kind: "failed",
      reason: "malformed answer",
    });
  }
});

test("whatever bytes a server answers with, the question ends", async () => {
  let bytes = Buffer.alloc(0);
  const { address } = await serve(records, {
    tamper: (reply, { transport }) => [
      transport === "udp"
        ? truncated(reply)
        : Buffer.concat([reply.subarray(0, 2), Buffer.of(0x80, 0), bytes]),
    ],
  });
  const resolver = resolverOf([address]);
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (tail) => {
      bytes = Buffer.from(tail);
      const { kind } = await resolver.resolve("example.com", "A", { fresh: true });
      expect(["failed", "absent"]).toContain(kind);
    }),
    { numRuns: 30 },
  );
});

test("closing ends what is under way and answers no more", async () => {
  const { address } = await serve(records);
  const resolver = resolverOf([address]);
  const pending = resolver.resolve("silent.test", "MX");
  resolver.close();
  expect(await pending).toEqual({ kind: "failed", reason: "closed" });
  expect(await resolver.resolve("example.com", "A")).toEqual({ kind: "failed", reason: "closed" });
});
