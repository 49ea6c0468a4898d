import { type App, atomically } from "../app.ts";
import { perApp } from "../per-app.ts";
import { type Network, parseAllowedIps } from "./networks.ts";
import type { Permission } from "./schema.ts";
import { findKeyByHash, updateLastUse } from "./store.ts";

/** What a key may do. Shared between requests, so nobody changes it. */
export interface KeyHolder {
  readonly teamId: string;
  readonly permission: Permission;
  readonly keyId: string;
  /** The one domain it may send from. */
  readonly domainId: string | null;
  /** Where it may be used from, for `requireAllowedAddress`; from anywhere when there are none. */
  readonly networks: readonly Network[];
}

interface Remembered {
  holder: Promise<KeyHolder | undefined>;
  until: number;
}

interface KeyMemory {
  known: Map<string, Remembered>;
  /** Tokens of no key, and those being looked up: apart, so that whoever tries tokens at random pushes no key out. */
  unknown: Map<string, Remembered>;
  /** When each key was last used, not yet written. */
  uses: Map<string, number>;
  flushing: ReturnType<typeof setTimeout> | undefined;
}

/** How long other nodes may still accept a key that was revoked here. */
const rememberMs = 2_000;
const mostRemembered = 10_000;
const flushAfterMs = 10_000;

/**
 * Who a token belongs to, or undefined. Asked for every request, so it reads the database once in two seconds and key
 * and writes nothing itself. Remembered by hash: the hash costs half a microsecond, and a copy of the process's memory
 * then holds no list of tokens that work.
 */
export function authenticateKey(app: App, token: string): Promise<KeyHolder | undefined> {
  return authenticateHash(app, hashToken(token));
}

/** The same by a token's hash, for who asks again for every message of a session and need not keep the token for it. */
export async function authenticateHash(app: App, hash: string): Promise<KeyHolder | undefined> {
  const memory = memoryOf(app);
  const now = app.now().getTime();
  const remembered = memory.known.get(hash) ?? memory.unknown.get(hash);
  const { holder: answer } =
    remembered && now < remembered.until ? remembered : lookUp(app, memory, hash, now);
  const holder = await answer;
  if (holder) noteUse(app, memory, holder.keyId, now);
  return holder;
}

/** Forgets every key, after one was changed or revoked here: that is rare, and asking again is cheap. */
export function forgetKeys(app: App): void {
  const { known, unknown } = memoryOf(app);
  known.clear();
  unknown.clear();
}

/**
 * Writes down when keys were last used. Every request moves that time, so it is written together, at most every ten
 * seconds and when the program ends; a crash loses ten seconds of it.
 */
export async function flushKeyUse(app: App): Promise<void> {
  const memory = memoryOf(app);
  clearTimeout(memory.flushing);
  memory.flushing = undefined;
  const { uses } = memory;
  memory.uses = new Map();
  try {
    await atomically(
      app,
      [...uses].map(([id, at]) => updateLastUse({ id, at })),
    );
  } catch (error) {
    memory.uses = new Map([...uses, ...memory.uses]); // the next flush takes them along
    throw error;
  }
}

export function hashToken(token: string): string {
  return Bun.CryptoHasher.hash("sha256", token, "hex");
}

/**
 * Remembers the question rather than the answer: requests that come while it is open share it, and an answer from
 * before a change can't be put back after `forgetKeys`.
 */
function lookUp(app: App, { known, unknown }: KeyMemory, hash: string, now: number): Remembered {
  const remembered: Remembered = { holder: find(app, hash), until: now + rememberMs };
  known.delete(hash);
  remember(unknown, hash, remembered);
  remembered.holder.then(
    (holder) => {
      if (!holder || unknown.get(hash) !== remembered) return;
      unknown.delete(hash);
      remember(known, hash, remembered);
    },
    () => {
      if (unknown.get(hash) === remembered) unknown.delete(hash);
    },
  );
  return remembered;
}

async function find(app: App, hash: string): Promise<KeyHolder | undefined> {
  const key = await findKeyByHash(app.db, hash);
  if (!key) return undefined;
  return {
    teamId: key.teamId,
    permission: key.permission,
    keyId: key.id,
    domainId: key.domainId,
    networks: parseAllowedIps(key.allowedIps),
  };
}

function remember(among: Map<string, Remembered>, hash: string, remembered: Remembered): void {
  among.set(hash, remembered);
  if (among.size <= mostRemembered) return;
  const [oldest] = among.keys();
  among.delete(oldest!);
}

function noteUse(app: App, memory: KeyMemory, keyId: string, at: number): void {
  memory.uses.set(keyId, at);
  memory.flushing ??= setTimeout(() => {
    flushKeyUse(app).catch((err) => app.log.warn({ err }, "the last use of keys could not be written"));
  }, flushAfterMs).unref();
}

const memoryOf = perApp(
  (): KeyMemory => ({ known: new Map(), unknown: new Map(), uses: new Map(), flushing: undefined }),
);
