import {
  canonicalName,
  type DnsAnswer,
  type RecordData,
  type RecordType,
  type ResolveOptions,
  type Resolver,
} from "../../src/dns/resolver.ts";

/** A record in zone file form ("10 mx1.example.com", "3 1 1 <hex>"), several, or SERVFAIL, TIMEOUT or NXDOMAIN. */
export type TableValue = string | string[];

export interface DnsTable extends Resolver {
  /** `key` is a name and a type: "example.com MX". */
  set(key: string, value: TableValue): void;
  remove(key: string): void;
  /** The keys that were asked for, in order. */
  asked: string[];
}

export interface DnsTableOptions {
  /** Which answers carry the AD flag; none if not given. */
  authenticated?: (name: string, type: RecordType) => boolean;
}

/** The DNS of a test. A name with no entry at all does not exist; one with entries of other types only has no data. */
export function dnsTable(records: Record<string, TableValue> = {}, options: DnsTableOptions = {}): DnsTable {
  const entries = new Map<string, string[]>();
  const asked: string[] = [];
  const set = (key: string, value: TableValue) => void entries.set(canonicalKey(key), [value].flat());
  for (const [key, value] of Object.entries(records)) set(key, value);

  function answer(name: string, type: RecordType, hops = 0): DnsAnswer {
    const values = entries.get(`${name} ${type}`);
    const alias = entries.get(`${name} CNAME`)?.[0];
    if (values === undefined && alias !== undefined && hops < 8)
      return answer(canonical(alias), type, hops + 1);
    const special = specialAnswers.get(values?.[0] ?? "");
    if (special !== undefined) return special;
    if (values === undefined || values.length === 0)
      return { kind: "absent", reason: exists(name) ? "nodata" : "nxdomain" };
    const parsed = values.map((value) => parsers[type](value));
    const authenticated = options.authenticated?.(name, type) ?? false;
    return { kind: "found", records: parsed, authenticated, ttlSeconds: 300 } as DnsAnswer;
  }

  const exists = (name: string) => [...entries.keys()].some((key) => key.startsWith(`${name} `));

  return {
    set,
    remove: (key) => void entries.delete(canonicalKey(key)),
    asked,
    async resolve<T extends RecordType>(
      name: string,
      type: T,
      _options?: ResolveOptions,
    ): Promise<DnsAnswer<T>> {
      asked.push(`${canonical(name)} ${type}`);
      return answer(canonical(name), type) as DnsAnswer<T>;
    },
  };
}

const specialAnswers = new Map<string, DnsAnswer>([
  ["SERVFAIL", { kind: "failed", reason: "servfail" }],
  ["TIMEOUT", { kind: "failed", reason: "timeout" }],
  ["NXDOMAIN", { kind: "absent", reason: "nxdomain" }],
]);

const parsers: { [T in RecordType]: (value: string) => RecordData[T] } = {
  A: (value) => value,
  AAAA: (value) => value,
  TXT: (value) => value,
  CNAME: canonical,
  PTR: canonical,
  MX: (value) => {
    const [preference, exchange] = value.split(" ");
    return { preference: Number(preference), exchange: canonical(exchange ?? "") };
  },
  TLSA: (value) => {
    const [usage, selector, matchingType, hex] = value.split(" ");
    return {
      usage: Number(usage),
      selector: Number(selector),
      matchingType: Number(matchingType),
      certificate: Uint8Array.from(Buffer.from(hex ?? "", "hex")),
    };
  },
  CAA: (value) => {
    const [flags, tag, ...rest] = value.split(" ");
    return { critical: Number(flags) >= 128, tag: tag ?? "", value: rest.join(" ").replaceAll('"', "") };
  },
};

/** Hostile names, and the root, stay as they are written. */
function canonical(name: string): string {
  return canonicalName(name) ?? name;
}

function canonicalKey(key: string): string {
  const space = key.lastIndexOf(" ");
  const type = key.slice(space + 1);
  if (!Object.hasOwn(parsers, type)) throw new Error(`dnsTable: "${key}" is not a name and a type`);
  return `${canonical(key.slice(0, space))} ${type}`;
}

export function isRecordType(type: string): type is RecordType {
  return Object.hasOwn(parsers, type);
}
