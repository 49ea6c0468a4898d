import { expect, test } from "bun:test";
import type { DnsRecord } from "../dns/domain-records.ts";
import { toZoneFile } from "./zone-file.ts";

const record = (changes: Partial<DnsRecord>): DnsRecord => ({
  ...{ purpose: "SPF", type: "TXT", name: "send", host: "send.example.com", value: "", required: true },
  ...changes,
});

test("each record is one line with full names that end in a dot", () => {
  const text = toZoneFile([
    record({ type: "MX", value: "mail.example.net", priority: 10 }),
    record({ value: "v=spf1 a:mail.example.net ~all" }),
    record({ type: "CNAME", host: "links.example.com", value: "mail.example.net" }),
  ]);
  expect(text).toBe(
    [
      "send.example.com. IN MX 10 mail.example.net.",
      'send.example.com. IN TXT "v=spf1 a:mail.example.net ~all"',
      "links.example.com. IN CNAME mail.example.net.",
      "",
    ].join("\n"),
  );
});

test("a long value is cut into strings that together are the value, and quotes in it are escaped", () => {
  const value = `v=DKIM1; p=${"A".repeat(300)}"\\`;
  const line = toZoneFile([record({ value })]);
  const strings = [...line.matchAll(/"((?:\\.|[^"\\])*)"/g)].map(([, text]) => text!.replace(/\\(.)/g, "$1"));
  expect(strings.map(({ length }) => length)).toEqual([255, 58]);
  expect(strings.join("")).toBe(value);
});

test("the record of a key that signs no longer is left out", () => {
  const old = record({ purpose: "DKIM", keepUntil: new Date("2026-03-08T12:00:00Z") });
  expect(toZoneFile([old])).toBe("");
});
