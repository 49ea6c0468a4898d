import { type App, atomically } from "../app.ts";
import { parseDuration } from "../config/units.ts";
import { Refusal } from "../errors.ts";
import { recurring } from "../jobs/recurring.ts";
import { removeAll } from "./changes.ts";
import { readIsoTime } from "./iso-time.ts";
import { listExpired } from "./store.ts";

/** When a suppression is to end, in a client's words: at a time, or after a while. */
export interface ExpiryWish {
  expiresAt?: string | null;
  expiresIn?: string | number | null;
}

const longestMs = 36_500 * 24 * 3_600_000;

/** The end of a suppression; null when it stays for good. */
export function readExpiry(app: App, { expiresAt, expiresIn }: ExpiryWish): Date | null {
  const isAt = expiresAt !== undefined && expiresAt !== null;
  const isIn = expiresIn !== undefined && expiresIn !== null;
  if (isAt && isIn) {
    throw new Refusal("validation_error", "Give `expires_at` or `expires_in`, not both.");
  }
  if (isAt) return readEnd(app, expiresAt);
  if (!isIn) return null;
  const ms = parseDuration(expiresIn);
  if (ms === undefined || ms < 1 || ms > longestMs) {
    throw new Refusal(
      "validation_error",
      'Invalid `expires_in` field. It must be a duration such as "12h" or "30d", at most 100 years.',
    );
  }
  return new Date(app.now().getTime() + ms);
}

function readEnd(app: App, text: string): Date {
  const at = readIsoTime(text);
  if (!at) {
    throw new Refusal(
      "validation_error",
      "Invalid `expires_at` field. It must be an ISO 8601 time with its time zone, such as `2026-08-05T11:52:01Z`.",
    );
  }
  if (at <= app.now()) {
    throw new Refusal("validation_error", "Invalid `expires_at` field. It must be in the future.");
  }
  return at;
}

/** Removed in one batch, so that no other write waits long behind it. */
const rowsPerSlice = 500;

/** Removes what has expired; to every reader it was gone since then. */
export const forgettingSuppressions = recurring("forget_suppressions", 3_600_000, (app) =>
  forgetSuppressions(app),
);

export async function forgetSuppressions(app: App, slice = rowsPerSlice): Promise<void> {
  for (;;) {
    const expired = await listExpired(app.db, app.now(), slice);
    const byTeam = Map.groupBy(expired, ({ teamId }) => teamId);
    await atomically(
      app,
      [...byTeam].flatMap(([teamId, rows]) =>
        removeAll(
          app,
          teamId,
          rows.map(({ id }) => id),
          "expired",
        ),
      ),
    );
    if (expired.length < slice) return;
  }
}
