/** The beginning of a conversation: everything before the first MAIL FROM. */
import { authMechanisms, type Capabilities, parseCapabilities, parseHostName } from "./capabilities.ts";
import { describeTls, type TlsResult, tlsOptions } from "./encryption.ts";
import { type Exchange, type Phase, phaseWords, type RefusedStep } from "./progress.ts";
import { formatReply, type Reply, replyClass } from "./reply.ts";
import type { SessionOptions } from "./session.ts";
import { Broken, stopped, Wire } from "./wire.ts";

const noCapabilities: Capabilities = new Map();

/** What came of an opening; the wire of one that failed is closed. */
export type Opening =
  | { kind: "open"; wire: Wire; tls?: TlsResult; capabilities: Capabilities; hostName: string }
  | { kind: "refused"; step: RefusedStep; reply: Reply; tls?: TlsResult }
  | {
      kind: "unreachable";
      step: "connect" | RefusedStep;
      reason: string;
      ambiguous: false;
      /** STARTTLS or the handshake failed where plaintext is allowed: worth one more conversation with TLS off. */
      tlsBroken: boolean;
    };

/** Thrown inside an opening where the host's no ends it. */
class Refused extends Error {
  constructor(
    readonly step: RefusedStep,
    readonly reply: Reply,
  ) {
    super(formatReply(reply));
  }
}

export class Opener {
  readonly exchanges: Exchange[] = [];
  private readonly startedAt = performance.now();
  private readonly wire: Wire;
  private tls: TlsResult | undefined;
  private capabilities = noCapabilities;
  private hostName = "";

  constructor(private readonly options: SessionOptions) {
    this.wire = new Wire(options.deadlines);
  }

  async open(): Promise<Opening> {
    const { wire } = this;
    const { signal } = this.options;
    if (signal?.aborted) return this.unreachable(stopped, true);
    const onAbort = () => wire.fail("stopped", stopped);
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      await this.converse();
      wire.rest();
      return { kind: "open", wire, tls: this.tls, capabilities: this.capabilities, hostName: this.hostName };
    } catch (error) {
      if (error instanceof Refused) return this.refused(error);
      if (error instanceof Broken) return this.unreachable(error.reason, error.because === "stopped");
      wire.fail("unexpected", "an error of ours");
      throw error;
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
  }

  private async converse(): Promise<void> {
    const { tls, auth } = this.options;
    await this.connect();
    if (tls === "implicit") await this.secure();
    await this.greet();
    await this.identify();
    if (tls === "mandatory" || (tls === "opportunistic" && this.capabilities.has("STARTTLS"))) {
      await this.startTls();
      await this.identify();
    }
    if (auth) await this.authenticate(auth);
    if (!this.wire.hasUnread) return;
    const reply = await this.hear("ehlo");
    this.refuseNo("ehlo", reply);
    throw this.wire.unexpected(reply);
  }

  private async connect(): Promise<void> {
    const { address, port, localAddress } = this.options;
    this.wire.begin(this.startedAt);
    await this.wire.connect({ host: address, port, localAddress });
    this.note("connect");
  }

  private async greet(): Promise<void> {
    const reply = await this.hear("greeting");
    this.refuseNo("greeting", reply);
    if (reply.code !== 220) throw this.wire.unexpected(reply);
  }

  private async identify(): Promise<void> {
    const { ehloName, tls } = this.options;
    this.capabilities = noCapabilities;
    let reply = await this.ask("ehlo", `EHLO ${ehloName}`);
    // RFC 5321 §4.1.4: an EHLO that is not understood is followed by HELO. It can't lead to TLS, and 421 is a goodbye.
    if (isNo(reply) && reply.code !== 421 && tls !== "mandatory") {
      reply = await this.ask("ehlo", `HELO ${ehloName}`);
    } else if (replyClass(reply) === "positive") {
      this.capabilities = parseCapabilities(this.wire.lastText);
    }
    this.refuseNo("ehlo", reply);
    if (replyClass(reply) !== "positive") throw this.wire.unexpected(reply);
    this.hostName = parseHostName(this.wire.lastText);
  }

  private async startTls(): Promise<void> {
    if (!this.capabilities.has("STARTTLS")) {
      // Asking all the same would get a 502 that reads like a bounce.
      throw this.giveUp("starttls", "the host offers no STARTTLS, and TLS is mandatory");
    }
    const reply = await this.ask("starttls", "STARTTLS");
    // RFC 3207 §4: after a refusal it is for us to decide whether to go on without, and here for the caller
    if (isNo(reply) && this.mayGoOnInPlaintext())
      throw this.giveUp("starttls", `STARTTLS refused: ${formatReply(reply)}`);
    this.refuseNo("starttls", reply);
    if (replyClass(reply) !== "positive") throw this.wire.unexpected(reply);
    await this.secure();
  }

  private async secure(): Promise<void> {
    const secured = await this.wire.secure(tlsOptions(this.options));
    this.tls = describeTls(secured);
    this.note("handshake");
  }

  private async authenticate({ username, password }: { username: string; password: string }): Promise<void> {
    // RFC 4954 §4: whoever stands in the way could hide STARTTLS and read the password.
    if (!this.tls && this.options.tls !== "off")
      throw this.giveUp("auth", "the host offers no TLS, and the password is not sent in the clear");

    const offered = authMechanisms(this.capabilities);
    const lines =
      offered.has("LOGIN") && !offered.has("PLAIN")
        ? [
            { line: "AUTH LOGIN" },
            { line: base64(username), shown: "***" },
            { line: base64(password), shown: "***" },
          ]
        : [{ line: `AUTH PLAIN ${base64(`\0${username}\0${password}`)}`, shown: "AUTH PLAIN ***" }];
    for (const [index, { line, shown }] of lines.entries()) {
      const reply = await this.ask("auth", line, shown);
      this.refuseNo("auth", reply);
      const isLast = index === lines.length - 1;
      if (replyClass(reply) !== (isLast ? "positive" : "intermediate")) throw this.wire.unexpected(reply);
    }
  }

  /** `shown` takes the line's place in reports, where it holds a secret. */
  private ask(step: RefusedStep, line: string, shown = line): Promise<Reply> {
    this.wire.say(`${line}\r\n`);
    return this.hear(step, shown);
  }

  private async hear(step: RefusedStep, command?: string): Promise<Reply> {
    const reply = await this.wire.read(step);
    this.note(step, command, reply);
    return reply;
  }

  private note(step: Exchange["step"], command?: string, reply?: Reply): void {
    const ms = Math.round(performance.now() - this.startedAt);
    this.exchanges.push({ step, ms, ...(command !== undefined && { command }), ...(reply && { reply }) });
  }

  private refuseNo(step: RefusedStep, reply: Reply): void {
    if (isNo(reply)) throw new Refused(step, reply);
  }

  private giveUp(phase: Phase, reason: string): Broken {
    this.wire.phase = phase;
    this.wire.fail("unexpected", reason);
    return new Broken(reason, "unexpected");
  }

  private refused({ step, reply }: Refused): Opening {
    if (reply.code === 421 || this.wire.isOutOfStep) this.wire.fail("closed", "the host said goodbye");
    else this.wire.leave();
    return { kind: "refused", step, reply, tls: this.tls };
  }

  private unreachable(reason: string, isOurs: boolean): Opening {
    const { phase } = this.wire;
    // Without STARTTLS the handshake is a part of connecting.
    const isConnecting = phase === "handshake" && this.options.tls === "implicit";
    const step = isConnecting ? "connect" : phaseWords[phase].step;
    const tlsBroken = !isOurs && this.isTlsBroken(phase) && this.mayGoOnInPlaintext();
    return { kind: "unreachable", step, reason, ambiguous: false, tlsBroken };
  }

  private isTlsBroken(phase: Phase): boolean {
    // RFC 8446 §4.4: the client finishes first, so a host that rejects the handshake may only say so after our EHLO
    return phase === "starttls" || phase === "handshake" || (phase === "ehlo" && this.tls !== undefined);
  }

  private mayGoOnInPlaintext(): boolean {
    return this.options.tls === "opportunistic" && this.options.auth === undefined;
  }
}

function isNo(reply: Reply): boolean {
  const verdict = replyClass(reply);
  return verdict === "transient" || verdict === "permanent";
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}
