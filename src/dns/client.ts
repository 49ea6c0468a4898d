import type { Logger } from "../log.ts";
import { withCache } from "./cache.ts";
import { exchange, type Heard } from "./exchange.ts";
import type { Question, Reply } from "./packet.ts";
import {
  canonicalName,
  type DnsAnswer,
  type RecordType,
  type ResolveOptions,
  type Resolver,
} from "./resolver.ts";
import { dnsServers } from "./servers.ts";

export interface ResolverOptions {
  /** `address:port` each; empty means those of /etc/resolv.conf, and 127.0.0.1:53 where that names none. */
  servers: string[];
  /** The clock of the cache. Deadlines on the network are real time. */
  now: () => Date;
  /** For one question, all its tries together. */
  timeoutMs?: number;
  log?: Logger;
}

/** How often one question is put before it has failed; each try has an equal share of its time. */
const tries = 4;

/** Open sockets at once: a broadcast to ten thousand domains must not use up the process's file descriptors. */
const maxExchanges = 256;

/** The resolver of a running node: a stub that asks recursive servers, with a cache. Close it to stop. */
export function makeResolver(options: ResolverOptions): Resolver & { close(): void } {
  const { now, timeoutMs = 12_000, log } = options;
  const servers = dnsServers(options.servers);
  const closing = new AbortController();
  const permits = makePermits(maxExchanges);
  let preferred = 0; // the server that answered last: a dead first entry is not waited for every time

  async function ask(name: string, type: RecordType): Promise<Reply> {
    await permits.take();
    try {
      return await askServers({ name, type });
    } finally {
      permits.give();
    }
  }

  async function askServers(question: Question): Promise<Reply> {
    const first = preferred;
    let edns = true;
    let refusals = 0;
    let reason = "timeout";
    for (let attempt = 0; attempt < tries && !closing.signal.aborted; attempt++) {
      const at = (first + attempt) % servers.length;
      const heard = await withinTime(timeoutMs / tries, closing.signal, (signal) =>
        exchange(servers[at]!, question, edns, signal),
      );
      if (heard.kind === "reply") {
        preferred = at;
        return heard.reply;
      }
      reason = heard.kind === "unusable" ? "malformed answer" : heard.reason;
      log?.debug({ ...question, server: servers[at], reason }, "A DNS server gave no answer");
      if (heard.kind !== "refused") continue;
      // RFC 6891 §7: an old server refuses the extension, not the question.
      if (heard.dislikesEdns) edns = false;
      // A server that says it failed will say so again; each gets its chance, a single one a second.
      if (++refusals >= Math.max(2, servers.length)) break;
    }
    return failure(closing.signal.aborted ? "closed" : reason);
  }

  const cache = withCache(ask, { now });
  return {
    async resolve<T extends RecordType>(
      name: string,
      type: T,
      options?: ResolveOptions,
    ): Promise<DnsAnswer<T>> {
      const asked = canonicalName(name);
      // What DNS cannot carry does not exist there; "failed" would have it tried for days.
      if (asked === undefined) return { kind: "absent", reason: "nxdomain" };
      if (closing.signal.aborted) return { kind: "failed", reason: "closed" };
      return cache.resolve(asked, type, options);
    },
    close: () => closing.abort("closed"),
  };
}

function failure(reason: string): Reply {
  return { answer: { kind: "failed", reason }, keepSeconds: 0, bytes: 0 };
}

async function withinTime(
  ms: number,
  closing: AbortSignal,
  run: (signal: AbortSignal) => Promise<Heard>,
): Promise<Heard> {
  const ending = new AbortController();
  const onClose = () => ending.abort(closing.reason);
  const timer = setTimeout(() => ending.abort("timeout"), ms);
  closing.addEventListener("abort", onClose);
  try {
    return await run(ending.signal);
  } finally {
    clearTimeout(timer);
    closing.removeEventListener("abort", onClose);
  }
}

/** At most so many at a time; the others wait their turn, first come first served. */
function makePermits(count: number): { take(): Promise<void>; give(): void } {
  const waiting: (() => void)[] = [];
  let free = count;
  return {
    async take() {
      if (free > 0) free--;
      else await new Promise<void>((resolve) => waiting.push(resolve));
    },
    give() {
      const next = waiting.shift();
      if (next) next();
      else free++;
    },
  };
}
