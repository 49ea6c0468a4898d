import { endedEarly, refuseCompressed, tooLarge } from "../csv/body-refusals.ts";
import { Refusal } from "../errors.ts";

/**
 * The JSON of a request, or `undefined` where it has no body. SDKs send a JSON content type on requests without a body
 * and `{}` on GET and DELETE: both are fine. A body over the limit is refused before it is held in memory.
 */
export async function readJson(request: Request, maxBytes: number): Promise<unknown> {
  if (request.body === null) return undefined;
  const type = request.headers.get("content-type");
  if (type !== null && !/^application\/(json|[a-z.+-]+\+json)\b/i.test(type)) {
    throw new Refusal(
      "unsupported_media_type",
      "The request body must be JSON: send it with `Content-Type: application/json`.",
    );
  }
  refuseCompressed(request, "JSON");
  const text = await readText(request, maxBytes).catch((error: unknown) => {
    // Whoever hung up gets no answer; it must not be taken for a fault of ours.
    if (request.signal.aborted) throw endedEarly();
    throw error;
  });
  if (text.trim() === "") return undefined;
  const value = parse(text);
  if (isDeeper(value, mostLevels)) {
    throw new Refusal("invalid_json", `The request body may be nested ${mostLevels} levels deep at most.`);
  }
  return value;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Refusal("invalid_json", "Request body must be valid JSON.");
  }
}

/** No request has ten levels. What parses is not yet safe: writing or checking it recursively overflows the stack. */
const mostLevels = 64;

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (levels === 0) return true;
  if (Array.isArray(value)) return value.some((item) => isDeeper(item, levels - 1));
  for (const key in value) if (isDeeper((value as Record<string, unknown>)[key], levels - 1)) return true;
  return false;
}

async function readText(request: Request, maxBytes: number): Promise<string> {
  const announced = request.headers.get("content-length");
  if (announced !== null) {
    if (Number(announced) > maxBytes) throw tooLarge(maxBytes);
    return request.text();
  }
  // Without an announced length (chunked) the bytes are counted as they come.
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body!) {
    size += chunk.length;
    if (size > maxBytes) throw tooLarge(maxBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
