import { Refusal } from "../errors.ts";
import { endedEarly, refuseCompressed, tooLarge } from "./body-refusals.ts";
import { type FormPart, readFormFile, readFormParts } from "./multipart.ts";

/** A CSV file as it comes, be it the whole body or the field `file` of a form. */
export interface CsvBody {
  bytes: AsyncIterable<Uint8Array>;
  /** What the client says the encoding is, where it says so. */
  charset?: string;
}

/** Refuses what is no CSV before a byte of it is read. The file's bytes are counted as they come. */
export function readCsvBody(request: Request, maxBytes: number): CsvBody {
  const type = request.headers.get("content-type") ?? "";
  refuseCompressed(request, "CSV");
  if (/^text\/csv\b/i.test(type)) {
    return { bytes: readBytes(request, maxBytes), charset: readCharset(type) };
  }
  const boundary = boundaryOf(type);
  if (boundary !== undefined) {
    return { bytes: readFormFile(readBytes(request, maxBytes), boundary, "file") };
  }
  throw new Refusal(
    "unsupported_media_type",
    "The request body must be CSV: send it with `Content-Type: text/csv`, or as the field `file` of a form.",
  );
}

/** The fields of a form that has a CSV file among them. */
export async function* readCsvForm(request: Request, maxBytes: number): AsyncGenerator<FormPart> {
  refuseCompressed(request, "CSV");
  const boundary = boundaryOf(request.headers.get("content-type") ?? "");
  if (boundary === undefined) {
    throw new Refusal(
      "unsupported_media_type",
      "The request body must be a form: send the CSV as its field `file`, with `Content-Type: multipart/form-data`.",
    );
  }
  for await (const part of readFormParts(readBytes(request, maxBytes), boundary)) {
    yield { ...part, charset: knownCharset(part.charset) };
  }
}

function boundaryOf(type: string): string | undefined {
  const boundary = /^multipart\/form-data\b.*;\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i.exec(type);
  return boundary?.[1] ?? boundary?.[2];
}

const readCharset = (type: string) => knownCharset(/;\s*charset="?([^\s;"]+)/i.exec(type)?.[1]);

function knownCharset(charset: string | undefined): string | undefined {
  if (charset === undefined) return undefined;
  try {
    return new TextDecoder(charset as Bun.Encoding).encoding;
  } catch {
    throw new Refusal("unsupported_media_type", "The charset of the CSV is not known: send it in UTF-8.");
  }
}

async function* readBytes(request: Request, maxBytes: number): AsyncGenerator<Uint8Array> {
  const announced = request.headers.get("content-length");
  if (announced !== null && Number(announced) > maxBytes) throw tooLarge(maxBytes);
  let size = 0;
  try {
    for await (const chunk of request.body ?? []) {
      size += chunk.length;
      if (size > maxBytes) throw tooLarge(maxBytes);
      yield chunk;
    }
  } catch (error) {
    // Whoever hung up gets no answer; it must not be taken for a fault of ours.
    throw request.signal.aborted && !(error instanceof Refusal) ? endedEarly() : error;
  }
  // The last line that came would be half an address.
  if (request.signal.aborted || (announced !== null && size < Number(announced))) throw endedEarly();
}
