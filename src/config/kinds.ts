import { isIP, isIPv6 } from "node:net";
import { readHostName } from "./host-name.ts";
import { readListenAddress } from "./listen-address.ts";
import { parseDuration, parseSize } from "./units.ts";

/** What a value was read as, or the part of it that is wrong: in a list, the one element. */
export type Reading<Value> = { value: Value } | { bad: unknown };

/**
 * What a key may hold: `Value` is what the program gets, `Input` what an operator may write in a file. The environment
 * gives the same things as text, so every kind reads its own text form too.
 */
export interface Kind<Value, Input> {
  /** Ends the sentence "it must be …". */
  readonly allowed: string;
  readonly isPath?: boolean;
  /** Never there: it only carries the type. */
  readonly written?: Input;
  read(input: unknown): Reading<Value>;
}

/** A kind of value that is written as one word of text; `parse` answers undefined for what is not allowed. */
function word<Value>(allowed: string, parse: (text: string) => Value | undefined): Kind<Value, string> {
  return {
    allowed,
    read(input) {
      const value = typeof input === "string" ? parse(input.trim()) : undefined;
      return value === undefined ? { bad: input } : { value };
    },
  };
}

/** A kind of number; as text it is parsed by the same function. */
function quantity(
  allowed: string,
  { min, max }: { min: number; max: number },
  parse: (input: string | number) => number | undefined,
): Kind<number, string | number> {
  return {
    allowed,
    read(input) {
      const value = typeof input === "string" || typeof input === "number" ? parse(input) : undefined;
      return value === undefined || value < min || value > max ? { bad: input } : { value };
    },
  };
}

// A line break in a value that reaches a header, a log or an SMTP command would start a line of its own.
const printable = (text: string) => text !== "" && !/\p{Cc}/u.test(text);

export const text = word("text in one line", (input) => (printable(input) ? input : undefined));

/** Text that is kept exactly as given, outer spaces included, of at least `min` characters. */
export const secretText = (min = 1): Kind<string, string> => ({
  allowed: min > 1 ? `${min} characters or more, in one line` : "text in one line",
  read: (input) =>
    typeof input === "string" && input.length >= min && printable(input) ? { value: input } : { bad: input },
});

/** A file or folder; the loader makes it absolute, so that it means the same after a change of folder. */
export const path: Kind<string, string> = {
  ...word("a path", (input) => (printable(input) ? input : undefined)),
  isPath: true,
};

export function choice<const Name extends string>(...names: Name[]): Kind<Name, Name> {
  const allowed = `${names.slice(0, -1).join(", ")} or ${names.at(-1)}`;
  return { allowed, read: word(allowed, (input) => names.find((name) => name === input)).read };
}

const booleans: Record<string, boolean> = {
  true: true,
  yes: true,
  on: true,
  1: true,
  false: false,
  no: false,
  off: false,
  0: false,
};

export const flag: Kind<boolean, boolean> = {
  allowed: "true or false",
  read(input) {
    if (typeof input === "boolean") return { value: input };
    const name = typeof input === "string" ? input.trim().toLowerCase() : "";
    return Object.hasOwn(booleans, name) ? { value: booleans[name]! } : { bad: input };
  },
};

export const count = (min: number, max: number): Kind<number, string | number> =>
  quantity(`a whole number from ${min} to ${max}`, { min, max }, (input) =>
    /^\d{1,15}$/.test(String(input).trim()) ? Number(input) : undefined,
  );

export const port = count(1, 65_535);

const day = 86_400_000;

/** Milliseconds, greater than 0 and at most `maxDays`. */
export const duration = (maxDays: number): Kind<number, string | number> =>
  quantity(
    `a duration such as 500ms, 30s, 5m, 2h or 1d (a plain number is seconds), at most ${maxDays === 1 ? "1 day" : `${maxDays} days`}`,
    { min: 1, max: maxDays * day },
    parseDuration,
  );

const age = duration(36_500);

/** How long something is kept. */
export const keeping: Kind<number | "forever", string | number> = {
  allowed: `forever, or ${age.allowed}`,
  read: (input) => (input === "forever" ? { value: "forever" } : age.read(input)),
};

/** Bytes, at least one. */
export const size: Kind<number, string | number> = quantity(
  "a size such as 500KB, 25MB or 40MiB (a plain number is bytes), at most 2GiB",
  { min: 1, max: 2 ** 31 },
  parseSize,
);

/** An array in a file, comma-separated in the environment (where a comma can't be part of an element). */
export function list<Value, Input>(of: Kind<Value, Input>, least = 0): Kind<Value[], readonly Input[]> {
  return {
    allowed: `a list${least > 0 ? " of at least one element" : ""}, each element ${of.allowed}`,
    read(input) {
      const inputs: unknown =
        typeof input === "string" ? input.split(",").filter((part) => part.trim() !== "") : input;
      if (!Array.isArray(inputs) || inputs.length < least) return { bad: input };
      const value: Value[] = [];
      for (const element of inputs as unknown[]) {
        const reading = of.read(element);
        if ("bad" in reading) return reading;
        value.push(reading.value);
      }
      return { value };
    },
  };
}

export const listenAddress = word("an address such as :8080, 127.0.0.1:8080 or [::1]:8080", (input) =>
  readListenAddress(input) === undefined ? undefined : input,
);

export const hostName = word("a host name such as mail.example.com", readHostName);

// A zone ("fe80::1%eth0") names an interface, not an address; nothing here works on interfaces.
const isAddress = (input: string) => isIP(input) !== 0 && !input.includes("%");

export const ipAddress = word("an IP address", (input) => (isAddress(input) ? input : undefined));

export const host = word("a host name or an IP address", (input) =>
  isAddress(input) ? input : readHostName(input),
);

/** An address to send from, and the name it has in EHLO where that is not everybody's. */
export interface LocalAddress {
  address: string;
  ehloName?: string;
}

export const localAddress = word(
  "an IP address, or one with its name in EHLO, such as 192.0.2.1=mail1.example.com",
  (input): LocalAddress | undefined => {
    const [address = "", ...names] = input.split("=").map((part) => part.trim());
    if (!isAddress(address) || names.length > 1) return undefined;
    if (names[0] === undefined) return { address };
    const ehloName = readHostName(names[0]);
    return ehloName === undefined ? undefined : { address, ehloName };
  },
);

export const network = word("a network such as 10.0.0.0/8 or an IP address", (input) => {
  const [, address = "", digits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(input) ?? [];
  const most = isIPv6(address) ? 128 : 32;
  const prefix = digits === undefined ? most : Number(digits);
  return isAddress(address) && prefix <= most ? `${address}/${prefix}` : undefined;
});

/** An address, as answers are believed only from the address that was asked; port 53 is added where there is none. */
export const nameServer = word(
  "an IP address with an optional port, such as 9.9.9.9:53 or [2620:fe::fe]:53",
  (input) => {
    if (isAddress(input)) return isIPv6(input) ? `[${input}]:53` : `${input}:53`;
    const address = readListenAddress(input);
    const isUsable = address !== undefined && address.port > 0 && isAddress(address.hostname ?? "");
    return isUsable ? input : undefined;
  },
);

function readUrl(input: string, schemes: readonly string[]): URL | undefined {
  const url = printable(input) && URL.canParse(input) ? new URL(input) : undefined;
  const isUsable = url !== undefined && schemes.includes(url.protocol.slice(0, -1)) && url.hostname !== "";
  return isUsable ? url : undefined;
}

/** A URL without a login in it: what is configured as a URL is logged as one. */
export const url = (...schemes: string[]): Kind<string, string> =>
  word(
    `a URL that starts with ${schemes.map((scheme) => `${scheme}://`).join(" or ")}, without a login`,
    (input) => {
      const parsed = readUrl(input, schemes);
      return parsed !== undefined && parsed.username === "" && parsed.password === "" ? input : undefined;
    },
  );

export const databaseUrl = word("a URL that starts with libsql://, https:// or http://", (input) =>
  readUrl(input, ["libsql", "https", "http"]) === undefined ? undefined : input,
);

/** Scheme, host and port and nothing more, without a final slash, so that paths can be put after it. */
export const origin = word("an address such as https://mail.example.com, without a path", (input) => {
  const parsed = readUrl(input, ["http", "https"]);
  const isBare = parsed !== undefined && parsed.href === `${parsed.origin}/`;
  return isBare ? parsed.origin : undefined;
});

/** A page's origin as browsers write it, or `*` for every page. */
export const webOrigin = word(`* or ${origin.allowed}`, (input) => {
  if (input === "*") return input;
  const reading = origin.read(input);
  // A page is named in full: `https://*.example.com` would be compared as it stands, and match none.
  return "value" in reading && !reading.value.includes("*") ? reading.value : undefined;
});

/** RFC 6376 §3.1: labels as in a domain name; dots may divide them. */
export const selector = word("a DKIM selector of letters, digits, - and ., such as mailit", (input) =>
  readHostName(`${input}.example`)?.replace(/\.example$/, ""),
);

/** 32 bytes in hexadecimal. */
export const masterKey = word("64 hexadecimal characters (make one with: openssl rand -hex 32)", (input) =>
  /^[0-9a-f]{64}$/i.test(input) ? input.toLowerCase() : undefined,
);
