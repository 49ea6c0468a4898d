/**
 * Wrong passwords by account. `attempts.ts` bounds what one network address tries; this bounds what many try together.
 * Where the account has signed in from before, it still may: strangers can't lock its owner out of home. Each node keeps its
 * own count, which a start forgets: a guess costs an attacker the same on all of them together.
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
}

const guessesOf = perApp((): Map<string, Guesses> => new Map());

interface Guess {
  /** The account's key, whether there is an account of it or not. */
  email: string;
  userId: string | undefined;
  address: string;
}

/**
 * Checks a password, unless too many were wrong. It counts as wrong until it is found right: were it counted after the
 * check, which takes long, a hundred that come at once would be free.
 */
export async function guess(app: App, whose: Guess, check: () => Promise<boolean>): Promise<boolean> {
  if (!app.config.rateLimit.enabled) return check();
  const { email } = whose;
  if (current(app, email).wrong >= mostWrong && !(await isKnownAddress(app, whose))) {
    throw new Refusal(
      "rate_limit_exceeded",
      "Too many wrong passwords for this account. Try again in 15 minutes, or from where you have signed in before.",
    );
  }
  count(app, email, 1);
  let isWrong = false;
  try {
    const isRight = await check();
    isWrong = !isRight;
    if (isRight) remember(app, whose);
    return isRight;
  } finally {
    if (!isWrong) count(app, email, -1); // also where the check itself was refused
  }
}

function count(app: App, email: string, by: 1 | -1): void {
  const known = guessesOf(app);
  const { wrong, since } = current(app, email);
  known.delete(email); // and set again: whoever was guessed at last is the last to be forgotten
  known.set(email, { wrong: Math.max(0, wrong + by), since });
  if (known.size > mostAccounts) known.delete(known.keys().next().value!);
}

function current(app: App, email: string): Guesses {
  const now = app.now().getTime();
  const known = guessesOf(app).get(email);
  return known && now - known.since < windowMs ? known : { wrong: 0, since: now };
}

/** From where a password was right since the start: a login by the API leaves no sign-in. */
const rightFrom = perApp((): Set<string> => new Set());
const mostRemembered = 10_000;

const placeOf = ({ email, address }: Guess) => `${email} ${sourceOf(address)}`;

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
