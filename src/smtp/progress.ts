/** The steps of a conversation: what they are called, how long they may take, and how a report tells of them. */
import type { Reply } from "./reply.ts";

/** Where in a conversation a host can refuse us. */
export type RefusedStep = "greeting" | "ehlo" | "starttls" | "auth" | "mail" | "rcpt" | "data" | "message";

/** What is going on in a conversation; finer than the steps, because what a break means depends on it. */
export type Phase = "connect" | RefusedStep | "handshake" | "rset" | "transfer";

/** One step as it happened: ms since the beginning of the opening or of the transaction, and the reply that ended it. */
export type Exchange = {
  step: "connect" | "handshake" | "rset" | RefusedStep;
  ms: number;
  /** What we said, without its line end; never a password, and never any of the message. */
  command?: string;
  reply?: Reply;
};

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
  rsetMs: 60_000,
  mailMs: 120_000,
  rcptMs: 300_000, // call-outs and greylisting databases answer here
  dataMs: 120_000,
  transferMs: 900_000,
  messageMs: 600_000, // giving up before the host does makes duplicates (§4.5.3.2.6)
  attemptMs: 1_800_000,
};

type PhaseWords = {
  step: "connect" | RefusedStep;
  deadline: keyof Deadlines;
  /** What we waited for when nothing came. */
  awaited: string;
  /** When a break happened. */
  when: string;
};

/** What reports say of a phase. RSET belongs to the MAIL it makes room for: nobody can refuse it for the message's sake. */
export const phaseWords: Record<Phase, PhaseWords> = {
  connect: { step: "connect", deadline: "connectMs", awaited: "no answer", when: "while connecting" },
  greeting: { step: "greeting", deadline: "greetingMs", awaited: "no greeting", when: "before the greeting" },
  ehlo: { step: "ehlo", deadline: "ehloMs", awaited: "no reply to EHLO", when: "after EHLO" },
  starttls: {
    step: "starttls",
    deadline: "starttlsMs",
    awaited: "no reply to STARTTLS",
    when: "after STARTTLS",
  },
  handshake: {
    step: "starttls",
    deadline: "handshakeMs",
    awaited: "TLS handshake not finished",
    when: "in the TLS handshake",
  },
  auth: { step: "auth", deadline: "authMs", awaited: "no reply to AUTH", when: "after AUTH" },
  rset: { step: "mail", deadline: "rsetMs", awaited: "no reply to RSET", when: "after RSET" },
  mail: { step: "mail", deadline: "mailMs", awaited: "no reply to MAIL FROM", when: "after MAIL FROM" },
  rcpt: { step: "rcpt", deadline: "rcptMs", awaited: "no reply to RCPT TO", when: "after RCPT TO" },
  data: { step: "data", deadline: "dataMs", awaited: "no reply to DATA", when: "after DATA" },
  transfer: {
    step: "message",
    deadline: "transferMs",
    awaited: "message not taken",
    when: "in the middle of DATA",
  },
  message: {
    step: "message",
    deadline: "messageMs",
    awaited: "no reply to the message",
    when: "after the final dot",
  },
};
