import { createSocket, type Socket } from "node:dgram";
import { createServer, type Server } from "node:net";
import {
  type Answer,
  AUTHENTIC_DATA,
  decode,
  encode,
  type Packet,
  RECURSION_AVAILABLE,
  RECURSION_DESIRED,
  TRUNCATED_RESPONSE,
} from "dns-packet";
import type { DnsAnswer, RecordData, RecordType } from "../../src/dns/resolver.ts";
import { type DnsTable, isRecordType } from "./dns-table.ts";

export interface DnsQuery {
  id: number;
  name: string;
  type: string;
  edns: boolean;
  transport: "udp" | "tcp";
}

export interface DnsServerOptions {
  /** What goes out instead of the proper reply, a message each: nothing, garbage, a wrong id, `truncated(reply)`. */
  tamper?: (reply: Buffer, query: DnsQuery) => Buffer[];
}

export interface DnsServer {
  /** For `dns.servers`. */
  address: string;
  port: number;
  table: DnsTable;
  /** Every query that came in, in order. */
  queries: DnsQuery[];
  close(): Promise<void>;
}

/** A real DNS server on loopback, UDP and TCP on one port, that answers from a table. Truncates as the query asks. */
export async function startDnsServer(table: DnsTable, options: DnsServerOptions = {}): Promise<DnsServer> {
  const queries: DnsQuery[] = [];

  async function reply(message: Buffer, transport: "udp" | "tcp"): Promise<Buffer[]> {
    const packet = decode(message);
    const question = packet.questions?.[0];
    if (question === undefined) return [];
    const opt = packet.additionals?.find((record) => record.type === "OPT");
    const query = {
      id: packet.id ?? 0,
      name: question.name,
      type: question.type,
      edns: opt !== undefined,
      transport,
    };
    queries.push(query);
    const answer: DnsAnswer = isRecordType(question.type)
      ? await table.resolve(question.name, question.type)
      : { kind: "absent", reason: "nodata" };
    const bytes = encodeAnswer(packet, answer, question.type);
    const limit = transport === "tcp" ? 65_535 : (opt?.udpPayloadSize ?? 512);
    const proper = bytes.length > limit ? truncated(bytes) : bytes;
    if (answer.kind === "failed" && answer.reason === "timeout") return [];
    return options.tamper?.(proper, query) ?? [proper];
  }

  const { udp, tcp, port } = await bindBoth();
  const connections = new Set<{ destroy(): void }>();
  udp.on("message", async (message, from) => {
    for (const bytes of await reply(message, "udp").catch(() => [])) udp.send(bytes, from.port, from.address);
  });
  tcp.on("connection", (socket) => {
    connections.add(socket);
    socket.on("close", () => connections.delete(socket));
    socket.on("error", () => socket.destroy());
    let pending = Buffer.alloc(0);
    socket.on("data", async (chunk: Buffer) => {
      pending = Buffer.concat([pending, chunk]);
      if (pending.length < 2 || pending.length < 2 + pending.readUInt16BE(0)) return;
      const message = pending.subarray(2, 2 + pending.readUInt16BE(0));
      pending = pending.subarray(2 + message.length);
      for (const bytes of await reply(message, "tcp").catch(() => [])) socket.write(withLength(bytes));
    });
  });

  return {
    address: `127.0.0.1:${port}`,
    port,
    table,
    queries,
    async close() {
      for (const connection of connections) connection.destroy();
      await Promise.all([
        new Promise<void>((resolve) => udp.close(() => resolve())),
        new Promise<void>((resolve) => tcp.close(() => resolve())),
      ]);
    },
  };
}

/** The reply cut down to its header and question, with the TC flag. */
export function truncated(reply: Buffer): Buffer {
  const { id, flags, questions } = decode(reply);
  return encode({ type: "response", id, flags: (flags ?? 0) | TRUNCATED_RESPONSE, questions });
}

function encodeAnswer(query: Packet, answer: DnsAnswer, type: string): Buffer {
  const name = query.questions?.[0]?.name ?? ".";
  const failed = answer.kind === "failed";
  const rcode = failed ? 2 : answer.kind === "absent" && answer.reason === "nxdomain" ? 3 : 0;
  const authenticated = answer.kind === "found" && answer.authenticated ? AUTHENTIC_DATA : 0;
  const soa: Answer = {
    type: "SOA",
    name: ".",
    ttl: 60,
    data: {
      mname: "ns.test",
      rname: "admin.test",
      serial: 1,
      refresh: 60,
      retry: 60,
      expire: 60,
      minimum: 60,
    },
  };
  return encode({
    type: "response",
    id: query.id,
    flags: RECURSION_DESIRED | RECURSION_AVAILABLE | authenticated | rcode,
    questions: query.questions,
    answers:
      answer.kind === "found"
        ? answer.records.map((data) => toAnswer(name, type as RecordType, data, answer.ttlSeconds))
        : [],
    authorities: answer.kind === "absent" ? [soa] : [],
  });
}

function toAnswer(name: string, type: RecordType, data: RecordData[RecordType], ttl: number): Answer {
  if (typeof data !== "string") {
    if ("certificate" in data)
      return { type: "TLSA", name, ttl, data: { ...data, certificate: Buffer.from(data.certificate) } };
    if ("exchange" in data) return { type: "MX", name, ttl, data };
    return {
      type: "CAA",
      name,
      ttl,
      data: { flags: data.critical ? 128 : 0, tag: data.tag as "issue", value: data.value },
    };
  }
  if (type === "TXT") return { type, name, ttl, data: inStrings(Buffer.from(data)) };
  return { type: type as "A", name, ttl, data };
}

/** RFC 1035 §3.3.14: one string of a TXT record holds at most 255 bytes. */
function inStrings(bytes: Buffer): Buffer[] {
  const strings = [bytes.subarray(0, 255)];
  for (let at = 255; at < bytes.length; at += 255) strings.push(bytes.subarray(at, at + 255));
  return strings;
}

function withLength(message: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}

/** A UDP port whose TCP twin is free as well: the kernel hands the two out independently. */
async function bindBoth(attemptsLeft = 10): Promise<{ udp: Socket; tcp: Server; port: number }> {
  const udp = createSocket("udp4");
  await new Promise<void>((resolve) => udp.bind(0, "127.0.0.1", resolve));
  const { port } = udp.address();
  const tcp = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      tcp.once("error", reject);
      tcp.listen(port, "127.0.0.1", resolve);
    });
    return { udp, tcp, port };
  } catch (error) {
    udp.close();
    if (attemptsLeft === 0) throw error;
    return bindBoth(attemptsLeft - 1);
  }
}
