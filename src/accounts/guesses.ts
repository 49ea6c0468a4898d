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

/** Refuses to look at another password for the account; `email` is its key, whether there is an account of it or not. */
export async function requireGuessesLeft(
  app: App,
  { email, userId = "", address }: { email: string; userId: string | undefined; address: string },
): Promise<void> {
  if (!app.config.rateLimit.enabled || current(app, email).wrong < mostWrong) return;
  if (await isKnownAddress(app, userId, address)) return; // asked of nobody too: an account is not to be told by time
  throw new Refusal(
    "rate_limit_exceeded",
    "Too many wrong passwords for this account. Try again in 15 minutes, or from where you have signed in before.",
  );
}

export function noteWrongGuess(app: App, email: string): void {
  const known = guessesOf(app);
  const { wrong, since } = current(app, email);
  known.delete(email); // and set again: whoever was guessed at last is the last to be forgotten
  known.set(email, { wrong: wrong + 1, since });
  if (known.size > mostAccounts) known.delete(known.keys().next().value!);
}

function current(app: App, email: string): Guesses {
  const now = app.now().getTime();
  const known = guessesOf(app).get(email);
  return known && now - known.since < windowMs ? known : { wrong: 0, since: now };
}

async function isKnownAddress(app: App, userId: string, address: string): Promise<boolean> {
  const known = await app.db
    .select({ address: signIns.address })
    .from(signIns)
    .where(eq(signIns.userId, userId));
  return known.some((each) => sourceOf(each.address) === sourceOf(address));
}
