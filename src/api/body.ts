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
  const text = await readText(request, maxBytes);
  if (text.trim() === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw new Refusal("invalid_json", "Request body must be valid JSON.");
  }
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

function tooLarge(maxBytes: number): Refusal {
  return new Refusal(
    "payload_too_large",
    `The request body is too large: at most ${Math.floor(maxBytes / 1_000_000)} MB are taken.`,
  );
}
