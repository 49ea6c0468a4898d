/** What a host may send without completing a reply. RFC 5321 §4.5.3.1.5 asks for lines of 512 octets. */
const maxUnansweredBytes = 64 * 1024;

/** No more replies are ever owed to us at once; whoever sends more has not read what we said. */
const maxReplies = 16;

/** Lines of a reply past this are read but not kept, except for the last one, which decides what the reply says. */
const maxKeptText = 6_000;
const maxKeptLastLine = 1_500;

const newline = 10;
const carriageReturn = 13;
const moreFollows = /^\d{3}-/;
const lastOfMany = /^\d{3}(?: |$)/;

/**
 * Puts the replies of a host together from the bytes as they come. Takes anything and holds at most 64 KB, with work in
 * proportion to the bytes, however they are cut. What a reply means is for `parseReply` to say.
 */
export class ReplyReader {
  /** The beginning of a line whose end has not come. */
  private held: Buffer<ArrayBufferLike> = Buffer.alloc(0);
  private heldBytes = 0;
  /** The lines so far of a reply whose last one has not come, each with a newline. */
  private text = "";
  private isContinued = false;
  private unansweredBytes = 0;

  /** Whether bytes came that belong to a reply still incomplete. */
  get isInside(): boolean {
    const isEmptyLine = this.heldBytes === 1 && this.held[0] === carriageReturn;
    return this.isContinued || (this.heldBytes > 0 && !isEmptyLine);
  }

  /** Appends the replies that these bytes complete. False when they are more than any host has reason to send. */
  read(chunk: Buffer, replies: string[]): boolean {
    let from = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, from)) {
      this.unansweredBytes += end + 1 - from;
      if (this.unansweredBytes > maxUnansweredBytes || replies.length >= maxReplies) return false;
      this.take(this.lineOf(chunk, from, end), replies);
      from = end + 1;
    }
    this.unansweredBytes += chunk.length - from;
    if (this.unansweredBytes > maxUnansweredBytes) return false;
    if (from < chunk.length) this.hold(chunk, from);
    return true;
  }

  /** Forgets what is incomplete. */
  reset(): void {
    this.heldBytes = 0;
    this.text = "";
    this.isContinued = false;
    this.unansweredBytes = 0;
  }

  private take(line: string, replies: string[]): void {
    // Some hosts put empty lines between replies. They say nothing, but count as bytes without a reply.
    if (line === "" && !this.isContinued) return;
    if (moreFollows.test(line)) {
      this.isContinued = true;
      if (this.text.length + line.length < maxKeptText) this.text += `${line}\n`;
      return;
    }
    // A last line without a code makes the whole no reply, whatever the lines before it promised.
    const isWhole = this.isContinued && lastOfMany.test(line);
    replies.push(isWhole ? this.text + line.slice(0, maxKeptLastLine) : line);
    this.isContinued = false;
    this.text = "";
    this.unansweredBytes = 0;
  }

  private lineOf(chunk: Buffer, from: number, end: number): string {
    let bytes = chunk;
    let start = from;
    let stop = end;
    if (this.heldBytes > 0) {
      this.hold(chunk.subarray(from, end), 0);
      bytes = this.held;
      start = 0;
      stop = this.heldBytes;
      this.heldBytes = 0;
    }
    if (bytes[stop - 1] === carriageReturn && stop > start) stop -= 1;
    return bytes.toString("utf8", start, stop);
  }

  /** Copied, because a chunk as large as the host likes would otherwise stay in memory for the sake of a few bytes. */
  private hold(chunk: Buffer, from: number): void {
    const needed = this.heldBytes + chunk.length - from;
    if (needed > this.held.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.held.length, 128));
      this.held.copy(grown, 0, 0, this.heldBytes);
      this.held = grown;
    }
    chunk.copy(this.held, this.heldBytes, from);
    this.heldBytes = needed;
  }
}
