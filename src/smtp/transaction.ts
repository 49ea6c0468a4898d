/** One message over an open connection: RSET, MAIL, RCPT, DATA and the message itself. */
import type { Capabilities } from "./capabilities.ts";
import type { Conversation } from "./client.ts";
import type { TlsResult } from "./encryption.ts";
import { type Envelope, isAscii } from "./preflight.ts";
import { type Exchange, phaseWords, type RefusedStep } from "./progress.ts";
import { formatReply, type Reply, replyClass } from "./reply.ts";
import { transfer } from "./transfer.ts";
import { Broken, type Wire } from "./wire.ts";

type Context = {
  capabilities: Capabilities;
  tls: TlsResult | undefined;
  /** Whether the connection has carried a transaction before. */
  isReused: boolean;
  startedAt: number;
};

type Command = { step: "rset" | "mail" | "rcpt" | "data"; line: string };

export class Transaction {
  private readonly exchanges: Exchange[] = [];
  /** The host's first no, which is what counts whatever happens after it. */
  private refusal: { step: RefusedStep; reply: Reply } | undefined;
  private isFinalDotSent = false;

  constructor(
    private readonly wire: Wire,
    private readonly context: Context,
  ) {}

  async run(message: Uint8Array, envelope: Envelope, eightBit: boolean): Promise<Conversation> {
    const { wire, context } = this;
    const announced = eightBit && context.capabilities.has("8BITMIME");
    try {
      wire.begin(context.startedAt);
      const isWelcome = await this.introduce(this.commands(envelope, message.byteLength, announced));
      const reply = isWelcome ? await this.handOver(message) : undefined;
      if (!wire.isBroken) wire.rest();
      if (this.refusal) return this.refused(this.refusal);
      return {
        kind: "accepted",
        reply: reply!,
        tls: context.tls,
        eightBit: announced,
        exchanges: this.exchanges,
      };
    } catch (error) {
      if (!(error instanceof Broken)) {
        wire.fail("unexpected", "an error of ours");
        throw error;
      }
      return this.refusal ? this.refused(this.refusal) : this.unreachable(error);
    }
  }

  /** Everything before the message. True when the host waits for it. */
  private async introduce(commands: Command[]): Promise<boolean> {
    const { wire, context } = this;
    const isPipelined = context.capabilities.has("PIPELINING");
    if (isPipelined) wire.say(commands.map(({ line }) => line).join(""));
    const taken = new Set<Command["step"]>();
    for (const { step, line } of commands) {
      if (!isPipelined && this.refusal) return false;
      if (!isPipelined) wire.say(line);
      const reply = await this.hear(step, line);
      if (isNo(reply)) {
        // RSET is no question, and a goodbye to a second message is about the connection: neither is about the message.
        if (step === "rset" || (step === "mail" && reply.code === 421 && context.isReused))
          throw this.goodbye(reply);
        this.refusal ??= { step, reply };
        if (this.isOver(reply)) return false;
      } else if (replyClass(reply) !== (step === "data" ? "intermediate" : "positive")) {
        throw wire.unexpected(reply);
      } else {
        taken.add(step);
      }
    }
    if (this.refusal && taken.has("data")) await this.endEmpty(taken.has("rcpt"));
    return this.refusal === undefined;
  }

  private commands({ from, to }: Envelope, bytes: number, eightBit: boolean): Command[] {
    const { capabilities, isReused } = this.context;
    let mail = `MAIL FROM:<${from}>`;
    if (!(isAscii(from) && isAscii(to))) mail += " SMTPUTF8";
    if (eightBit) mail += " BODY=8BITMIME";
    if (capabilities.has("SIZE") && bytes > 0) mail += ` SIZE=${bytes}`;
    const commands: Command[] = [
      { step: "mail", line: `${mail}\r\n` },
      { step: "rcpt", line: `RCPT TO:<${to}>\r\n` },
      { step: "data", line: "DATA\r\n" },
    ];
    return isReused ? [{ step: "rset", line: "RSET\r\n" }, ...commands] : commands;
  }

  /** RFC 2920 §3.1: a host that said no to the recipient and yes to DATA gets an empty message, which goes to nobody. */
  private async endEmpty(hasRecipient: boolean): Promise<void> {
    // One that said no to the sender and yes to everything after it would deliver it.
    if (hasRecipient) {
      this.wire.fail("closed", goodbye);
      return;
    }
    this.wire.say(".\r\n");
    const reply = await this.wire.read("data");
    this.note("message", reply);
    this.isOver(reply);
  }

  /** The reply to the whole message, or undefined where it is the refusal. */
  private async handOver(message: Uint8Array): Promise<Reply | undefined> {
    const { wire } = this;
    this.isFinalDotSent = !wire.hasUnread && (await transfer(wire, message));
    const reply = await wire.read(this.isFinalDotSent ? "message" : "transfer");
    this.note("message", reply);
    if (isNo(reply)) {
      this.refusal = { step: "message", reply };
      // Said in the middle, it leaves the host reading what we can't finish.
      if (!this.isFinalDotSent) wire.fail("closed", goodbye);
      else this.isOver(reply);
      return undefined;
    }
    // A yes before the final dot is a yes to something else: only a part of the message can have been read.
    if (!this.isFinalDotSent || replyClass(reply) !== "positive") throw wire.unexpected(reply);
    return reply;
  }

  private async hear(step: Command["step"], line: string): Promise<Reply> {
    const reply = await this.wire.read(step);
    this.note(step, reply, line.trimEnd());
    return reply;
  }

  private note(step: Exchange["step"], reply: Reply, command?: string): void {
    const ms = Math.round(performance.now() - this.context.startedAt);
    this.exchanges.push(command === undefined ? { step, ms, reply } : { step, ms, command, reply });
  }

  /** Whether nothing follows on this connection after a no: RFC 5321 §3.8, 421 closes it. */
  private isOver(reply: Reply): boolean {
    if (reply.code !== 421 && !this.wire.isOutOfStep) return false;
    this.wire.fail("closed", goodbye);
    return true;
  }

  private goodbye(reply: Reply): Broken {
    const reason = `the host ended the connection: ${formatReply(reply)}`;
    this.wire.fail("closed", reason);
    return new Broken(reason, "closed");
  }

  private refused({ step, reply }: { step: RefusedStep; reply: Reply }): Conversation {
    return { kind: "refused", step, reply, tls: this.context.tls, exchanges: this.exchanges };
  }

  private unreachable({ reason, because }: Broken): Conversation {
    const { step } = phaseWords[this.wire.phase];
    return {
      kind: "unreachable",
      step,
      reason,
      ambiguous: this.isFinalDotSent,
      tlsBroken: false,
      stale: this.context.isReused && step === "mail" && because === "closed",
      exchanges: this.exchanges,
    };
  }
}

const goodbye = "the host ended the connection";

function isNo(reply: Reply): boolean {
  const verdict = replyClass(reply);
  return verdict === "transient" || verdict === "permanent";
}
