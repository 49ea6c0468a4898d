import { randomInt } from "node:crypto";
import { createSocket } from "node:dgram";
import { connect, isIPv6 } from "node:net";
import { encodeQuestion, type Question, type Reading, readReply } from "./packet.ts";
import type { DnsServer } from "./servers.ts";

/** One exchange with one server: what it said, or why there is nothing (`unheard`). */
export type Heard = Exclude<Reading, { kind: "stranger" }> | { kind: "unheard"; reason: string };

/** So many answers to other questions in one exchange are somebody guessing at ids. */
const guessesBeforeTcp = 16;

/**
 * Asks one server once, over UDP and, where that answer can't be used, over TCP. The signal ends it early; its reason
 * becomes that of the outcome. Never rejects.
 */
export async function exchange(
  server: DnsServer,
  question: Question,
  edns: boolean,
  signal: AbortSignal,
): Promise<Heard> {
  const heard = await overUdp(server, question, edns, signal);
  return heard.kind === "unusable" ? overTcp(server, question, edns, signal) : heard;
}

/**
 * A socket of its own per question, so that the kernel picks a new random port each time; connected, so that it passes
 * on only what comes from the server's address and port, and tells when nobody listens there (RFC 5452 §9).
 */
function overUdp(server: DnsServer, question: Question, edns: boolean, signal: AbortSignal): Promise<Heard> {
  const id = randomInt(0x10000);
  return new Promise((resolve) => {
    const socket = createSocket(isIPv6(server.address) ? "udp6" : "udp4");
    let strangers = 0;
    const finish = settleOnce(signal, resolve, () => socket.close());
    socket.on("error", (error) => finish(unreachable(error)));
    socket.on("message", (bytes) => {
      const reading = readReply(bytes, id, question);
      if (reading.kind !== "stranger") finish(reading);
      else if (++strangers >= guessesBeforeTcp) finish({ kind: "unusable" });
    });
    socket.connect(server.port, server.address, (error?: Error) => {
      if (error) return finish(unreachable(error));
      if (signal.aborted) return; // the socket is closed by now
      socket.send(encodeQuestion(question, id, edns), (unsent) => {
        if (unsent) finish(unreachable(unsent));
      });
    });
  });
}

/** RFC 7766: the same message behind two bytes of length. */
function overTcp(server: DnsServer, question: Question, edns: boolean, signal: AbortSignal): Promise<Heard> {
  const id = randomInt(0x10000);
  return new Promise((resolve) => {
    const socket = connect({ host: server.address, port: server.port });
    const chunks: Buffer[] = [];
    const finish = settleOnce(signal, resolve, () => socket.destroy());
    socket.on("error", (error) => finish(unreachable(error)));
    socket.on("close", () => finish({ kind: "unheard", reason: "connection closed" }));
    socket.on("connect", () => {
      const message = encodeQuestion(question, id, edns);
      const length = Buffer.alloc(2);
      length.writeUInt16BE(message.length);
      socket.write(Buffer.concat([length, message]));
    });
    socket.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      const bytes = Buffer.concat(chunks);
      if (bytes.length < 2 || bytes.length < 2 + bytes.readUInt16BE(0)) return;
      const reading = readReply(bytes.subarray(2, 2 + bytes.readUInt16BE(0)), id, question);
      const usable = reading.kind === "reply" || reading.kind === "refused";
      finish(usable ? reading : { kind: "unheard", reason: "malformed answer" });
    });
  });
}

function unreachable(error: Error): Heard {
  return { kind: "unheard", reason: "code" in error ? String(error.code).toLowerCase() : "unreachable" };
}

/** Makes the function that ends an exchange: the first outcome counts, the socket goes, the signal is let go of. */
function settleOnce(signal: AbortSignal, resolve: (heard: Heard) => void, release: () => void) {
  let settled = false;
  const finish = (heard: Heard) => {
    if (settled) return;
    settled = true;
    signal.removeEventListener("abort", onAbort);
    release();
    resolve(heard);
  };
  const onAbort = () => finish({ kind: "unheard", reason: String(signal.reason) });
  if (signal.aborted) queueMicrotask(onAbort);
  else signal.addEventListener("abort", onAbort);
  return finish;
}
