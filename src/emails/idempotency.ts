/** Requests that are to have their effect once, however often they arrive. */
import { type App, atomically } from "../app.ts";
import { expectChange, type Write } from "../db/write.ts";
import { Refusal } from "../errors.ts";
import { recurring } from "../jobs/recurring.ts";
import { deleteIdempotencyKeys, findIdempotencyKey, insertIdempotencyKey } from "./store.ts";

export interface OnceOnly {
  /** Method and path: a key means something at one endpoint only. */
  endpoint: string;
  key: string;
  /** Of the request's body: the same key with another body is a mistake. */
  bodyHash: string;
}

const keptForMs = 24 * 3_600_000;

const oldest = (app: App): Date => new Date(app.now().getTime() - keptForMs);

/** What the same request was answered before; refuses another request under the same key. */
export async function findAnswer(
  app: App,
  teamId: string,
  once: OnceOnly,
): Promise<{ id: string } | undefined> {
  const row = await findIdempotencyKey(app.db, teamId, once.endpoint, once.key, oldest(app));
  if (!row) return undefined;
  if (row.bodyHash !== once.bodyHash) {
    throw new Refusal(
      "invalid_idempotent_request",
      "This idempotency key has been used with this HTTP method and endpoint within the last 24 hours, but the request body was modified and doesn't match the original request.",
    );
  }
  return row.answer as { id: string };
}

/** The writes that remember an answer, in the batch of what it answers; stale when somebody else was first. */
export function rememberAnswer(app: App, teamId: string, once: OnceOnly, answer: { id: string }): Write[] {
  const row = { teamId, ...once, answer, createdAt: app.now() };
  return [insertIdempotencyKey(app.db, row, oldest(app)), expectChange()];
}

/** Removes answers that nobody may ask for any more. */
export const forgettingAnswers = recurring("forget_answers", 3_600_000, async (app) => {
  await atomically(app, [deleteIdempotencyKeys(app.db, oldest(app))]);
});
