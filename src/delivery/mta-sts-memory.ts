import { perApp } from "../per-app.ts";
import type { MtaStsPolicy } from "./schema.ts";

/** How long a domain is not asked again under the same id after a fetch that failed (RFC 8461 §3.3: at least this). */
const holdMs = 5 * 60_000;

/** How long a row is believed unread: another node that shares the database may have fetched a policy meanwhile. */
const keptMs = 5 * 60_000;

/** About what all policies of one App may take; their authors are strangers, who may publish 64 KiB each. */
const maxCharacters = 8 * 1024 * 1024;
const overheadCharacters = 300;

const maxHolds = 10_000;

interface Kept {
  /** Undefined: there is none in the table. */
  policy: MtaStsPolicy | undefined;
  until: number;
  characters: number;
}

/** What one App remembers in front of the table: every delivery asks for its domain's policy. */
export class StsMemory {
  readonly #kept = new Map<string, Kept>(); // in order of use, oldest first
  readonly #holds = new Map<string, number>();
  readonly #fetching = new Map<string, Promise<MtaStsPolicy | undefined>>();
  #characters = 0;

  recall(domain: string, now: Date): Pick<Kept, "policy"> | undefined {
    const kept = this.#kept.get(domain);
    if (!kept || now.getTime() >= kept.until) return undefined;
    this.#kept.delete(domain);
    this.#kept.set(domain, kept);
    return kept;
  }

  keep(domain: string, policy: MtaStsPolicy | undefined, now: Date): void {
    this.#remove(domain);
    const lengths = policy?.mx.map((pattern) => pattern.length + 20) ?? [];
    const characters = overheadCharacters + lengths.reduce((sum, length) => sum + length, 0);
    this.#kept.set(domain, { policy, until: now.getTime() + keptMs, characters });
    this.#characters += characters;
    for (const oldest of this.#kept.keys()) {
      if (this.#characters <= maxCharacters) break;
      this.#remove(oldest);
    }
  }

  /** Whether a fetch failed a moment ago. By id: whoever mends a policy and says so need not wait. */
  isHeld(domain: string, id: string, now: Date): boolean {
    return now.getTime() < (this.#holds.get(`${domain} ${id}`) ?? 0);
  }

  hold(domain: string, id: string, now: Date): void {
    const key = `${domain} ${id}`;
    this.#holds.delete(key);
    this.#holds.set(key, now.getTime() + holdMs);
    if (this.#holds.size > maxHolds) this.#holds.delete(this.#holds.keys().next().value!);
  }

  /** Fetches once, however many deliveries to the domain want the policy at the same time. */
  once(
    domain: string,
    id: string,
    fetch: () => Promise<MtaStsPolicy | undefined>,
  ): Promise<MtaStsPolicy | undefined> {
    const key = `${domain} ${id}`;
    const running = this.#fetching.get(key);
    if (running) return running;
    const fetching = fetch().finally(() => this.#fetching.delete(key));
    this.#fetching.set(key, fetching);
    return fetching;
  }

  #remove(domain: string): void {
    this.#characters -= this.#kept.get(domain)?.characters ?? 0;
    this.#kept.delete(domain);
  }
}

export const stsMemoryOf = perApp((): StsMemory => new StsMemory());
