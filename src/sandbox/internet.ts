import type { DnsAnswer, RecordType, Resolver } from "../dns/resolver.ts";

/** The one mail server of the sandbox's internet. */
export const sandboxHost = "mx.sandbox.test";

/** DNS in which every domain's mail goes to the sandbox's own listener, and nothing else exists. */
export function sandboxResolver(): Resolver {
  const answers: Partial<Record<RecordType, (name: string) => unknown[]>> = {
    MX: () => [{ exchange: sandboxHost, preference: 10 }],
    A: (name) => (name === sandboxHost ? ["127.0.0.1"] : []),
  };
  return {
    async resolve<T extends RecordType>(name: string, type: T): Promise<DnsAnswer<T>> {
      const records = answers[type]?.(name.toLowerCase()) ?? [];
      if (records.length === 0) return { kind: "absent", reason: "nodata" };
      return { kind: "found", records, authenticated: false, ttlSeconds: 60 } as DnsAnswer<T>;
    },
  };
}
