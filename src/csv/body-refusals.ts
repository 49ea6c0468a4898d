import { Refusal } from "../errors.ts";

/** What any body is refused for, whichever door it came to. */
export function refuseCompressed(request: Request, wanted: string): void {
  const encoding = request.headers.get("content-encoding");
  if (encoding === null || encoding.toLowerCase() === "identity") return;
  throw new Refusal(
    "unsupported_media_type",
    `Compressed request bodies are not taken: send plain ${wanted}.`,
  );
}

export function endedEarly(): Refusal {
  return new Refusal("invalid_json", "The request body ended early.");
}

export function tooLarge(maxBytes: number): Refusal {
  return new Refusal(
    "payload_too_large",
    `The request body is too large: at most ${Math.floor(maxBytes / 1_000_000)} MB are taken.`,
  );
}
