import { describe, expect, test } from "bun:test";
import { type Answer, AUTHENTIC_DATA, AUTHORITATIVE_ANSWER, decode, encode, type Packet } from "dns-packet";
import fc from "fast-check";
import { encodeQuestion, type Question, type Reading, readReply } from "./packet.ts";
import type { RecordType } from "./resolver.ts";

const question: Question = { name: "example.com", type: "MX" };

function read(packet: Partial<Packet>, asked = question): Reading {
  const questions = [{ name: asked.name, type: asked.type as RecordType }];
  return readReply(encode({ type: "response", id: 7, questions, ...packet }), 7, asked);
}

function soa(ttl: number, minimum: number): Answer {
  return { type: "SOA", name: "example.com", ttl, data: { mname: "ns.test", rname: "admin.test", minimum } };
}

const mx = (exchange: string, name = "example.com", ttl = 60): Answer => ({
  type: "MX",
  name,
  ttl,
  data: { exchange, preference: 10 },
});

test("a question asks for recursion, for DNSSEC's verdict and for answers of 1232 bytes", () => {
  const packet = decode(encodeQuestion(question, 7, true));
  expect(packet).toMatchObject({
    id: 7,
    flag_rd: true,
    flag_ad: true,
    questions: [{ name: "example.com", type: "MX" }],
  });
  expect(packet.additionals).toMatchObject([{ type: "OPT", udpPayloadSize: 1232, flag_do: true }]);
  expect(decode(encodeQuestion(question, 7, false)).additionals).toEqual([]);
});

test("an answer gives the records asked for, in lower case, with the shortest time to live and the AD flag", () => {
  const other: Answer = { type: "A", name: "mx.example.com", ttl: 1, data: "192.0.2.1" };
  expect(
    read({
      flags: AUTHENTIC_DATA,
      answers: [mx("MX1.Example.com", "EXAMPLE.com", 90), mx("mx2.test"), other],
    }),
  ).toMatchObject({
    kind: "reply",
    reply: {
      keepSeconds: 60,
      answer: {
        kind: "found",
        authenticated: true,
        ttlSeconds: 60,
        records: [
          { exchange: "mx1.example.com", preference: 10 },
          { exchange: "mx2.test", preference: 10 },
        ],
      },
    },
  });
});

test("aliases are followed to the records at their end, and no further than the answer leads", () => {
  const alias: Answer = { type: "CNAME", name: "example.com", ttl: 30, data: "Target.test" };
  expect(
    read({ answers: [mx("mx.test", "target.test"), alias, mx("evil.test", "unrelated.test")] }),
  ).toMatchObject({
    reply: { answer: { ttlSeconds: 30, records: [{ exchange: "mx.test" }] } },
  });
  const back: Answer = { type: "CNAME", name: "target.test", ttl: 30, data: "example.com" };
  expect(read({ answers: [alias, back] })).toMatchObject({ kind: "refused", reason: "cname loop" });
});

test("the strings of a TXT record are joined, as UTF-8 where they are that", () => {
  const txt = (data: Buffer[]): Answer => ({ type: "TXT", name: "example.com", ttl: 60, data });
  const answers = [
    txt([Buffer.from("v=DKIM1; p=ab"), Buffer.from("cd")]),
    txt([Buffer.from([0xc3]), Buffer.from([0xa9])]),
    txt([Buffer.from([0xe9])]),
  ];
  expect(read({ answers }, { name: "example.com", type: "TXT" })).toMatchObject({
    reply: { answer: { records: ["v=DKIM1; p=abcd", "é", "é"] } },
  });
});

test("TLSA, CAA and PTR records are read", () => {
  const tlsa: Answer = {
    type: "TLSA",
    name: "example.com",
    ttl: 60,
    data: { usage: 3, selector: 1, matchingType: 1, certificate: Buffer.from("abcd", "hex") },
  };
  expect(read({ answers: [tlsa] }, { name: "example.com", type: "TLSA" })).toMatchObject({
    reply: {
      answer: {
        records: [{ usage: 3, selector: 1, matchingType: 1, certificate: Uint8Array.of(0xab, 0xcd) }],
      },
    },
  });
  const caa: Answer = {
    type: "CAA",
    name: "example.com",
    ttl: 60,
    data: { flags: 128, tag: "issue", value: "ca.test" },
  };
  expect(read({ answers: [caa] }, { name: "example.com", type: "CAA" })).toMatchObject({
    reply: { answer: { records: [{ critical: true, tag: "issue", value: "ca.test" }] } },
  });
  const ptr: Answer = { type: "PTR", name: "1.2.0.192.in-addr.arpa", ttl: 60, data: "Host.Test" };
  expect(read({ answers: [ptr] }, { name: "1.2.0.192.in-addr.arpa", type: "PTR" })).toMatchObject({
    reply: { answer: { records: ["host.test"] } },
  });
});

describe("an absence", () => {
  test("tells a name that does not exist from one without such records", () => {
    expect(read({ flags: 3 })).toMatchObject({ reply: { answer: { kind: "absent", reason: "nxdomain" } } });
    expect(read({})).toMatchObject({ reply: { answer: { kind: "absent", reason: "nodata" } } });
  });

  test("is kept for the lesser of the SOA's time to live and minimum, at most 15 minutes, and not without an SOA", () => {
    expect(read({ flags: 3, authorities: [soa(300, 120)] })).toMatchObject({ reply: { keepSeconds: 120 } });
    expect(read({ flags: 3, authorities: [soa(86_400, 86_400)] })).toMatchObject({
      reply: { keepSeconds: 900 },
    });
    expect(read({ flags: 3 })).toMatchObject({ reply: { keepSeconds: 0 } });
  });

  test("is not concluded from a referral", () => {
    const ns: Answer = { type: "NS", name: "com", ttl: 60, data: "ns.test" };
    expect(read({ authorities: [ns] })).toMatchObject({ kind: "refused", reason: "referral" });
    expect(read({ flags: AUTHORITATIVE_ANSWER, authorities: [ns] })).toMatchObject({ kind: "reply" });
  });
});

test("a time to live is kept between a second and a day, and one with its highest bit set is none", () => {
  expect(read({ answers: [mx("mx.test", "example.com", 0)] })).toMatchObject({ reply: { keepSeconds: 1 } });
  expect(read({ answers: [mx("mx.test", "example.com", 9_999_999)] })).toMatchObject({
    reply: { keepSeconds: 86_400 },
  });
  expect(read({ answers: [mx("mx.test", "example.com", 0xffffffff)] })).toMatchObject({
    reply: { keepSeconds: 1 },
  });
});

test("a reply with another id, question or direction is a stranger's", () => {
  const right = encode({ type: "response", id: 7, questions: [question] });
  expect(readReply(right, 7, question).kind).toBe("reply");
  expect(readReply(right, 8, question).kind).toBe("stranger");
  expect(readReply(right, 7, { ...question, type: "A" }).kind).toBe("stranger");
  expect(readReply(right, 7, { ...question, name: "example.org" }).kind).toBe("stranger");
  expect(readReply(encode({ type: "query", id: 7, questions: [question] }), 7, question).kind).toBe(
    "stranger",
  );
  expect(readReply(encode({ type: "response", id: 7 }), 7, question).kind).toBe("stranger");
});

test("a server's refusal is named, its extended code included", () => {
  expect(read({ flags: 2 })).toEqual({ kind: "refused", reason: "servfail", dislikesEdns: false });
  expect(read({ flags: 1 })).toEqual({ kind: "refused", reason: "formerr", dislikesEdns: true });
  const opt: Answer = {
    type: "OPT",
    name: ".",
    udpPayloadSize: 1232,
    extendedRcode: 1,
    ednsVersion: 0,
    flags: 0,
    flag_do: false,
    options: [],
  };
  expect(read({ additionals: [opt] })).toEqual({ kind: "refused", reason: "badvers", dislikesEdns: true });
});

test("names with bytes that no host name has come out harmless", () => {
  const reading = read({ answers: [mx("a\r\n<script>\u202e.test")] });
  expect(reading).toMatchObject({ reply: { answer: { records: [{ exchange: "a??<script>?.test" }] } } });
});

test("no bytes make reading throw or hang", () => {
  const valid = encode({
    type: "response",
    id: 7,
    questions: [question],
    answers: [mx("mx.example.com"), { type: "TXT", name: "example.com", ttl: 1, data: ["a", "b"] }],
    authorities: [soa(1, 1)],
  });
  const kinds = ["reply", "refused", "unusable", "stranger"];
  const header = fc
    .uint8Array({ maxLength: 300 })
    .map((tail) => Buffer.concat([valid.subarray(0, 29), tail]));
  const flipped = fc
    .array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { maxLength: 8 })
    .map((flips) => flips.reduce((bytes, [at, value]) => bytes.fill(value, at, at + 1), Buffer.from(valid)));
  const random = fc.uint8Array({ maxLength: 600 }).map((bytes) => Buffer.from(bytes));
  const cut = fc.nat(valid.length).map((length) => valid.subarray(0, length));
  fc.assert(
    fc.property(fc.oneof(header, flipped, random, cut), (bytes) => {
      expect(kinds).toContain(readReply(bytes, 7, question).kind);
    }),
    { numRuns: 500 },
  );
});
