import type net from "node:net";
import tls, { type SecureVersion } from "node:tls";
import type { CertificatePair } from "../../src/smtp/certificate.ts";

/**
 * What the host does at a step. A string is a reply; lines of a multi-line reply are separated by `\n` and carry their
 * codes. The others are the ways in which a host misbehaves.
 */
export type Behaviour =
  | string
  | { silent: true }
  | { close: true; reply?: string }
  | { slowly: string; everyMs: number }
  | { bytes: string | Uint8Array }
  /** The same bytes again and again for as long as the other side takes them. */
  | { endless: string | Uint8Array };

export type Step =
  | "greeting"
  | "ehlo"
  | "helo"
  | "starttls"
  | "auth"
  | "mail"
  | "rcpt"
  | "data"
  | "message"
  | "rset"
  | "quit";

/** The line is the command, or for `message` the recipients; connections count from 1. `undefined` is the default answer. */
type Decide = (line: string, connection: number) => Behaviour | undefined;

export type MxScript = Partial<Record<Step, Behaviour | Decide>> & {
  hostname?: string;
  /** What EHLO lists besides STARTTLS and AUTH. */
  extensions?: string[];
  /** Whether STARTTLS is offered, and how the handshake after its 220 goes. */
  tls?: "none" | "works" | "garbage" | "closes" | "silent";
  /** Speaks TLS from the first byte. */
  implicitTls?: boolean;
  certificate?: CertificatePair;
  /** Plaintext put right behind the 220 to STARTTLS: response injection (RFC 3207 §6). */
  injected?: string;
  /** Offers AUTH PLAIN and takes exactly this. */
  credentials?: { username: string; password: string };
  /** Offers AUTH LOGIN instead, which asks for name and password one by one. */
  asksForLogin?: boolean;
  /** The newest TLS it knows. */
  maxTlsVersion?: SecureVersion;
  /** Hangs up after this many bytes of the message. */
  closeAfterMessageBytes?: number;
};

export type ReceivedMessage = { from: string; to: string[]; message: Uint8Array; tls: boolean; ehlo: string };

const defaultExtensions = [
  "PIPELINING",
  "SIZE 36700160",
  "8BITMIME",
  "SMTPUTF8",
  "ENHANCEDSTATUSCODES",
  "CHUNKING",
];

/** Who is told what a connection said. */
export type Witness = {
  command(line: string): void;
  message(message: ReceivedMessage): void;
  /** Commands that came in one piece. */
  turn(text: string): void;
};

/** One connection: splits bytes into commands and messages and plays the script. */
export class MxSession {
  private socket!: net.Socket;
  private buffer: Buffer<ArrayBufferLike> = Buffer.alloc(0);
  private mode: "commands" | "message" | "auth" | "deaf" = "commands";
  private searchedUpTo = 0;
  private messageBytes = 0;
  private isBusy = false;
  private secure = false;
  private ehlo = "";
  private from = "";
  private to: string[] = [];
  private loginAnswers: string[] = [];

  constructor(
    private readonly script: MxScript,
    private readonly hostname: string,
    private readonly certificate: CertificatePair,
    private readonly connection: number,
    private readonly witness: Witness,
  ) {}

  start(socket: net.Socket): void {
    this.secure = this.script.implicitTls === true;
    this.speak(this.secure ? this.wrap(socket) : socket, true);
  }

  private wrap(socket: net.Socket): tls.TLSSocket {
    const secured = new tls.TLSSocket(socket, {
      isServer: true,
      secureContext: tls.createSecureContext({
        ...this.certificate,
        ...(this.script.maxTlsVersion && { minVersion: "TLSv1", maxVersion: this.script.maxTlsVersion }),
      }),
    });
    secured.on("error", () => socket.destroy());
    return secured;
  }

  private speak(socket: net.Socket, greet: boolean): void {
    this.socket = socket;
    socket.on("data", (chunk: Buffer) => this.take(chunk));
    socket.on("end", () => socket.end());
    if (greet) this.play("greeting", "", `220 ${this.hostname} ESMTP`);
  }

  private take(chunk: Buffer): void {
    if (this.mode === "message") this.messageBytes += chunk.length;
    else this.witness.turn(chunk.toString("utf8"));
    this.buffer = this.buffer.length === 0 ? chunk : Buffer.concat([this.buffer, chunk]);
    this.work();
  }

  private work(): void {
    while (this.isListening() && (this.mode === "message" ? this.takeMessage() : this.takeLine()));
  }

  private takeLine(): boolean {
    const end = this.buffer.indexOf("\r\n");
    if (end < 0) return false;
    const line = this.buffer.subarray(0, end).toString("utf8");
    this.buffer = this.buffer.subarray(end + 2);
    if (this.mode === "auth") this.answerCredentials(line);
    else this.obey(line);
    return true;
  }

  private takeMessage(): boolean {
    const limit = this.script.closeAfterMessageBytes;
    if (limit !== undefined && this.messageBytes >= limit) {
      this.hangUp();
      return false;
    }
    // The CRLF that ends the DATA command also begins an empty message's final dot.
    const isEmpty = this.buffer.subarray(0, 3).equals(Buffer.from(".\r\n"));
    const end = isEmpty ? -2 : this.buffer.indexOf("\r\n.\r\n", Math.max(0, this.searchedUpTo - 4));
    this.searchedUpTo = this.buffer.length;
    if (end === -1) return false;
    const message = unstuff(this.buffer.subarray(0, end + 2));
    this.buffer = this.buffer.subarray(end + 5);
    this.mode = "commands";
    const record = { from: this.from, to: this.to, message, tls: this.secure, ehlo: this.ehlo };
    this.from = "";
    this.to = [];
    if (this.play("message", record.to.join(" "), "250 2.0.0 OK queued")) this.witness.message(record);
    return true;
  }

  private obey(line: string): void {
    this.witness.command(line);
    const verb = line.split(" ", 1)[0]!.toUpperCase();
    switch (verb) {
      case "EHLO":
        this.ehlo = line.slice(5);
        this.play("ehlo", line, this.capabilities());
        return;
      case "HELO":
        this.ehlo = line.slice(5);
        this.play("helo", line, `250 ${this.hostname}`);
        return;
      case "STARTTLS":
        this.upgrade(line);
        return;
      case "AUTH":
        this.authenticate(line);
        return;
      case "MAIL":
        if (this.play("mail", line, "250 2.1.0 OK")) this.from = /<(.*?)>/.exec(line)?.[1] ?? "";
        return;
      case "RCPT":
        if (this.play("rcpt", line, "250 2.1.5 OK")) this.to.push(/<(.*?)>/.exec(line)?.[1] ?? "");
        return;
      case "DATA":
        this.beginMessage(line);
        return;
      case "RSET":
        this.from = "";
        this.to = [];
        this.play("rset", line, "250 2.0.0 OK");
        return;
      case "QUIT":
        if (this.play("quit", line, "221 2.0.0 Bye")) this.hangUp();
        return;
      default:
        this.socket.write("502 5.5.1 Command not recognised\r\n");
    }
  }

  private capabilities(): string {
    const extensions = [...(this.script.extensions ?? defaultExtensions)];
    if (!this.secure && (this.script.tls ?? "none") !== "none") extensions.push("STARTTLS");
    if (this.script.credentials) extensions.push(this.script.asksForLogin ? "AUTH LOGIN" : "AUTH PLAIN");
    const lines = [this.hostname, ...extensions];
    return lines.map((line, index) => `250${index < lines.length - 1 ? "-" : " "}${line}`).join("\n");
  }

  private upgrade(line: string): void {
    const offered = this.script.tls ?? "none";
    const fallback = offered === "none" ? "502 5.5.1 No TLS here" : "220 2.0.0 Go ahead";
    if (!this.play("starttls", line, fallback) || offered === "none") return;
    if (this.script.injected) this.socket.write(this.script.injected);
    if (offered !== "works") {
      this.mode = "deaf";
      if (offered === "closes") this.hangUp();
      // not before the client's hello: until then it would only be plaintext behind the reply
      if (offered === "garbage")
        this.socket.once("data", () => this.socket.write(Buffer.alloc(64, "garbage ")));
      return;
    }
    const plain = this.socket;
    plain.removeAllListeners("data");
    this.buffer = Buffer.alloc(0);
    this.secure = true;
    this.speak(this.wrap(plain), false);
  }

  private authenticate(line: string): void {
    const [, , initial] = line.split(" ");
    if (this.script.asksForLogin) this.loginAnswers = [];
    if (initial !== undefined) {
      this.answerCredentials(initial);
      return;
    }
    this.mode = "auth";
    this.socket.write("334 \r\n");
  }

  private answerCredentials(encoded: string): void {
    const answer = Buffer.from(encoded, "base64").toString();
    if (this.script.asksForLogin && this.loginAnswers.push(answer) < 2) {
      this.socket.write("334 UGFzc3dvcmQ6\r\n");
      return;
    }
    this.mode = "commands";
    const [username, password] = this.script.asksForLogin ? this.loginAnswers : answer.split("\0").slice(1);
    const wanted = this.script.credentials;
    const isRight = wanted !== undefined && username === wanted.username && password === wanted.password;
    this.play("auth", "AUTH", isRight ? "235 2.7.0 Welcome" : "535 5.7.8 Wrong username or password");
  }

  private beginMessage(line: string): void {
    if (this.to.length === 0) {
      this.play("data", line, "503 5.5.1 No valid recipients");
      return;
    }
    if (!this.play("data", line, "354 Go ahead")) return;
    this.mode = "message";
    this.messageBytes = this.buffer.length;
    this.searchedUpTo = 0;
  }

  /** Does what the script says at a step, or answers with `fallback`. True when the other side was told yes. */
  private play(step: Step, line: string, fallback: string): boolean {
    const scripted = this.script[step];
    const behaviour =
      (typeof scripted === "function" ? scripted(line, this.connection) : scripted) ?? fallback;
    if (typeof behaviour === "string") {
      this.socket.write(`${behaviour.replaceAll("\n", "\r\n")}\r\n`);
      return isYes(behaviour);
    }
    if ("slowly" in behaviour) this.writeSlowly(Buffer.from(`${behaviour.slowly}\r\n`), behaviour.everyMs);
    else if ("bytes" in behaviour) this.socket.write(behaviour.bytes);
    else if ("close" in behaviour) {
      if (behaviour.reply !== undefined) this.socket.write(`${behaviour.reply}\r\n`);
      this.hangUp();
    } else {
      this.mode = "deaf"; // what is in the pipeline behind this step is not answered either
      if ("endless" in behaviour) this.writeForever(Buffer.from(behaviour.endless));
    }
    return "slowly" in behaviour && isYes(behaviour.slowly);
  }

  private isListening(): boolean {
    return this.mode !== "deaf" && !this.isBusy;
  }

  private hangUp(): void {
    this.mode = "deaf";
    this.socket.end();
  }

  private writeSlowly(bytes: Buffer, everyMs: number): void {
    this.isBusy = true; // the answers to what is already in the pipeline come after this one
    let next = 0;
    const timer = setInterval(() => {
      if (next < bytes.length) {
        this.socket.write(bytes.subarray(next, ++next));
        return;
      }
      clearInterval(timer);
      this.socket.off("close", stop);
      this.isBusy = false;
      this.work();
    }, everyMs);
    const stop = () => clearInterval(timer);
    this.socket.once("close", stop);
  }

  private writeForever(unit: Buffer): void {
    const { socket } = this;
    const bytes = Buffer.alloc(Math.ceil(16_384 / unit.length) * unit.length, unit);
    const more = () => {
      while (!socket.destroyed && socket.write(bytes));
    };
    socket.on("drain", more);
    more();
  }
}

const isYes = (reply: string) => /^[23]\d\d([ -]|$)/.test(reply);

/** RFC 5321 §4.5.2: a line that begins with a dot had one put before it. */
function unstuff(stuffed: Buffer): Uint8Array {
  const parts: Buffer[] = [];
  let from = 0;
  for (let dot = stuffed[0] === 0x2e ? 0 : nextDot(stuffed, 0); dot >= 0; dot = nextDot(stuffed, dot)) {
    parts.push(stuffed.subarray(from, dot));
    from = dot + 1;
  }
  parts.push(stuffed.subarray(from));
  return new Uint8Array(Buffer.concat(parts));
}

function nextDot(bytes: Buffer, after: number): number {
  const found = bytes.indexOf("\r\n.", after);
  return found < 0 ? -1 : found + 2;
}
