import type { App } from "../app.ts";
import { newId } from "../ids.ts";
import type { DkimKeyRow, Domain } from "./schema.ts";
import { sealingPurpose } from "./service.ts";

/** How long the record of a key that signs no longer is to stay: longer than any message is under way. */
const keepRetiredMs = 7 * 24 * 3_600_000;

/**
 * A key of each algorithm under selectors of their own. Made by a message worker: an RSA key would keep every request
 * waiting for a tenth of a second.
 */
export async function makeKeys(
  app: App,
  domainId: string,
  selector: string,
  state: "pending" | "active",
): Promise<DkimKeyRow[]> {
  const pairs = await app.threads.makeDkimKeyPairs();
  const createdAt = app.now();
  const row = (algorithm: DkimKeyRow["algorithm"], ownSelector: string): DkimKeyRow => {
    const id = newId();
    const { publicKey, privateKey } = pairs[algorithm];
    const sealedPrivateKey = app.secrets.seal(privateKey, sealingPurpose(id));
    const kept = { publicKey, sealedPrivateKey, createdAt, state, retireAt: null };
    return { id, domainId, selector: ownSelector, algorithm, ...kept };
  };
  return [row("rsa", selector), row("ed25519", `${selector}-ed25519`)];
}

/** The selector that follows those a domain has: `mailit`, `mailit-2`, `mailit-3` … */
export function nextSelector(base: string, taken: string[]): string {
  const numbers = taken.flatMap((selector) => {
    if (!selector.startsWith(base)) return [];
    const [, isOurs, number = "1"] = /^((?:-(\d+))?(?:-ed25519)?)$/.exec(selector.slice(base.length)) ?? [];
    return isOurs === undefined ? [] : [Number(number)];
  });
  return numbers.length === 0 ? base : `${base}-${Math.max(...numbers) + 1}`;
}

/** The name a key's record is published at. */
export const keyHost = ({ name }: Pick<Domain, "name">, { selector }: Pick<DkimKeyRow, "selector">): string =>
  `${selector}._domainkey.${name}`;

/** How a domain's keys are to be changed after a look at DNS. */
export interface KeyChange {
  /** All of them, as they are then. */
  keys: DkimKeyRow[];
  /** Seen for the first time: they sign from now on, each in place of the one of its algorithm. */
  activated: DkimKeyRow[];
  retireAt: Date;
  /** Their week is over. */
  ended: DkimKeyRow[];
}

/** A key signs once DNS shows it; the one before it stays published for what it has signed. */
export function changeKeys(keys: DkimKeyRow[], isSeen: (key: DkimKeyRow) => boolean, now: Date): KeyChange {
  const retireAt = new Date(now.getTime() + keepRetiredMs);
  const activated = keys.filter((key) => key.state === "pending" && isSeen(key));
  const ended = keys.filter((key) => key.retireAt !== null && key.retireAt <= now);
  const replaced = new Set(activated.map(({ algorithm }) => algorithm));
  const after = keys
    .filter((key) => !ended.includes(key))
    .map((key): DkimKeyRow => {
      if (activated.includes(key)) return { ...key, state: "active" };
      const isReplaced = key.state === "active" && replaced.has(key.algorithm);
      return isReplaced ? { ...key, state: "retired", retireAt } : key;
    });
  return { keys: after, activated, retireAt, ended };
}
