import { type OnceOnly, shortHash } from "../emails/idempotency.ts";
import { Refusal } from "../errors.ts";

/** The header in the OpenAPI document. */
export const idempotencyHeader = {
  name: "Idempotency-Key",
  in: "header" as const,
  required: false,
  description:
    "1 to 256 characters of your own: for 24 hours the same request with the same key has its effect once.",
  schema: { type: "string" as const, minLength: 1, maxLength: 256 },
};

/** Reads the `Idempotency-Key` of a request; `said` is all of what must be the same when the key comes again. */
export function onceOnly(request: Request, endpoint: string, ...said: unknown[]): OnceOnly | undefined {
  const key = request.headers.get("idempotency-key");
  if (key === null) return undefined;
  if (key.length < 1 || key.length > 256) {
    throw new Refusal("invalid_idempotency_key", "The key must be between 1-256 chars.");
  }
  return { endpoint, key, bodyHash: shortHash(...said.map((part) => JSON.stringify(part))) };
}
