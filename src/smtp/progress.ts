import { parseReply, type Reply, replyClass } from "./reply.ts";

/** Where in a conversation a host can refuse us. */
export type RefusedStep = "greeting" | "ehlo" | "starttls" | "auth" | "mail" | "rcpt" | "data" | "message";

/** What is going on in a conversation; finer than the steps, because what a break means depends on it. */
export type Phase = "connect" | RefusedStep | "handshake" | "transfer";

/** How long each phase may take; `attemptMs` bounds the whole, however the host spreads its bytes. */
export type Deadlines = Record<`${Phase | "attempt"}Ms`, number>;

/** RFC 5321 §4.5.3.2, shortened where its five minutes only serve hosts that will not answer at all. */
export const defaultDeadlines: Deadlines = {
  connectMs: 30_000,
  greetingMs: 60_000, // tarpits and early-talker traps hold the greeting back for up to a minute
  ehloMs: 60_000,
  starttlsMs: 60_000,
  handshakeMs: 60_000,
  authMs: 60_000,
  mailMs: 120_000,
  rcptMs: 300_000, // call-outs and greylisting databases answer here
  dataMs: 120_000,
  transferMs: 900_000,
  messageMs: 600_000, // giving up before the host does makes duplicates (§4.5.3.2.6)
  attemptMs: 1_800_000,
};

/** The words for reports: what we waited for when nothing came, and when a break happened. */
export const phaseWords: Record<Phase, { step: "connect" | RefusedStep; awaited: string; when: string }> = {
  connect: { step: "connect", awaited: "no answer", when: "while connecting" },
  greeting: { step: "greeting", awaited: "no greeting", when: "before the greeting" },
  ehlo: { step: "ehlo", awaited: "no reply to EHLO", when: "after EHLO" },
  starttls: { step: "starttls", awaited: "no reply to STARTTLS", when: "after STARTTLS" },
  handshake: { step: "starttls", awaited: "TLS handshake not finished", when: "in the TLS handshake" },
  auth: { step: "auth", awaited: "no reply to AUTH", when: "after AUTH" },
  mail: { step: "mail", awaited: "no reply to MAIL FROM", when: "after MAIL FROM" },
  rcpt: { step: "rcpt", awaited: "no reply to RCPT TO", when: "after RCPT TO" },
  data: { step: "data", awaited: "no reply to DATA", when: "after DATA" },
  transfer: { step: "message", awaited: "message not taken", when: "in the middle of DATA" },
  message: { step: "message", awaited: "no reply to the message", when: "after the final dot" },
};

/**
 * How far one conversation has come, learnt from the commands and replies as they pass. nodemailer reports a failure,
 * but not at which step it happened when commands are pipelined, nor whether the final dot had gone out.
 */
export class Progress {
  phase: Phase = "connect";
  /** The host's no to us, kept even when the connection breaks afterwards. */
  refusal: { step: RefusedStep; reply: Reply } | undefined;
  /** What EHLO announced last, keyword to parameter; after HELO, nothing. */
  capabilities: ReadonlyMap<string, string> = new Map();
  isFinalDotSent = false;
  private awaited: RefusedStep[] = [];

  constructor(private readonly onPhase: (phase: Phase) => void) {}

  get isWaiting(): boolean {
    return this.awaited.length > 0;
  }

  connected(): void {
    this.awaited = ["greeting"];
    this.enter("greeting");
  }

  authenticating(): void {
    this.enter("auth");
  }

  sent(line: string): void {
    const step = this.stepOf(line);
    if (step === undefined) return;
    // RFC 5321 §4.1.4: an EHLO that is not understood is followed by HELO, whose answer counts instead
    if (step === "ehlo") this.refusal = undefined;
    this.awaited.push(step);
    this.enter(this.awaited[0]!);
  }

  sentFinalDot(): void {
    this.isFinalDotSent = true;
    if (this.phase === "transfer") this.enter("message");
  }

  /** False when what came is no SMTP reply. nodemailer looks at its first digit only, which may belong to anything. */
  replied(response: string): boolean {
    const reply = parseReply(response);
    const verdict = replyClass(reply);
    if (verdict === "invalid") return false;
    const step = this.awaited.shift();
    if (step === undefined) return true; // nobody asked: nodemailer ends the conversation
    if (verdict === "transient" || verdict === "permanent") {
      // With one recipient, what follows a refused MAIL or RCPT in the pipeline is refused for that reason too.
      this.refusal ??= { step, reply };
    } else if (step === "ehlo" && verdict === "positive") {
      this.capabilities = parseCapabilities(response);
    } else if (step === "starttls" && verdict === "positive") {
      this.enter("handshake");
    } else if (step === "data" && this.refusal === undefined) {
      this.awaited.push("message");
      this.enter("transfer");
      return true;
    }
    if (this.awaited[0]) this.enter(this.awaited[0]);
    return true;
  }

  private stepOf(line: string): RefusedStep | undefined {
    if (this.phase === "auth" && !/^MAIL /.test(line)) return "auth"; // credentials over several lines have no verb
    return steps[line.split(" ", 1)[0] ?? ""];
  }

  private enter(phase: Phase): void {
    if (phase === this.phase) return;
    this.phase = phase;
    this.onPhase(phase);
  }
}

const steps: Record<string, RefusedStep> = {
  EHLO: "ehlo",
  HELO: "ehlo",
  STARTTLS: "starttls",
  MAIL: "mail",
  RCPT: "rcpt",
  DATA: "data",
  ".": "message", // ends the empty transaction of a host that said no to RCPT and yes to DATA (RFC 2920 §3.1)
};

/** RFC 5321 §4.1.1.1: one keyword a line with its parameters; the first line only greets. */
function parseCapabilities(response: string): Map<string, string> {
  const lines = response.split(/\r?\n/).slice(1, 101);
  return new Map(
    lines.map((line) => {
      const [keyword = "", ...parameters] = line.slice(4).trim().split(/\s+/);
      return [keyword.toUpperCase(), parameters.join(" ")];
    }),
  );
}
