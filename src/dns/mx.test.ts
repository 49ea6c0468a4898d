import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { dnsTable, type TableValue } from "../../test/support/dns-table.ts";
import { lookUpAddresses, lookUpMx } from "./mx.ts";

/** Draws the given lots in turn. */
function draws(...lots: number[]): () => number {
  return () => lots.shift() ?? 0;
}

async function hostsOf(mx: TableValue, random = draws()): Promise<string[]> {
  const answer = await lookUpMx(dnsTable({ "example.com MX": mx }), "example.com", random);
  return answer.kind === "hosts" ? answer.hosts.map((host) => host.name) : [answer.kind];
}

describe("MX hosts", () => {
  test("come lowest preference first, equals in the order drawn", async () => {
    const mx = ["20 c.test", "10 a.test", "10 b.test"];
    expect(await hostsOf(mx, draws(0, 0.1, 0.9))).toEqual(["a.test", "b.test", "c.test"]);
    expect(await hostsOf(mx, draws(0, 0.9, 0.1))).toEqual(["b.test", "a.test", "c.test"]);
  });

  test("are authenticated when DNSSEC vouches for the MX records", async () => {
    const table = dnsTable({ "example.com MX": "10 mx.test" }, { authenticated: () => true });
    expect(await lookUpMx(table, "example.com", draws())).toEqual({
      kind: "hosts",
      hosts: [{ name: "mx.test", preference: 10 }],
      implicit: false,
      authenticated: true,
    });
  });

  test("are named once each, and never more than twenty", async () => {
    expect(await hostsOf(["10 a.test", "5 A.test."])).toEqual(["a.test"]);
    expect(await hostsOf(Array.from({ length: 500 }, (_, index) => `${index} mx${index}.test`))).toHaveLength(
      20,
    );
  });

  test("that are addresses, empty or no host names are dropped", async () => {
    const mx = [
      "1 127.0.0.1",
      "1 ::1",
      "1 0x7f000001",
      "1 2130706433",
      "1 .",
      "1 ",
      "1 a/b.test",
      "1 -.test",
      "9 good.test",
    ];
    expect(await hostsOf(mx)).toEqual(["good.test"]);
  });

  test("that are all unusable are a failure, not a reason to try the domain itself", async () => {
    const table = dnsTable({ "example.com MX": "1 127.0.0.1", "example.com A": "192.0.2.1" });
    expect(await lookUpMx(table, "example.com", draws())).toMatchObject({ kind: "failed" });
  });

  test("stay in order whatever is published", async () => {
    const record = fc
      .tuple(fc.nat(65535), fc.string({ unit: "grapheme-ascii" }))
      .map(([n, name]) => `${n} ${name}`);
    await fc.assert(
      fc.asyncProperty(fc.array(record, { minLength: 1, maxLength: 40 }), async (mx) => {
        const answer = await lookUpMx(dnsTable({ "example.com MX": mx }), "example.com", () => 0.5);
        if (answer.kind !== "hosts") return;
        const preferences = answer.hosts.map((host) => host.preference);
        expect(preferences).toEqual(preferences.toSorted((a, b) => a - b));
      }),
    );
  });
});

describe("a domain", () => {
  test("without MX records is its own host when it has an address", async () => {
    for (const key of ["example.com A", "example.com AAAA"])
      expect(
        await lookUpMx(
          dnsTable({ [key]: key.endsWith("A A") ? "::1" : "127.0.0.1" }),
          "Example.com.",
          draws(),
        ),
      ).toEqual({
        kind: "hosts",
        hosts: [{ name: "example.com", preference: 0 }],
        implicit: true,
        authenticated: false,
      });
  });

  test("that does not exist, or has nowhere to deliver to, is no such domain", async () => {
    expect(await lookUpMx(dnsTable(), "example.com", draws())).toMatchObject({ kind: "no_such_domain" });
    const text = dnsTable({ "example.com TXT": "v=spf1 -all" });
    expect(await lookUpMx(text, "example.com", draws())).toMatchObject({ kind: "no_such_domain" });
  });

  test("with the single MX record of RFC 7505 takes no mail, one among others does not count", async () => {
    expect(await hostsOf("0 .")).toEqual(["null_mx"]);
    expect(await hostsOf(["0 .", "10 mx.test"])).toEqual(["mx.test"]);
  });

  test("whose lookups fail is tried again later", async () => {
    expect(await lookUpMx(dnsTable({ "example.com MX": "SERVFAIL" }), "example.com", draws())).toEqual({
      kind: "failed",
      reason: "MX lookup: servfail",
    });
    expect(await lookUpMx(dnsTable({ "example.com A": "TIMEOUT" }), "example.com", draws())).toEqual({
      kind: "failed",
      reason: "address lookup: timeout",
    });
  });
});

describe("a host's addresses", () => {
  test("are those of both families, IPv6 first", async () => {
    const table = dnsTable({ "mx.test A": ["192.0.2.1", "192.0.2.2"], "mx.test AAAA": "2001:db8::1" });
    expect(await lookUpAddresses(table, "mx.test")).toEqual({
      kind: "addresses",
      addresses: [
        { address: "2001:db8::1", family: 6 },
        { address: "192.0.2.1", family: 4 },
        { address: "192.0.2.2", family: 4 },
      ],
    });
  });

  test("of one family are enough when the other can't be looked up", async () => {
    const table = dnsTable({ "mx.test A": "192.0.2.1", "mx.test AAAA": "SERVFAIL" });
    expect(await lookUpAddresses(table, "mx.test")).toMatchObject({ addresses: [{ address: "192.0.2.1" }] });
  });

  test("are none only when both families are known to be absent", async () => {
    expect(await lookUpAddresses(dnsTable(), "mx.test")).toEqual({ kind: "none" });
    const table = dnsTable({ "mx.test AAAA": "TIMEOUT" });
    expect(await lookUpAddresses(table, "mx.test")).toEqual({
      kind: "failed",
      reason: "address lookup: timeout",
    });
  });

  test("are limited, and a long list of one family leaves room for the other", async () => {
    const many = Array.from({ length: 100 }, (_, index) => `2001:db8::${index}`);
    const found = await lookUpAddresses(
      dnsTable({ "mx.test AAAA": many, "mx.test A": "192.0.2.1" }),
      "mx.test",
    );
    expect(found).toMatchObject({ kind: "addresses" });
    if (found.kind === "addresses")
      expect(found.addresses.map(({ family }) => family).filter((f) => f === 4)).toEqual([4]);
    if (found.kind === "addresses") expect(found.addresses.length).toBeLessThanOrEqual(20);
  });

  test("need no lookup when the host is given as an address", async () => {
    const table = dnsTable();
    expect(await lookUpAddresses(table, "127.0.0.1")).toEqual({
      kind: "addresses",
      addresses: [{ address: "127.0.0.1", family: 4 }],
    });
    expect(table.asked).toEqual([]);
  });
});
