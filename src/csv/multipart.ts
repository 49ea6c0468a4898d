import { Refusal } from "../errors.ts";

const mostHeaderBytes = 16 * 1024;

/** One field of a form (RFC 7578). Its content is read, or passed over, before the next one comes. */
export interface FormPart {
  name: string;
  /** What its Content-Type says the encoding of a file is. */
  charset?: string;
  content: AsyncGenerator<Uint8Array>;
}

/** The fields of a form as they come; `Request.formData` would hold all of it in memory. */
export async function* readFormParts(
  body: AsyncIterable<Uint8Array>,
  boundary: string,
): AsyncGenerator<FormPart> {
  const form = new FormReader(body, boundary);
  try {
    await drain(form.content());
    for (let headers = await form.headers(); headers !== undefined; headers = await form.headers()) {
      const content = form.content();
      yield { name: nameOf(headers) ?? "", charset: charsetOf(headers), content };
      await drain(content);
    }
  } finally {
    await form.close();
  }
}

/** The bytes of a form's file. Fields before it are passed over, and what comes behind it is not read. */
export async function* readFormFile(
  body: AsyncIterable<Uint8Array>,
  boundary: string,
  name: string,
): AsyncGenerator<Uint8Array> {
  for await (const part of readFormParts(body, boundary)) {
    if (part.name !== name) continue;
    yield* part.content;
    return;
  }
  throw new Refusal("missing_required_field", `Missing \`${name}\` field.`);
}

async function drain(content: AsyncGenerator<Uint8Array>): Promise<void> {
  while (!(await content.next()).done);
}

/** Content-Disposition's `name`; its `filename` says nothing that we could believe. */
function nameOf(headers: string): string | undefined {
  const disposition = /^content-disposition:(.*)$/im.exec(headers)?.[1] ?? "";
  const name = /;\s*name=(?:"([^"]*)"|([^\s;"]+))/i.exec(disposition);
  return name?.[1] ?? name?.[2];
}

const charsetOf = (headers: string): string | undefined =>
  /^content-type:.*;\s*charset="?([^\s;"]+)/im.exec(headers)?.[1];

class FormReader {
  private readonly source: AsyncIterator<Uint8Array>;
  private readonly delimiter: Buffer;
  /** A line break before the first boundary, which may stand at the very start, makes it one like the others. */
  private held: Buffer = Buffer.from("\r\n");

  constructor(body: AsyncIterable<Uint8Array>, boundary: string) {
    this.source = body[Symbol.asyncIterator]();
    this.delimiter = Buffer.from(`\r\n--${boundary}`);
  }

  /** Everything up to the next boundary, which is taken as well. */
  async *content(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const end = this.held.indexOf(this.delimiter);
      if (end !== -1) {
        if (end > 0) yield this.held.subarray(0, end);
        this.held = this.held.subarray(end + this.delimiter.length);
        return;
      }
      // The last bytes may be the beginning of a boundary.
      const sure = Math.max(0, this.held.length - this.delimiter.length + 1);
      if (sure > 0) yield this.held.subarray(0, sure);
      this.held = this.held.subarray(sure);
      await this.more();
    }
  }

  /** The headers of the part behind a boundary; undefined behind the last one. */
  async headers(): Promise<string | undefined> {
    while (this.held.length < 2) await this.more();
    if (this.held.subarray(0, 2).toString("latin1") === "--") return undefined;
    for (;;) {
      const end = this.held.indexOf("\r\n\r\n");
      if (end > mostHeaderBytes || (end === -1 && this.held.length > mostHeaderBytes)) throw malformed();
      if (end === -1) {
        await this.more();
        continue;
      }
      const headers = this.held.subarray(0, end).toString();
      this.held = this.held.subarray(end + 4);
      return headers;
    }
  }

  /** Reads no further. */
  async close(): Promise<void> {
    await this.source.return?.();
  }

  private async more(): Promise<void> {
    const next = await this.source.next();
    if (next.done) throw malformed();
    this.held = Buffer.concat([this.held, next.value]);
  }
}

function malformed(): Refusal {
  return new Refusal("invalid_json", "The form ended early, or is not as its Content-Type says.");
}
