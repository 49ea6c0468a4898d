import type { App } from "../app.ts";
import type { DnsAnswer, RecordData } from "../dns/resolver.ts";
import type { Ask, AskedType } from "../mail/authenticate.ts";

/** Anybody may write a message that asks for a thousand names, or for names that nobody answers for. */
const maxQuestions = 100;
const allMs = 20_000;

/** DNS for the checks of one message. What it asks for beyond its share was not answered: that is a `temperror`. */
export function askFor(app: App, maxMs = allMs): Ask {
  const deadline = performance.now() + maxMs;
  let asked = 0;
  return async (name, type) => {
    if (++asked > maxQuestions) throw dnsError("EREFUSED", "the message asks for too many names");
    const answer = await within(deadline - performance.now(), app.dns.resolve(name, type));
    if (answer.kind === "found") return answer.records.map((record) => asNodeHasIt(type, record));
    if (answer.kind === "failed") throw dnsError("ESERVFAIL", answer.reason);
    throw dnsError(answer.reason === "nxdomain" ? "ENOTFOUND" : "ENODATA", answer.reason);
  };
}

async function within(ms: number, answer: Promise<DnsAnswer<AskedType>>): Promise<DnsAnswer<AskedType>> {
  const { promise, resolve } = Promise.withResolvers<DnsAnswer<AskedType>>();
  const timer = setTimeout(() => resolve({ kind: "failed", reason: "timeout" }), Math.max(0, ms));
  try {
    return await Promise.race([answer, promise]);
  } finally {
    clearTimeout(timer);
  }
}

function asNodeHasIt(type: AskedType, record: RecordData[AskedType]): unknown {
  if (type === "TXT") return [record];
  if (typeof record === "string") return record;
  return { exchange: record.exchange, priority: record.preference };
}

const dnsError = (code: string, reason: string) => Object.assign(new Error(`DNS: ${reason}`), { code });
