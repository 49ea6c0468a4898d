import net from "node:net";
import tls from "node:tls";

const clients = new Set<SmtpClient>();

/** Hangs up whatever the tests of a file have left open. */
export function closeClients(): void {
  for (const client of clients) client.socket.destroy();
  clients.clear();
}

/** A client that says exactly what it is told to, byte for byte. */
export class SmtpClient {
  private buffer = "";
  private waiting: (() => void) | undefined;
  isClosed = false;

  constructor(readonly socket: net.Socket) {
    clients.add(this);
    socket.setNoDelay(true);
    socket.on("data", (chunk) => this.changed(chunk.toString("latin1")));
    socket.on("error", () => this.changed(""));
    socket.on("close", () => {
      this.isClosed = true;
      this.changed("");
    });
  }

  private changed(text: string): void {
    this.buffer += text;
    this.waiting?.();
  }

  /** The next whole reply, or "closed". */
  async reply(): Promise<string> {
    for (;;) {
      const whole = /^(?:\d{3}-.*\r\n)*\d{3} .*\r\n/.exec(this.buffer)?.[0];
      if (whole !== undefined) {
        this.buffer = this.buffer.slice(whole.length);
        return whole.trimEnd();
      }
      if (this.isClosed) return "closed";
      await new Promise<void>((resolve) => {
        this.waiting = resolve;
      });
    }
  }

  /** Says it and gives the reply. */
  async say(text: string): Promise<string> {
    this.socket.write(Buffer.from(text, "latin1"));
    return this.reply();
  }

  /** One line, for which the line end is added. */
  line = (text: string): Promise<string> => this.say(`${text}\r\n`);
}

/** Connects in plaintext and hears the greeting. */
export async function dialSmtp(port: number): Promise<SmtpClient> {
  const talker = new SmtpClient(net.connect(port, "127.0.0.1"));
  const greeting = await talker.reply();
  if (!greeting.startsWith("220 ")) throw new Error(`No greeting: ${greeting}`);
  return talker;
}

/** Connects with TLS from the first byte, hears the greeting and says EHLO. */
export async function dialSmtps(port: number): Promise<SmtpClient> {
  const talker = new SmtpClient(tls.connect({ port, host: "127.0.0.1", rejectUnauthorized: false }));
  await talker.reply();
  await talker.line("EHLO client.example.com");
  return talker;
}

export const authPlain = (user: string, password: string): string =>
  `AUTH PLAIN ${Buffer.from(`\0${user}\0${password}`).toString("base64")}`;
