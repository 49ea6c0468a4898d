/**
 * Wrong passwords by account. `attempts.ts` bounds what one network address tries; this bounds what many try together.
 * Where the account has signed in from before, it still may: strangers can't lock its owner out of home. Each node keeps its
 * own count, which a start forgets, so that several nodes let that many times as many through.
 */
import { eq } from "drizzle-orm";
import type { App } from "../app.ts";
import { sourceOf } from "../client-address.ts";
import { Refusal } from "../errors.ts";
import { perApp } from "../per-app.ts";
import { signIns } from "./schema.ts";

const mostWrong = 10;
const windowMs = 15 * 60_000;
const mostAccounts = 10_000;

interface Guesses {
  wrong: number;
  since: number;
  /** The checks under way; each resolves when it has ended. */
  running: Set<Promise<void>>;
}

interface Guess {
  /** The account's key, whether there is an account of it or not. */
  email: string;
  userId: string | undefined;
  address: string;
}

/**
 * Checks a password, unless too many were wrong. No more are looked at together than may still be wrong: a check takes
 * long, and a hundred that come at once would all be made before the first is counted.
 */
export async function guess(app: App, whose: Guess, check: () => Promise<boolean>): Promise<boolean> {
  if (!app.config.rateLimit.enabled) return check();
  const { guesses, end } = await takeTurn(app, whose);
  try {
    const isRight = await check();
    if (isRight) remember(app, whose);
    else guesses.wrong += 1;
    return isRight;
  } finally {
    end();
  }
}

/** Waits for a turn and has it from then on; refused where there is none. */
async function takeTurn(app: App, whose: Guess): Promise<{ guesses: Guesses; end(): void }> {
  for (;;) {
    const guesses = guessesAt(app, whose);
    const isFree = guesses.wrong + guesses.running.size < mostWrong;
    if (isFree || (await isKnownAddress(app, whose))) {
      const { promise, resolve } = Promise.withResolvers<void>();
      guesses.running.add(promise);
      return {
        guesses,
        end: () => {
          guesses.running.delete(promise);
          resolve();
        },
      };
    }
    if (guesses.wrong >= mostWrong) {
      throw new Refusal(
        "rate_limit_exceeded",
        "Too many wrong passwords for this account. Try again in 15 minutes, or from where you have signed in before.",
      );
    }
    await Promise.race(guesses.running);
  }
}

const guessesOf = perApp((): Map<string, Guesses> => new Map());

/** Kept by a hash: what is sent as an address may be as long as a request. */
function guessesAt(app: App, { email }: Guess): Guesses {
  const all = guessesOf(app);
  const key = hashOf(email);
  const known = all.get(key);
  const now = app.now().getTime();
  const guesses =
    known && now - known.since < windowMs
      ? known
      : { wrong: 0, since: now, running: new Set<Promise<void>>() };
  all.delete(key); // and set again: whoever was guessed at last is the last to be forgotten
  all.set(key, guesses);
  if (all.size > mostAccounts) all.delete(all.keys().next().value!);
  return guesses;
}

/** From where a password was right since the start: a login by the API leaves no sign-in. */
const rightFrom = perApp((): Set<string> => new Set());
const mostRemembered = 10_000;

const placeOf = ({ email, address }: Guess) => `${hashOf(email)} ${sourceOf(address)}`;

const hashOf = (text: string): string => Bun.CryptoHasher.hash("sha256", text, "base64url");

function remember(app: App, whose: Guess): void {
  const known = rightFrom(app);
  known.delete(placeOf(whose)); // and added again: who came last is the last to be forgotten
  known.add(placeOf(whose));
  if (known.size > mostRemembered) known.delete(known.values().next().value!);
}

/** Looked up for nobody too: an account is not to be told by time. */
async function isKnownAddress(app: App, whose: Guess): Promise<boolean> {
  if (rightFrom(app).has(placeOf(whose))) return true;
  const known = await app.db
    .select({ address: signIns.address })
    .from(signIns)
    .where(eq(signIns.userId, whose.userId ?? ""));
  return known.some((each) => sourceOf(each.address) === sourceOf(whose.address));
}
