import { Refusal } from "../errors.ts";

// OWASP's least for argon2id: 19 MiB and two passes. More memory would let a few logins at once eat the machine's.
const cost = { memoryCost: 19_456, timeCost: 2 };
const zeros = Buffer.alloc(32).toString("base64").replaceAll("=", "");

/**
 * The hash of no password anybody can find. A login with an unknown address is checked against it, so that it takes as
 * long as one with a known address.
 */
export const nobodysPassword = `$argon2id$v=19$m=${cost.memoryCost},t=${cost.timeCost},p=1$${zeros}$${zeros}`;

export const shortestPassword = 8;
export const longestPassword = 1_000;

export async function hashPassword(password: string): Promise<string> {
  return inTurn(() => Bun.password.hash(normalized(password), { algorithm: "argon2id", ...cost }));
}

export async function isPassword(password: string, hash: string): Promise<boolean> {
  return inTurn(() => Bun.password.verify(normalized(password), hash));
}

/** Refuses what can't be a password, before anything is spent on it. */
export function requireUsablePassword(password: string): void {
  if (password.length >= shortestPassword && password.length <= longestPassword) return;
  throw new Refusal(
    "validation_error",
    `Invalid \`password\` field. A password has ${shortestPassword} to ${longestPassword} characters.`,
  );
}

/** RFC 8265 §4.2.2: "é" may be typed as one character or as two. */
const normalized = (password: string): string => password.normalize("NFC");

// The hashes run in the thread pool that also reads files and signs messages, and the pool is the process's: so is this.
const atOnce = 2;
const mostWaiting = 100;
let running = 0;
const waiting: (() => void)[] = [];

/** Lets few hashes run at once, and few wait: strangers who guess passwords must not stop the mail. */
async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (running >= atOnce) {
    if (waiting.length >= mostWaiting) {
      throw new Refusal(
        "rate_limit_exceeded",
        "Too many people are logging in right now. Try again in a minute.",
      );
    }
    await new Promise<void>((resolve) => waiting.push(resolve)); // whoever ends hands over its place
  } else {
    running += 1;
  }
  try {
    return await work();
  } finally {
    const next = waiting.shift();
    if (next) next();
    else running -= 1;
  }
}
