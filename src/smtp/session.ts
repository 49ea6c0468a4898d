/** A connection to one host that carries many messages, one transaction after the other. */
import type { Capabilities } from "./capabilities.ts";
import type { Conversation } from "./client.ts";
import type { TlsResult } from "./encryption.ts";
import { Opener, type Opening } from "./opening.ts";
import { checkCapabilities, checkEnvelope, type Envelope, inspectMessage } from "./preflight.ts";
import type { Deadlines, Exchange } from "./progress.ts";
import { Transaction } from "./transaction.ts";
import { stopped, type Wire } from "./wire.ts";

export type { Deadlines, Envelope, Exchange };

export type SessionOptions = {
  /** The host's name: what SNI asks for and the certificate is compared with. */
  host: string;
  /** The address to connect to, already checked: no name is looked up here. */
  address: string;
  port: number;
  localAddress?: string;
  ehloName: string;
  /** `implicit` is TLS from the first byte (port 465); the others are about STARTTLS. */
  tls: "opportunistic" | "mandatory" | "off" | "implicit";
  /** Whether a certificate that nobody vouches for ends the conversation. */
  rejectUnauthorized: boolean;
  /** CAs to trust in place of the system's (PEM); for tests and closed networks. */
  ca?: string;
  auth?: { username: string; password: string };
  deadlines?: Partial<Deadlines>;
  /** Ends the opening; a message that is under way has a signal of its own. */
  signal?: AbortSignal;
};

export type Opened =
  | { kind: "open"; session: Session; exchanges: Exchange[] }
  | (Exclude<Opening, { kind: "open" }> & { exchanges: Exchange[] });

export type Sent = Conversation;

export type SendOptions = {
  signal?: AbortSignal;
  /** When the attempt began, by `performance.now()`, if that was before the transaction: its deadline counts from then. */
  startedAt?: number;
};

export interface Session {
  readonly host: string;
  readonly address: string;
  readonly localAddress?: string;
  readonly tls?: TlsResult;
  readonly capabilities: Capabilities;
  /** What the host calls itself in its answer to EHLO (first word of the first line), lower-case; "" when it says nothing. */
  readonly hostSaysItIs: string;
  /** Transactions begun so far. */
  readonly transactions: number;
  /** False from the moment the host or we closed it, or while a transaction is under way. */
  readonly isIdle: boolean;
  /** True once it can't be used any more. */
  readonly isClosed: boolean;
  /**
   * One transaction; only while `isIdle`. Whatever the host or the network does is a result. A bare CR or LF in the
   * message is an error, because sending it would change bytes that are signed.
   */
  send(message: Uint8Array, envelope: Envelope, options?: SendOptions): Promise<Sent>;
  /** Says QUIT if it can and leaves without waiting for anybody. Safe to call twice. */
  close(): void;
  /** Called once when the session becomes closed, for whatever reason; an idle one closed by its host included. */
  onClosed: (() => void) | undefined;
}

/** Connects to a host and goes as far as the first MAIL FROM. Never rejects for what the host or the network does. */
export async function openSession(options: SessionOptions): Promise<Opened> {
  const opener = new Opener(options);
  const opening = await opener.open();
  const { exchanges } = opener;
  if (opening.kind !== "open") return { ...opening, exchanges };
  return { kind: "open", session: new OpenSession(options, opening), exchanges };
}

class OpenSession implements Session {
  readonly host: string;
  readonly address: string;
  readonly localAddress?: string;
  readonly tls?: TlsResult;
  readonly capabilities: Capabilities;
  readonly hostSaysItIs: string;
  transactions = 0;
  onClosed: (() => void) | undefined;
  private readonly wire: Wire;
  private isBusy = false;

  constructor(options: SessionOptions, opening: Opening & { kind: "open" }) {
    this.host = options.host;
    this.address = options.address;
    this.localAddress = options.localAddress;
    this.tls = opening.tls;
    this.capabilities = opening.capabilities;
    this.hostSaysItIs = opening.hostName;
    this.wire = opening.wire;
    this.wire.onClosed = () => this.onClosed?.();
  }

  get isClosed(): boolean {
    return this.wire.isBroken;
  }

  get isIdle(): boolean {
    return !this.isBusy && !this.wire.isBroken;
  }

  async send(message: Uint8Array, envelope: Envelope, options: SendOptions = {}): Promise<Sent> {
    const { wire, capabilities, tls } = this;
    if (this.isBusy) throw new Error("The session is in the middle of a transaction");
    const eightBit = inspectMessage(message);
    const unfit = checkEnvelope(envelope) ?? checkCapabilities(capabilities, envelope, message.byteLength);
    if (unfit) return { kind: "unsupported", step: "mail", reply: unfit, tls, exchanges: [] };

    const { signal, startedAt = performance.now() } = options;
    const isReused = this.transactions > 0;
    if (signal?.aborted) return { ...notBegun, reason: stopped };
    if (wire.isBroken) return { ...notBegun, stale: isReused };
    const onAbort = () => wire.fail("stopped", stopped);
    signal?.addEventListener("abort", onAbort, { once: true });
    this.isBusy = true;
    this.transactions += 1;
    try {
      const transaction = new Transaction(wire, { capabilities, tls, isReused, startedAt });
      return await transaction.run(message, envelope, eightBit);
    } finally {
      this.isBusy = false;
      signal?.removeEventListener("abort", onAbort);
    }
  }

  close(): void {
    // With a reply outstanding a QUIT could be read as a part of the message.
    if (this.isBusy) this.wire.fail("stopped", "the session was closed");
    else this.wire.leave();
  }
}

/** What comes of a message that could not even be begun. */
const notBegun: Sent & { kind: "unreachable" } = {
  kind: "unreachable",
  step: "mail",
  reason: "connection closed before MAIL FROM",
  ambiguous: false,
  tlsBroken: false,
  stale: false,
  exchanges: [],
};
