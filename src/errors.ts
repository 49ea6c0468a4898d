/** Why we understood a request and will not do it. Only doors turn these into statuses (`api/errors.ts`, `smtp/reply.ts`). */
export type RefusalCode =
  | "invalid_json"
  | "payload_too_large"
  | "unsupported_media_type"
  | "missing_required_field"
  | "validation_error"
  | "invalid_parameter"
  | "invalid_from_address"
  | "invalid_attachment"
  | "invalid_access"
  | "invalid_region"
  | "missing_api_key"
  | "invalid_api_key"
  | "restricted_api_key"
  | "invalid_credentials"
  | "domain_not_verified"
  | "domain_not_allowed"
  | "not_permitted"
  | "not_found"
  | "method_not_allowed"
  | "already_exists"
  | "invalid_idempotency_key"
  | "invalid_idempotent_request"
  | "concurrent_idempotent_requests"
  | "rate_limit_exceeded"
  | "service_unavailable";

/** A request we understood and will not do. The message is for its sender: it says what is wrong and what to do. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  constructor(
    readonly code: RefusalCode,
    message: string,
  ) {
    super(message);
  }
}

/** What is refused to whoever would write over what they have not seen. */
export class SavedMeanwhile extends Refusal {
  constructor() {
    super(
      "already_exists",
      "This was saved by somebody else, or in another tab, since you opened it, and nothing of what you wrote here is saved yet. See in another tab what it says now, and take over from it what you want to keep; saving once more writes over it.",
    );
  }
}

export type ConflictKind = "unique" | "foreign_key" | "check" | "not_null" | "stale";

/**
 * A batch of writes the database refused as a whole: a constraint did not hold, or (`stale`) a row was no longer as the
 * writer had read it. Both transports throw this and nothing else for it, so a service can tell it from a fault.
 */
export class WriteConflict extends Error {
  override readonly name = "WriteConflict";
  constructor(
    readonly kind: ConflictKind,
    /** What the database named, e.g. `suppressions.team_id, suppressions.address`. */
    readonly subject: string,
    options?: ErrorOptions,
  ) {
    super(`${kind} conflict: ${subject}`, options);
  }
}

/** The database or the blob store can't be used now (disk full, read-only, out of reach): try again later. */
export class StorageUnavailable extends Error {
  override readonly name = "StorageUnavailable";
}

/** A mistake in the configuration, in one sentence an operator can act on. Stops the start. */
export class ConfigFault extends Error {
  override readonly name = "ConfigFault";
}

/** Whether it is a StorageUnavailable, or what a library has wrapped around one. */
export function isStorageUnavailable(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof StorageUnavailable) return true;
  }
  return false;
}
