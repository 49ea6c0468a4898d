import { once } from "node:events";
import net from "node:net";
import { type CertificatePair, makeSelfSignedCertificate } from "../../src/smtp/certificate.ts";
import { type MxScript, MxSession, type ReceivedMessage } from "./mx-session.ts";

export type { Behaviour, MxScript, ReceivedMessage, Step } from "./mx-session.ts";

export type MxHost = {
  hostname: string;
  address: string;
  port: number;
  certificate: CertificatePair;
  /** Messages that were answered positively, oldest first. */
  received: ReceivedMessage[];
  /** Every command line of every connection, in the order in which they came. */
  commands: string[];
  /** What came in one piece outside of messages: pipelined commands are one turn. */
  turns: string[];
  /** How many connections were ever opened. */
  readonly connections: number;
  /** How many are open now. */
  readonly openConnections: number;
  /** Resolves once `count` messages have been received in all. */
  waitForMessages(count: number): Promise<ReceivedMessage[]>;
  /** Resolves once no connection is open. */
  waitUntilIdle(): Promise<void>;
  /** Says this to everybody who is connected, asked or not. */
  shout(text: string): void;
  /** Breaks every connection without a goodbye. */
  reset(): void;
  close(): Promise<void>;
};

/** Where a host listens: hosts of one domain share their port, and so have addresses of their own (127.0.0.2, ::1). */
export type MxPlace = { address?: string; port?: number };

/** Made once a process: a certificate costs milliseconds, and tests look at who it names, not at how fresh it is. */
let sharedCertificate: Promise<CertificatePair> | undefined;

/** Starts the far side of a delivery: an MX host on real sockets that accepts everything unless the script says otherwise. */
export async function startMxHost(script: MxScript = {}, place: MxPlace = {}): Promise<MxHost> {
  sharedCertificate ??= makeSelfSignedCertificate("mx.example.com", new Date("2026-01-01T00:00:00Z"));
  const certificate = script.certificate ?? (await sharedCertificate);
  const hostname = script.hostname ?? "mx.example.com";
  const received: ReceivedMessage[] = [];
  const commands: string[] = [];
  const turns: string[] = [];
  const sockets = new Set<net.Socket>();
  const waiting = new Set<() => void>();
  let connections = 0;

  const changed = () => {
    for (const look of waiting) look();
  };
  const until = <T>(look: () => T | undefined): Promise<T> =>
    new Promise((resolve) => {
      const attempt = () => {
        const found = look();
        if (found === undefined) return;
        waiting.delete(attempt);
        resolve(found);
      };
      waiting.add(attempt);
      attempt();
    });

  const track = (socket: net.Socket) => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy()); // the other side may hang up at any time: that is what we are here for
    socket.once("close", () => {
      sockets.delete(socket);
      changed();
    });
  };

  const server = net.createServer((socket) => {
    connections += 1;
    track(socket);
    const session = new MxSession(script, hostname, certificate, connections, {
      command: (line) => commands.push(line),
      turn: (text) => turns.push(text),
      message: (message) => {
        received.push(message);
        changed();
      },
    });
    session.start(socket);
  });
  const address = place.address ?? "127.0.0.1";
  server.listen(place.port ?? 0, address);
  await once(server, "listening");

  return {
    hostname,
    address,
    port: (server.address() as net.AddressInfo).port,
    certificate,
    received,
    commands,
    turns,
    get connections() {
      return connections;
    },
    get openConnections() {
      return sockets.size;
    },
    waitForMessages: (count) =>
      until(() => (received.length >= count ? received.slice(0, count) : undefined)),
    waitUntilIdle: () => until(() => (sockets.size === 0 ? true : undefined)).then(() => {}),
    shout: (text) => {
      for (const socket of sockets) socket.write(text);
    },
    reset: () => {
      for (const socket of sockets) socket.resetAndDestroy();
    },
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
