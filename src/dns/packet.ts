import { isIPv4, isIPv6 } from "node:net";
import {
  type Answer,
  AUTHENTIC_DATA,
  type DecodedPacket,
  DNSSEC_OK,
  decode,
  encode,
  RECURSION_DESIRED,
} from "dns-packet";
import type { DnsAnswer, RecordData, RecordType } from "./resolver.ts";

export interface Question {
  /** In canonical form. */
  name: string;
  type: RecordType;
}

/** An answer, and for how long it may be remembered (0: not at all). */
export interface Reply {
  answer: DnsAnswer;
  keepSeconds: number;
  /** What remembering it costs, roughly. */
  bytes: number;
}

/** What one datagram or stream message turned out to be. */
export type Reading =
  | { kind: "reply"; reply: Reply }
  | { kind: "refused"; reason: string; dislikesEdns: boolean }
  /** Truncated, or ours by its id and yet unreadable: to be asked again over TCP, where nobody can guess. */
  | { kind: "unusable" }
  /** Another id or another question: somebody is guessing, or an old answer is late. */
  | { kind: "stranger" };

/** 1232 bytes pass every path without fragments, which can be forged (RFC 9715). */
export const udpPayloadSize = 1232;

export function encodeQuestion(question: Question, id: number, edns: boolean): Buffer {
  return encode({
    type: "query",
    id,
    flags: RECURSION_DESIRED | AUTHENTIC_DATA, // RFC 6840 §5.7: AD in a question asks for AD in the answer
    questions: [{ name: question.name, type: question.type }],
    additionals: edns
      ? [
          {
            type: "OPT",
            name: ".",
            udpPayloadSize,
            extendedRcode: 0,
            ednsVersion: 0,
            flags: DNSSEC_OK,
            flag_do: true,
            options: [],
          },
        ]
      : [],
  });
}

/** Reads what claims to answer a question. Never throws, whatever the bytes. */
export function readReply(bytes: Buffer, id: number, question: Question): Reading {
  if (bytes.length < 12 || bytes.readUInt16BE(0) !== id || (bytes[2]! & 0x80) === 0)
    return { kind: "stranger" };
  let packet: DecodedPacket;
  try {
    packet = decode(bytes);
  } catch {
    return { kind: "unusable" };
  }
  const rcode = readRcode(bytes, packet);
  // A server that could not read the question may not repeat it; that can only make us ask again.
  const unread = (rcode === 1 || rcode === 4) && packet.questions?.length === 0;
  if (!unread && !echoes(packet, question)) return { kind: "stranger" };
  if (packet.flag_tc) return { kind: "unusable" };
  if (rcode !== 0 && rcode !== 3)
    return {
      kind: "refused",
      reason: rcodeNames[rcode] ?? `rcode ${rcode}`,
      dislikesEdns: ednsRcodes.has(rcode),
    };
  return interpret(packet, question, rcode === 3, bytes.length);
}

const rcodeNames: Record<number, string> = {
  1: "formerr",
  2: "servfail",
  4: "notimp",
  5: "refused",
  16: "badvers",
};

/** What servers without EDNS, or with another version of it, answer (RFC 6891 §7). */
const ednsRcodes = new Set([1, 4, 16]);

function readRcode(bytes: Buffer, packet: DecodedPacket): number {
  const opt = packet.additionals?.find((record) => record.type === "OPT");
  return ((opt?.extendedRcode ?? 0) << 4) | (bytes[3]! & 0x0f);
}

function echoes(packet: DecodedPacket, question: Question): boolean {
  const [echo, ...more] = packet.questions ?? [];
  if (echo === undefined || more.length > 0) return false;
  return nameOf(echo.name) === question.name && echo.type === question.type && echo.class === "IN";
}

function interpret(packet: DecodedPacket, question: Question, nxdomain: boolean, size: number): Reading {
  const answers = (packet.answers ?? []).filter((record) => record.type !== "OPT" && record.class === "IN");
  const chain = followAliases(answers, question);
  if (chain === undefined) return { kind: "refused", reason: "cname loop", dislikesEdns: false };

  const matching = answers.filter(
    (record) => record.type === question.type && nameOf(record.name) === chain.name,
  );
  const records = matching.map(toData).filter((data) => data !== undefined);
  if (records.length < matching.length) return { kind: "unusable" };
  if (records.length > 0 && !nxdomain) {
    const ttlSeconds = Math.min(...[...chain.links, ...matching].map(ttlOf));
    const answer: DnsAnswer = {
      kind: "found",
      records,
      authenticated: packet.flag_ad,
      ttlSeconds,
    } as DnsAnswer;
    return {
      kind: "reply",
      reply: { answer, keepSeconds: Math.min(Math.max(ttlSeconds, 1), 86_400), bytes: size },
    };
  }

  const authorities = packet.authorities ?? [];
  const soa = authorities.find((record) => record.type === "SOA");
  // RFC 2308 §2.2: name servers without an SOA are a referral by a server that doesn't recurse. Taking it for "no such
  // record" would bounce mail for a domain that is there.
  if (!nxdomain && !soa && !packet.flag_aa && authorities.some((record) => record.type === "NS"))
    return { kind: "refused", reason: "referral", dislikesEdns: false };
  const answer: DnsAnswer = { kind: "absent", reason: nxdomain ? "nxdomain" : "nodata" };
  // RFC 2308 §5: the SOA bounds how long an absence may be remembered; without one, not at all.
  const keepSeconds = soa ? Math.min(ttlOf(soa), soa.data.minimum ?? 0, 900) : 0;
  return { kind: "reply", reply: { answer, keepSeconds, bytes: size } };
}

/** Where the answer's CNAMEs lead from the name asked for; undefined when in circles. */
function followAliases(answers: Answer[], question: Question): { name: string; links: Answer[] } | undefined {
  const links: Answer[] = [];
  let name = question.name;
  if (question.type === "CNAME") return { name, links };
  const aliases = new Map<string, Answer>();
  for (const record of answers) if (record.type === "CNAME") aliases.set(nameOf(record.name), record);
  for (let link = aliases.get(name); link?.type === "CNAME"; link = aliases.get(name)) {
    if (links.length >= 16) return undefined;
    links.push(link);
    name = nameOf(link.data);
  }
  return { name, links };
}

function toData(record: Answer): RecordData[RecordType] | undefined {
  switch (record.type) {
    case "A":
      return isIPv4(record.data) ? record.data : undefined;
    case "AAAA":
      return isIPv6(record.data) ? record.data : undefined;
    case "CNAME":
    case "PTR":
      return nameOf(record.data);
    case "MX":
      return { exchange: nameOf(record.data.exchange), preference: record.data.preference ?? 0 };
    case "TXT":
      return toText([record.data].flat());
    case "TLSA": {
      const { usage, selector, matchingType, certificate } = record.data;
      return { usage, selector, matchingType, certificate: Uint8Array.from(certificate) };
    }
    case "CAA":
      return {
        critical: record.data.issuerCritical === true,
        tag: record.data.tag,
        value: record.data.value,
      };
  }
}

function toText(strings: (string | Buffer)[]): string {
  const bytes = Buffer.concat(strings.map((part) => Buffer.from(part)));
  const utf8 = bytes.toString("utf8");
  return utf8.includes("\uFFFD") ? bytes.toString("latin1") : utf8;
}

/** Lower-case, and nothing that could pass for something else in a log or a comparison: "?" is in no host name. */
function nameOf(name: string): string {
  return name.toLowerCase().replace(/[^!-~]/g, "?");
}

function ttlOf(record: Answer): number {
  const ttl = record.type === "OPT" ? 0 : (record.ttl ?? 0);
  return ttl > 0x7fffffff ? 0 : ttl; // RFC 2181 §8
}
