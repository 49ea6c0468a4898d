/** One connection as the client of SMTP sees it: what it writes, the replies it reads, and how it breaks. */
import net, { type Socket } from "node:net";
import tls from "node:tls";
import { type Deadlines, defaultDeadlines, type Phase, phaseWords } from "./progress.ts";
import { formatReply, parseReply, type Reply, replyClass } from "./reply.ts";
import { ReplyReader } from "./reply-reader.ts";
import { Watch } from "./watch.ts";

/** How long a host may take to answer QUIT, which nobody waits for. */
const quitMs = 5_000;

/** The reason in reports when it was the caller who called it off. */
export const stopped = "the attempt was stopped";

/** Why nothing more can be read. `closed` is when the connection went away without a word. */
export type BreakCause = "closed" | "late" | "stopped" | "unexpected";

/** Thrown by whatever waits for a host that will not answer any more. */
export class Broken extends Error {
  override readonly name = "Broken";
  constructor(
    readonly reason: string,
    readonly because: BreakCause,
  ) {
    super(reason);
  }
}

export class Wire {
  phase: Phase = "connect";
  /** The host spoke before it was asked. Its word is heard, but what it answers from now on can't be told. */
  isOutOfStep = false;
  /** The lines of the reply that was read last, as they came. */
  lastText = "";
  /** Called once, when the connection can't be used any more. */
  onClosed: (() => void) | undefined;

  private socket!: Socket;
  private readonly reader = new ReplyReader();
  private readonly arrived: string[] = [];
  private readonly watch: Watch;
  private broken: { because: BreakCause; explain: (phase: Phase) => string } | undefined;
  private isSecuring = false;
  private isResting = false;
  private hasLeft = false;
  private wake: (() => void) | undefined;

  constructor(deadlines: Partial<Deadlines> = {}) {
    this.watch = new Watch({ ...defaultDeadlines, ...deadlines }, (reason) => this.fail("late", reason));
  }

  get isBroken(): boolean {
    return this.broken !== undefined;
  }

  /** Whether bytes are here that nobody has read. */
  get hasUnread(): boolean {
    return this.arrived.length > 0 || this.reader.isInside;
  }

  /** An opening or a transaction begins; `startedAt`, a time by `performance.now()`, is what its deadline counts from. */
  begin(startedAt: number): void {
    this.isResting = false;
    this.watch.begin(startedAt);
  }

  /** A transaction is over. From here on the host has nothing to say. */
  rest(): void {
    this.watch.rest();
    if (this.hasUnread) this.fail("closed", "the host said more than was asked");
    else this.isResting = true;
  }

  async connect(options: net.TcpNetConnectOpts): Promise<void> {
    this.enter("connect");
    let isDone = false;
    const socket = net.connect(options, () => {
      isDone = true;
      this.stir();
    });
    this.attach(socket);
    await this.until(() => isDone);
    socket.setNoDelay(true); // every write is a whole turn of the conversation: nothing is gained by holding it back
  }

  /** Goes on in TLS. What came in plaintext is dropped: anybody could have put it there (RFC 3207 §6). */
  async secure(options: tls.ConnectionOptions): Promise<tls.TLSSocket> {
    this.arrived.length = 0;
    this.reader.reset();
    this.enter("handshake");
    this.isSecuring = true;
    const plain = this.socket;
    plain.off("data", this.onData);
    plain.off("end", this.onEnd);
    plain.off("close", this.onEnd);
    let isDone = false;
    const secured = tls.connect({ ...options, socket: plain }, () => {
      isDone = true;
      this.stir();
    });
    this.attach(secured);
    await this.until(() => isDone);
    this.isSecuring = false;
    return secured;
  }

  /** Says a command, or several at once; not to a host that has spoken out of turn, whose word is then read instead. */
  say(line: string): void {
    if (this.hasUnread) this.isOutOfStep = true;
    else this.write(line);
  }

  /** False when the host is slow to take it: then `untilTaken` comes before more. */
  write(bytes: string | Uint8Array): boolean {
    return this.broken !== undefined || this.socket.write(bytes);
  }

  /** Resolves when everything written has been taken, or the host has spoken before. */
  async untilTaken(): Promise<void> {
    await this.until(() => !this.socket.writableNeedDrain || this.arrived.length > 0);
  }

  /** Begins a phase whose end is not a reply. */
  enter(phase: Phase): void {
    this.phase = phase;
    if (!this.broken) this.watch.enter(phase);
  }

  /** The next reply, which has its own time from now. Throws `Broken` when none comes, or what comes is none. */
  async read(phase: Phase): Promise<Reply> {
    this.phase = phase;
    if (this.arrived.length === 0) {
      this.enter(phase);
      await this.until(() => this.arrived.length > 0);
    }
    this.lastText = this.arrived.shift()!;
    const reply = parseReply(this.lastText);
    const verdict = replyClass(reply);
    const isYes = verdict === "positive" || verdict === "intermediate";
    if (verdict === "invalid" || (isYes && this.isOutOfStep)) throw this.unexpected(reply);
    return reply;
  }

  /** Ends the connection over a reply that does not fit, to be thrown. */
  unexpected(reply: Reply): Broken {
    const reason = `unexpected reply ${phaseWords[this.phase].when}: ${formatReply(reply)}`;
    this.fail("unexpected", reason);
    return new Broken(reason, "unexpected");
  }

  /** Ends the connection at once. The first reason is the one that counts. */
  fail(because: BreakCause, reason: string | ((phase: Phase) => string)): void {
    if (this.broken) return;
    this.broken = { because, explain: typeof reason === "string" ? () => reason : reason };
    this.watch.stop();
    this.socket?.destroy();
    this.stir();
    this.onClosed?.();
  }

  /** RFC 5321 §4.1.1.10: QUIT before closing. A host that is slow here is simply left. */
  leave(): void {
    if (this.broken) return;
    const { socket } = this;
    this.hasLeft = true;
    this.broken = { because: "closed", explain: () => "the connection was closed by us" };
    this.watch.stop();
    const timer = setTimeout(() => socket.destroy(), quitMs);
    timer.unref();
    socket.once("close", () => clearTimeout(timer));
    socket.write("QUIT\r\n");
    this.onClosed?.();
  }

  private attach(socket: Socket): void {
    this.socket = socket;
    socket.on("data", this.onData);
    socket.on("drain", this.stir);
    socket.on("end", this.onEnd);
    socket.on("close", this.onEnd);
    // Stays for as long as the socket lives: an 'error' nobody listens to would end the process.
    socket.on("error", this.onError);
  }

  private readonly onData = (chunk: Buffer) => {
    if (this.hasLeft) {
      this.socket.destroy();
      return;
    }
    if (this.broken) return;
    if (!this.reader.read(chunk, this.arrived)) {
      this.arrived.length = 0; // nothing of it is believed
      this.fail("unexpected", (phase) => `endless reply ${phaseWords[phase].when}`);
    } else if (this.arrived.length > 0) {
      if (this.isResting) this.fail("closed", "the host spoke while nothing was asked");
      else this.stir();
    }
  };

  private readonly onEnd = () => {
    if (this.hasLeft) this.socket.destroy();
    else this.fail("closed", (phase) => `connection closed ${phaseWords[phase].when}`);
  };

  private readonly onError = (error: NodeJS.ErrnoException) => {
    const isSecuring = this.isSecuring && this.phase === "handshake";
    this.fail("closed", (phase) => explain(error, phase, isSecuring));
  };

  private async until(isDone: () => boolean): Promise<void> {
    while (!isDone()) {
      if (this.broken) throw new Broken(this.broken.explain(this.phase), this.broken.because);
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }

  private readonly stir = () => {
    const { wake } = this;
    this.wake = undefined;
    wake?.();
  };
}

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

function explain(error: NodeJS.ErrnoException, phase: Phase, isSecuring: boolean): string {
  const known = networkErrors[error.code ?? ""];
  if (known) return phase === "connect" ? known : `${known} ${phaseWords[phase].when}`;
  const { text } = parseReply(error.message);
  return isSecuring ? `TLS handshake failed: ${text}` : text;
}
