import type { Reply } from "./packet.ts";
import type { DnsAnswer, RecordType, ResolveOptions, Resolver } from "./resolver.ts";

/** Puts a question to the servers. Never rejects. */
export type Ask = (name: string, type: RecordType) => Promise<Reply>;

export interface CacheOptions {
  now: () => Date;
  /** How much to remember, counted in the bytes of the answers; the least recently used go first. */
  maxBytes?: number;
}

interface Entry {
  answer: DnsAnswer;
  keptAt: number;
  expiresAt: number;
  bytes: number;
}

/** Long enough that a thousand deliveries to one broken domain ask once, short enough to notice its cure. */
const failureSeconds = 5;

/** What an entry costs beside its message. */
const overheadBytes = 300;

/**
 * Remembers answers for as long as their TTL allows, and puts a question only once at a time: whoever asks the same
 * meanwhile gets the same answer. The names it is given are canonical.
 */
export function withCache(ask: Ask, { now, maxBytes = 16 * 1024 * 1024 }: CacheOptions): Resolver {
  const entries = new Map<string, Entry>(); // in order of use, oldest first
  const asking = new Map<string, Promise<Reply>>();
  let size = 0;

  function remove(key: string): void {
    size -= entries.get(key)?.bytes ?? 0;
    entries.delete(key);
  }

  function remember(key: string, { answer, keepSeconds, bytes }: Reply): void {
    const seconds = answer.kind === "failed" ? failureSeconds : keepSeconds;
    // A failure says nothing new about the name, so it does not take away an answer that still holds.
    if (answer.kind === "failed" && recall(key) !== undefined) return;
    remove(key);
    if (seconds <= 0) return;
    const keptAt = now().getTime();
    const entry = { answer, keptAt, expiresAt: keptAt + seconds * 1000, bytes: bytes + overheadBytes };
    entries.set(key, entry);
    size += entry.bytes;
    for (const oldest of entries.keys()) {
      if (size <= maxBytes) break;
      remove(oldest);
    }
  }

  function recall(key: string): DnsAnswer | undefined {
    const entry = entries.get(key);
    if (entry === undefined) return undefined;
    const time = now().getTime();
    if (time >= entry.expiresAt) {
      remove(key);
      return undefined;
    }
    entries.delete(key);
    entries.set(key, entry);
    return aged(entry, time);
  }

  function askOnce(key: string, name: string, type: RecordType): Promise<Reply> {
    const running = asking.get(key);
    if (running) return running;
    const asked = ask(name, type)
      .then((reply) => {
        remember(key, reply);
        return reply;
      })
      .finally(() => asking.delete(key));
    asking.set(key, asked);
    return asked;
  }

  return {
    async resolve<T extends RecordType>(
      name: string,
      type: T,
      options: ResolveOptions = {},
    ): Promise<DnsAnswer<T>> {
      const key = `${name} ${type}`;
      const answer = (options.fresh ? undefined : recall(key)) ?? (await askOnce(key, name, type)).answer;
      return copied(answer) as DnsAnswer<T>;
    },
  };
}

function aged({ answer, keptAt }: Entry, time: number): DnsAnswer {
  if (answer.kind !== "found") return answer;
  const ageSeconds = Math.max(0, Math.floor((time - keptAt) / 1000));
  return { ...answer, ttlSeconds: Math.max(0, answer.ttlSeconds - ageSeconds) };
}

/** Callers may sort and cut their list; the one that is kept or shared stays as it is. */
function copied(answer: DnsAnswer): DnsAnswer {
  return answer.kind === "found" ? ({ ...answer, records: [...answer.records] } as DnsAnswer) : answer;
}
