/** Requests that are to have their effect once, however often they arrive. */
import { type App, atomically } from "../app.ts";
import type { Write } from "../db/write.ts";
import { Refusal, WriteConflict } from "../errors.ts";
import { recurring } from "../jobs/recurring.ts";
import { perApp } from "../per-app.ts";
import type { IdempotencyKey } from "./schema.ts";
import {
  deleteIdempotencyKeys,
  endOfStretch,
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

/** 128 bits of SHA-256, in 22 characters: rows of it are small, and nobody finds two things with the same. */
export function shortHash(...parts: string[]): string {
  let text = "";
  for (const part of parts) text += `${part.length}:${part}`; // no two lists of parts read alike
  return Bun.CryptoHasher.hash("sha256", text, "base64url").slice(0, 22); // in one go: a third of what pieces cost
}

const keptForMs = 24 * 3_600_000;
const mostWatched = 10_000;
const recentPerGeneration = 10_000;

const oldest = (app: App): Date => new Date(app.now().getTime() - keptForMs);

/** What this node knows of requests with a key; two generations of those it has answered, the older one forgotten whole. */
interface Memory {
  underWay: Set<string>;
  young: Set<string>;
  old: Set<string>;
}

/** Accepts a request, with the writes that remember its answer; they belong in the batch of its effect. */
type Accept<Answer> = (remember: (answer: Answer) => Write[]) => Promise<Answer>;

/**
 * What `accept` answers, or what the same request was answered before. Refusals are not remembered, so that a corrected
 * request may come under the same key. `looksFirst`: accepting costs more than a look at what was answered.
 */
export function answerOnce<Answer>(
  app: App,
  teamId: string,
  once: OnceOnly | undefined,
  looksFirst: boolean,
  accept: Accept<Answer>,
): Promise<Answer> {
  return once ? answerKnown(app, teamId, once, looksFirst, accept) : accept(() => []);
}

/**
 * Most keys are new. Those this node has not answered lately are accepted without a look: the batch is refused when
 * somebody was first, this node's earlier life or another node, and only then the answer is looked for.
 */
async function answerKnown<Answer>(
  app: App,
  teamId: string,
  once: OnceOnly,
  looksFirst: boolean,
  accept: Accept<Answer>,
): Promise<Answer> {
  const memory = memoryOf(app);
  const fingerprint = shortHash(teamId, once.endpoint, once.key);
  const release = watch(memory, fingerprint);
  const look = () => findAnswer<Answer>(app, fingerprint, once.bodyHash);
  const acceptNow = (before: "none" | "expired") =>
    accept((answer) => rememberAnswer(app, { fingerprint, bodyHash: once.bodyHash, answer }, before));
  try {
    const isKnown = looksFirst || memory.young.has(fingerprint) || memory.old.has(fingerprint);
    const earlier: Found<Answer> = isKnown ? await look() : { kind: "none" };
    return earlier.kind === "answered" ? earlier.answer : await acceptNow(earlier.kind);
  } catch (error) {
    if (!(error instanceof WriteConflict || error instanceof Refusal)) throw error;
    const earlier = await look();
    if (earlier.kind === "answered") return earlier.answer;
    if (earlier.kind === "expired" && error instanceof WriteConflict) return await acceptNow("expired");
    throw error;
  } finally {
    release();
  }
}

const memoryOf = perApp((): Memory => ({ underWay: new Set(), young: new Set(), old: new Set() }));

/** Refuses a request while its like is under way here; a client that gave up waiting is told so, not made to wait again. */
function watch(memory: Memory, fingerprint: string): () => void {
  const { underWay } = memory;
  if (underWay.has(fingerprint)) {
    throw new Refusal(
      "concurrent_idempotent_requests",
      "Same idempotency key used while original request is still in progress.",
    );
  }
  const isWatched = underWay.size < mostWatched; // beyond, the batch decides, as it does between nodes
  if (isWatched) underWay.add(fingerprint);
  return () => {
    if (isWatched) underWay.delete(fingerprint);
    memory.young.add(fingerprint);
    if (memory.young.size < recentPerGeneration) return;
    memory.old = memory.young;
    memory.young = new Set();
  };
}

/** `expired` is what nobody may ask for any more and nobody has removed yet. */
type Found<Answer> = { kind: "answered"; answer: Answer } | { kind: "none" | "expired" };

async function findAnswer<Answer>(app: App, fingerprint: string, bodyHash: string): Promise<Found<Answer>> {
  const row = await findIdempotencyKey(app.db, fingerprint);
  if (!row) return { kind: "none" };
  if (row.createdAt < oldest(app)) return { kind: "expired" };
  if (row.bodyHash !== bodyHash) {
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
  row: Omit<IdempotencyKey, "createdAt">,
  before: "none" | "expired",
): Write[] {
  const insert = insertIdempotencyKey({ ...row, createdAt: app.now() });
  return before === "none" ? [insert] : [forgetIdempotencyKey(app.db, row.fingerprint, oldest(app)), insert];
}

/** Removes answers that nobody may ask for any more, a stretch of keys at a time: other writes go on in between. */
export async function forgetAnswers(app: App, stretch = 2_000): Promise<void> {
  for (let behind = ""; ; ) {
    const end = await endOfStretch(app.db, behind, stretch);
    if (end === undefined) return;
    await atomically(app, [deleteIdempotencyKeys(app.db, { behind, end }, oldest(app))], { isPatient: true });
    behind = end;
  }
}

export const forgettingAnswers = recurring("forget_answers", 3_600_000, (app) => forgetAnswers(app));
