/** Requests that are to have their effect once, however often they arrive. */
import { type App, atomically } from "../app.ts";
import type { Write } from "../db/write.ts";
import { Refusal, WriteConflict } from "../errors.ts";
import { recurring } from "../jobs/recurring.ts";
import {
  deleteIdempotencyKeys,
  findIdempotencyKey,
  forgetIdempotencyKey,
  insertIdempotencyKey,
} from "./store.ts";

export interface OnceOnly {
  /** Method and path: a key means something at one endpoint only. */
  endpoint: string;
  key: string;
  /** Of the request's body: the same key with another body is a mistake. */
  bodyHash: string;
}

const keptForMs = 24 * 3_600_000;
const mostWatched = 10_000;

const oldest = (app: App): Date => new Date(app.now().getTime() - keptForMs);

/** The requests with a key that this node is answering now. */
const underWay = new WeakMap<App, Set<string>>();

/** Accepts a request, with the writes that remember its answer; they belong in the batch of its effect. */
type Accept<Answer> = (remember: (answer: Answer) => Write[]) => Promise<Answer>;

/**
 * What `accept` answers, or what the same request was answered before. Refusals are not remembered, so that a corrected
 * request may come under the same key.
 */
export function answerOnce<Answer>(
  app: App,
  teamId: string,
  once: OnceOnly | undefined,
  accept: Accept<Answer>,
): Promise<Answer> {
  return once ? answerKnown(app, teamId, once, accept) : accept(() => []);
}

async function answerKnown<Answer>(
  app: App,
  teamId: string,
  once: OnceOnly,
  accept: Accept<Answer>,
): Promise<Answer> {
  const release = watch(app, [teamId, once.endpoint, once.key].join("\n"));
  try {
    const earlier = await findAnswer<Answer>(app, teamId, once);
    if (earlier.kind === "answered") return earlier.answer;
    return await accept((answer) => rememberAnswer(app, teamId, once, answer, earlier.kind));
  } catch (error) {
    // The same request was under way on another node and won: its answer is ours.
    const won = error instanceof WriteConflict && (await findAnswer<Answer>(app, teamId, once));
    if (won && won.kind === "answered") return won.answer;
    throw error;
  } finally {
    release();
  }
}

/** Refuses a request while its like is under way here; a client that gave up waiting is told so, not made to wait again. */
function watch(app: App, name: string): () => void {
  let names = underWay.get(app);
  if (!names) {
    names = new Set();
    underWay.set(app, names);
  }
  if (names.has(name)) {
    throw new Refusal(
      "concurrent_idempotent_requests",
      "Same idempotency key used while original request is still in progress.",
    );
  }
  if (names.size >= mostWatched) return () => {}; // the batch decides, as it does between nodes
  names.add(name);
  return () => names.delete(name);
}

/** `expired` is what nobody may ask for any more and nobody has removed yet. */
type Found<Answer> = { kind: "answered"; answer: Answer } | { kind: "none" | "expired" };

async function findAnswer<Answer>(app: App, teamId: string, once: OnceOnly): Promise<Found<Answer>> {
  const row = await findIdempotencyKey(app.db, { teamId, ...once });
  if (!row) return { kind: "none" };
  if (row.createdAt < oldest(app)) return { kind: "expired" };
  if (row.bodyHash !== once.bodyHash) {
    throw new Refusal(
      "invalid_idempotent_request",
      "This idempotency key has been used with this HTTP method and endpoint within the last 24 hours, but the request body was modified and doesn't match the original request.",
    );
  }
  return { kind: "answered", answer: row.answer as Answer };
}

/** The writes that remember an answer; a conflict when somebody else was first. */
function rememberAnswer(
  app: App,
  teamId: string,
  once: OnceOnly,
  answer: unknown,
  before: "none" | "expired",
): Write[] {
  const row = { teamId, ...once, answer, createdAt: app.now() };
  const insert = insertIdempotencyKey(row);
  return before === "none" ? [insert] : [forgetIdempotencyKey(app.db, row, oldest(app)), insert];
}

/** Removes answers that nobody may ask for any more. */
export const forgettingAnswers = recurring("forget_answers", 3_600_000, async (app) => {
  await atomically(app, [deleteIdempotencyKeys(app.db, oldest(app))]);
});
