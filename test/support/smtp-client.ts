import type net from "node:net";

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

  async say(text: string): Promise<string> {
    this.socket.write(Buffer.from(text, "latin1"));
    return this.reply();
  }
}
