import { parseReply } from "./reply.ts";

/** What EHLO announced, keyword in capitals to parameters; after HELO, nothing. */
export type Capabilities = ReadonlyMap<string, string>;

const maxCapabilities = 100;

/** RFC 5321 §4.1.1.1: one keyword a line with its parameters; the first line only greets. */
export function parseCapabilities(response: string): Capabilities {
  const lines = response.split("\n").slice(1, maxCapabilities + 1);
  return new Map(
    lines.map((line) => {
      const [keyword = "", ...parameters] = line.slice(4).trim().split(/\s+/);
      return [keyword.toUpperCase(), parameters.join(" ")];
    }),
  );
}

/** The name a host goes by in its answer to EHLO, lower-case; "" when it gives none. */
export function parseHostName(response: string): string {
  const { text } = parseReply(response.split("\n", 1)[0]!.replace(/^(\d{3})-/, "$1 "));
  return text.split(" ", 1)[0]!.toLowerCase().slice(0, 255);
}

/** SASL mechanisms on offer. Some hosts write `AUTH=LOGIN PLAIN`, as drafts of RFC 4954 did. */
export function authMechanisms(capabilities: Capabilities): Set<string> {
  const offers = [...capabilities].map(([keyword, parameters]) => `${keyword} ${parameters}`);
  const words = offers.map((offer) => /^AUTH[ =](.*)$/.exec(offer)?.[1] ?? "").join(" ");
  return new Set(words.toUpperCase().split(/\s+/));
}
