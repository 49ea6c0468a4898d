import { readHostName } from "./host-name.ts";
import { choice, count, duration, type Kind, type Reading } from "./kinds.ts";
import { parseDuration } from "./units.ts";

/** What an operator says about sending to some mail servers; what is not said stays as it is. */
export interface Site {
  /** A name, or a pattern such as `*.google.com`, of MX hosts and of recipients' domains; lower-case. */
  match: string;
  connections?: number;
  messagesPerConnection?: number;
  /** How long an unused connection is kept, in milliseconds. */
  idle?: number;
  rate?: { messages: number; perMs: number };
  tls?: "opportunistic" | "mandatory" | "off";
}

export interface WrittenSite {
  match: string;
  connections?: string | number;
  messagesPerConnection?: string | number;
  idle?: string | number;
  /** Messages per time: `100/1m`. */
  rate?: string;
  tls?: "opportunistic" | "mandatory" | "off";
}

const pattern: Kind<string, string> = {
  allowed: "a pattern",
  read(input) {
    const text = typeof input === "string" ? input.trim().toLowerCase() : "";
    // With a letter in every star's place it must be a name; "**" would mean nothing more than "*".
    const isName = text === "*" || readHostName(text.replaceAll("*", "x")) !== undefined;
    if (!isName || text.includes("**")) return { bad: input };
    return { value: text.includes("*") ? text : (readHostName(text) ?? text) };
  },
};

const rate: Kind<{ messages: number; perMs: number }, string> = {
  allowed: "messages per time",
  read(input) {
    const [, digits, time = ""] = /^(\d{1,9}) ?\/ ?(\S{1,40})$/.exec(String(input).trim()) ?? [];
    const [messages, perMs] = [Number(digits), parseDuration(time)];
    return messages > 0 && perMs !== undefined && perMs > 0 && perMs <= 86_400_000
      ? { value: { messages, perMs } }
      : { bad: input };
  },
};

const fields: Readonly<Record<keyof Site, Kind<unknown, unknown>>> = {
  match: pattern,
  connections: count(1, 1_000),
  messagesPerConnection: count(1, 100_000),
  idle: duration(1),
  rate,
  tls: choice("opportunistic", "mandatory", "off"),
};

/** An array of objects, in the environment as JSON. */
export const sites: Kind<Site[], readonly WrittenSite[]> = {
  allowed:
    'a list (in the environment as JSON) of objects with match, such as "*.example.com", and any of connections (1 to 1000), messagesPerConnection (1 to 100000), idle (a duration such as 30s, at most 1 day), rate (such as "100/1m") and tls (opportunistic, mandatory or off)',
  read(input) {
    const elements = typeof input === "string" ? parseJson(input) : input;
    if (!Array.isArray(elements)) return { bad: input };
    const value: Site[] = [];
    for (const element of elements as unknown[]) {
      const reading = readSite(element);
      if ("bad" in reading) return reading;
      value.push(reading.value);
    }
    return { value };
  },
};

/** A site, or the field of it that is wrong, in words: which of many objects is meant would be hard to see otherwise. */
function readSite(element: unknown): Reading<Site> {
  if (typeof element !== "object" || element === null || Array.isArray(element)) return { bad: element };
  const site: Record<string, unknown> = {};
  for (const [name, input] of Object.entries({ match: undefined, ...element })) {
    if (input === undefined && name !== "match") continue;
    const reading: Reading<unknown> = Object.hasOwn(fields, name)
      ? fields[name as keyof Site].read(input)
      : { bad: input };
    if ("bad" in reading) return { bad: `${name}: ${inWords(reading.bad)}` };
    site[name] = reading.value;
  }
  return { value: site as unknown as Site }; // every field was read by its own kind
}

const inWords = (value: unknown) =>
  typeof value === "object" && value !== null ? "an object" : String(value ?? "nothing");

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // no list, then
  }
}
