/** The client side of the wire: one conversation with one host about one recipient's copy of a message. */
import { isIP, type Socket } from "node:net";
import { TLSSocket } from "node:tls";
import SMTPConnection from "nodemailer/lib/smtp-connection";
import { checkCapabilities, checkEnvelope, type Envelope, inspectMessage } from "./preflight.ts";
import {
  type Deadlines,
  defaultDeadlines,
  type Phase,
  Progress,
  phaseWords,
  type RefusedStep,
} from "./progress.ts";
import { formatReply, parseReply, type Reply, replyClass } from "./reply.ts";

export type { Deadlines, Envelope, RefusedStep };

export type TlsResult = {
  version: string;
  cipher: string;
  /** Whether the certificate was valid for the host, which only matters to those who asked for it. */
  authorized: boolean;
  authorizationError?: string;
};

export type ConversationOptions = {
  /** The host's name: what SNI asks for and the certificate is compared with. */
  host: string;
  /** The address to connect to, already checked: no name is looked up here. */
  address: string;
  port: number;
  localAddress?: string;
  ehloName: string;
  /** `implicit` is TLS from the first byte (port 465); the others are about STARTTLS. */
  tls: "opportunistic" | "mandatory" | "off" | "implicit";
  rejectUnauthorized: boolean;
  auth?: { username: string; password: string };
  envelope: Envelope;
  /** RFC 5322 bytes with CRLF line ends only; they arrive as they are, so that signatures hold. */
  message: Uint8Array;
  signal?: AbortSignal;
  deadlines?: Partial<Deadlines>;
};

export type Conversation =
  | { kind: "accepted"; reply: Reply; tls?: TlsResult; eightBit: boolean }
  | { kind: "refused"; step: RefusedStep; reply: Reply; tls?: TlsResult }
  /** The message can't be handed to this host at all. Nothing was asked; the reply is ours, in the words of the RFCs. */
  | { kind: "unsupported"; step: "mail"; reply: Reply; tls?: TlsResult }
  | {
      kind: "unreachable";
      step: "connect" | RefusedStep;
      reason: string;
      /** It broke after the final dot: the host may have the message, and a retry may make a second copy. */
      ambiguous: boolean;
      /** STARTTLS or the handshake failed where plaintext is allowed: worth one more conversation with TLS off. */
      tlsBroken: boolean;
    };

/** What a host may send without completing a reply. RFC 5321 §4.5.3.1.5 asks for lines of 512 octets. */
const maxUnansweredBytes = 64 * 1024;

/** How long a host may take to answer QUIT, which nobody waits for. */
const quitMs = 5_000;

/**
 * Hands a message to one host and reports what came of it. Whatever the host or the network does is a result, never an
 * error; a bare CR or LF in the message is an error, because sending it would change bytes that are signed.
 */
export async function converse(options: ConversationOptions): Promise<Conversation> {
  const eightBit = inspectMessage(options.message);
  const reply = checkEnvelope(options.envelope);
  if (reply) return { kind: "unsupported", step: "mail", reply };
  return new Promise((resolve) => new Attempt(options, eightBit, resolve).start());
}

class Attempt {
  private readonly deadlines: Deadlines;
  private readonly progress = new Progress((phase) => this.arm(phase));
  private readonly connection: SMTPConnection;
  private readonly onAbort = () => this.giveUp("the attempt was stopped");
  private attemptTimer: Timer | undefined;
  private phaseTimer: Timer | undefined;
  private watched: Socket | undefined;
  private unansweredBytes = 0;
  private tls: TlsResult | undefined;
  private isSettled = false;

  constructor(
    private readonly options: ConversationOptions,
    private readonly eightBit: boolean,
    private readonly resolve: (conversation: Conversation) => void,
  ) {
    this.deadlines = { ...defaultDeadlines, ...options.deadlines };
    // Ours always come first: nodemailer's are idle times, which a host resets with a byte now and then.
    const never = this.deadlines.attemptMs + 60_000;
    this.connection = new SMTPConnection({
      host: options.address,
      port: options.port,
      localAddress: options.localAddress,
      name: options.ehloName,
      secure: options.tls === "implicit",
      requireTLS: options.tls === "mandatory",
      ignoreTLS: options.tls === "off",
      tls: {
        servername: isIP(options.host) === 0 ? options.host : undefined,
        rejectUnauthorized: options.rejectUnauthorized,
      },
      connectionTimeout: never,
      greetingTimeout: never,
      socketTimeout: never,
      socketCloseTimeout: 0,
      transactionLog: true,
      logger: this.makeListener(),
    });
  }

  start(): void {
    const { signal } = this.options;
    if (signal?.aborted) {
      this.onAbort();
      return;
    }
    signal?.addEventListener("abort", this.onAbort, { once: true });
    this.attemptTimer = setTimeout(
      () => this.giveUp(`not finished within ${seconds(this.deadlines.attemptMs)}`),
      this.deadlines.attemptMs,
    );
    this.arm("connect");
    // These stay for as long as the connection lives: an 'error' nobody listens to would end the process.
    this.connection.on("error", (error: Error) => this.broke(error));
    this.connection.on("end", () => this.broke());
    this.connection.connect((error) => (error ? this.broke(error) : this.identify()));
  }

  /** nodemailer's transaction log is its only public account of the commands and replies that pass. */
  private makeListener() {
    const ignore = () => {};
    return {
      trace: ignore,
      debug: (entry: { tnx?: string }, text = "") => {
        if (entry.tnx === "client") this.sent(text);
        else if (entry.tnx === "server") this.replied(text);
      },
      info: (entry: { tnx?: string; localPort?: number }) => {
        if (entry.tnx === "network" && this.progress.phase === "connect" && "localPort" in entry)
          this.connected();
        else if (entry.tnx === "message") this.progress.sentFinalDot();
      },
      warn: ignore,
      error: ignore,
      fatal: ignore,
    };
  }

  private connected(): void {
    this.progress.connected();
    this.watch();
  }

  private sent(line: string): void {
    if (this.isSettled) return;
    this.progress.sent(line);
    if (line.startsWith("EHLO")) this.watch(); // after STARTTLS the socket is another one
    if (line !== "STARTTLS" || this.options.tls !== "mandatory") return;
    // Told to insist on TLS, nodemailer asks hosts that never offered it, and their 502 would read like a bounce.
    if (this.progress.capabilities.has("STARTTLS")) return;
    this.giveUp("the host offers no STARTTLS, and TLS is mandatory");
  }

  private replied(text: string): void {
    this.unansweredBytes = 0;
    if (this.isSettled || this.progress.replied(text)) return;
    this.giveUp(`unexpected reply ${phaseWords[this.progress.phase].when}: ${formatReply(parseReply(text))}`);
  }

  /** Counts what the host sends between replies: nodemailer bounds a reply, but not a stream of empty lines. */
  private watch(): void {
    const socket = this.connection._socket;
    if (!socket || socket === this.watched) return;
    this.watched?.off("data", this.onBytes);
    this.watched = socket;
    this.unansweredBytes = 0;
    socket.on("data", this.onBytes);
    if (socket instanceof TLSSocket) this.tls = describeTls(socket);
  }

  private readonly onBytes = (chunk: Uint8Array) => {
    this.unansweredBytes += chunk.byteLength;
    if (this.unansweredBytes > maxUnansweredBytes)
      this.giveUp(`endless reply ${phaseWords[this.progress.phase].when}`);
  };

  private identify(): void {
    const { auth, tls } = this.options;
    if (!auth) {
      this.send();
      return;
    }
    this.progress.authenticating();
    // RFC 4954 §4: whoever stands in the way could hide STARTTLS and read the password.
    if (!this.connection.secure && tls !== "off") {
      this.giveUp("the host offers no TLS, and the password is not sent in the clear");
      return;
    }
    this.connection.login({ user: auth.username, pass: auth.password }, (error) =>
      error ? this.broke(error) : this.send(),
    );
  }

  private send(): void {
    const { envelope, message } = this.options;
    const reply = checkCapabilities(this.progress.capabilities, envelope, message.byteLength);
    if (reply) {
      this.settle({ kind: "unsupported", step: "mail", reply, tls: this.tls });
      return;
    }

    const bytes = Buffer.from(message.buffer, message.byteOffset, message.byteLength);
    const parameters = { ...envelope, size: message.byteLength, use8BitMime: this.eightBit };
    this.connection.send(parameters, bytes, (error, info) =>
      error ? this.broke(error) : this.finished(info.response),
    );
  }

  private finished(response: string): void {
    const reply = parseReply(response);
    const eightBit = this.eightBit && this.progress.capabilities.has("8BITMIME");
    // A yes before the final dot is a yes to something else: only a part of the message can have been read.
    if (!this.progress.isFinalDotSent)
      this.giveUp(`unexpected reply in the middle of DATA: ${formatReply(reply)}`);
    else if (replyClass(reply) !== "positive") this.broke();
    else this.settle({ kind: "accepted", reply, tls: this.tls, eightBit });
  }

  private broke(error?: NodemailerError): void {
    this.giveUp(explain(error, this.progress.phase));
  }

  /** Ends a conversation that can't go on. A no that came before is what counts, whatever happened after it. */
  private giveUp(reason: string): void {
    const { refusal } = this.progress;
    if (refusal === undefined) {
      this.unreachable(reason);
    } else if (refusal.step === "starttls" && this.mayGoOnInPlaintext()) {
      // RFC 3207 §4: after a refused STARTTLS it is for us to decide whether to go on without, and here for the caller
      this.unreachable(`STARTTLS refused: ${formatReply(refusal.reply)}`);
    } else {
      this.settle({ kind: "refused", ...refusal, tls: this.tls });
    }
  }

  private unreachable(reason: string): void {
    const { phase, isFinalDotSent } = this.progress;
    const { step } = phaseWords[phase];
    const tlsBroken = this.isTlsBroken() && this.mayGoOnInPlaintext();
    this.settle({ kind: "unreachable", step, reason, ambiguous: isFinalDotSent, tlsBroken });
  }

  private isTlsBroken(): boolean {
    const { phase } = this.progress;
    // RFC 8446 §4.4: the client finishes first, so a host that rejects the handshake may only say so after our EHLO
    return phase === "starttls" || phase === "handshake" || (phase === "ehlo" && this.tls !== undefined);
  }

  private mayGoOnInPlaintext(): boolean {
    return this.options.tls === "opportunistic" && this.options.auth === undefined;
  }

  private arm(phase: Phase): void {
    clearTimeout(this.phaseTimer);
    if (this.isSettled) return;
    const ms = this.deadlines[`${phase}Ms`];
    this.phaseTimer = setTimeout(() => this.giveUp(`${phaseWords[phase].awaited} within ${seconds(ms)}`), ms);
  }

  private settle(conversation: Conversation): void {
    if (this.isSettled) return;
    this.isSettled = true;
    clearTimeout(this.phaseTimer);
    clearTimeout(this.attemptTimer);
    this.options.signal?.removeEventListener("abort", this.onAbort);
    this.resolve(conversation);
    // With a reply outstanding a QUIT could be read as the beginning of the message.
    const isOver =
      conversation.kind === "unreachable" || this.connection.destroyed || this.progress.isWaiting;
    if (isOver) this.connection.close();
    else this.takeLeave();
  }

  /** RFC 5321 §4.1.1.10: QUIT before closing. The result is out already; a host that is slow here is simply left. */
  private takeLeave(): void {
    const timer = setTimeout(() => this.connection.close(), quitMs);
    timer.unref();
    this.connection.once("end", () => clearTimeout(timer));
    this.connection.quit();
  }
}

type NodemailerError = Error & { code?: string; originalCode?: string; response?: string };

const networkErrors: Record<string, string> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection reset",
  EPIPE: "connection closed",
  ETIMEDOUT: "no answer",
  EHOSTUNREACH: "no route to the host",
  ENETUNREACH: "network unreachable",
  EADDRNOTAVAIL: "the local address is not on this machine",
  EACCES: "connecting is not permitted on this machine",
  EPERM: "connecting is not permitted on this machine",
};

function explain(error: NodemailerError | undefined, phase: Phase): string {
  const { when } = phaseWords[phase];
  if (error?.response) return `unexpected reply ${when}: ${formatReply(parseReply(error.response))}`;
  const known = networkErrors[error?.originalCode ?? error?.code ?? ""];
  if (known) return phase === "connect" ? known : `${known} ${when}`;
  if (!error || error.message.startsWith("Connection closed")) return `connection closed ${when}`;
  const { text } = parseReply(error.message);
  return phase === "handshake" ? `TLS handshake failed: ${text}` : text;
}

function describeTls(socket: TLSSocket): TlsResult {
  const error: unknown = socket.authorizationError;
  return {
    version: socket.getProtocol() ?? "unknown",
    cipher: socket.getCipher()?.name ?? "unknown",
    authorized: socket.authorized,
    ...(socket.authorized || !error
      ? {}
      : { authorizationError: error instanceof Error ? error.message : String(error) }),
  };
}

function seconds(ms: number): string {
  return `${ms / 1_000} s`;
}
