/** Who vouches for a message that came in: SPF (RFC 7208), DKIM (RFC 6376), DMARC (RFC 9989), ARC (RFC 8617). */
import { type AuthenticateResult, authenticate } from "mailauth";

/** How a message came to us. */
export interface Handover {
  /** The client's address. */
  ip: string;
  /** What it said in EHLO; may be empty. */
  helo: string;
  /** MAIL FROM; empty for the null sender. */
  mailFrom: string;
  /** This server's name, under which the results are written down. */
  host: string;
}

/** The words of `result` are those of RFC 8601 §2.7. */
export interface Verdict {
  result: string;
  /** Why, where the check says more than its result. */
  reason?: string;
}

/** What the checks of a message found. */
export interface Verdicts {
  spf: Verdict & { domain?: string };
  /** One for each signature, as they stand in the message; none when it is unsigned. */
  dkim: (Verdict & { domain: string; selector: string; isAligned: boolean })[];
  /** `policy` is what the author's domain asks for when the check fails. */
  dmarc: Verdict & { domain?: string; policy?: string };
  arc: Verdict;
}

export interface Authenticity {
  verdicts: Verdicts;
  /** Authentication-Results and Received-SPF, folded, each line with its CRLF: to stand before the message. */
  header: string;
}

/** The types of records that the checks ask for. */
export type AskedType = "A" | "AAAA" | "CNAME" | "MX" | "PTR" | "TXT";

/** Answers as `node:dns` does: TXT as lists of strings, MX as `{exchange, priority}`; throws with its `code`s. */
export type Ask = (name: string, type: AskedType) => Promise<unknown[]>;

const askedTypes: readonly string[] = ["A", "AAAA", "CNAME", "MX", "PTR", "TXT"];

// The library's time grows with the square of the lines of a head: 40,000 short ones, 120 kB, took nine seconds.
const maxHeadLines = 2_000;

// RFC 6376 §6.1 lets a verifier limit how many it tries. Those that cover only a part of the body (`l=`) are the dear ones: for
// each other length the library walks over the whole body again, 30 ms a MB.
const maxSignatures = 20;
const maxPartialSignatures = 2;

/** Checks a message as it came. Never throws: what can't be checked is a `temperror`, as if DNS had not answered. */
export async function authenticateMessage(raw: Uint8Array, from: Handover, ask: Ask): Promise<Authenticity> {
  const bytes = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength);
  const excess = excessIn(bytes);
  if (excess) return unchecked(from.host, `the head of the message has too many ${excess}`);
  try {
    const found = await authenticate(bytes, {
      ip: from.ip,
      helo: from.helo || `[${from.ip}]`,
      sender: from.mailFrom,
      mta: from.host,
      strict: true,
      disableBimi: true,
      // The library's type forgets MX; what it is given is what `node:dns` would have given it.
      resolver: async (name, type) =>
        (askedTypes.includes(type) ? await ask(name, type as AskedType) : []) as string[],
    });
    return { verdicts: toVerdicts(found), header: found.headers };
  } catch (error) {
    return unchecked(from.host, error instanceof Error ? error.message : String(error));
  }
}

/** What there is too much of to check it; undefined where there is not. */
function excessIn(bytes: Buffer): string | undefined {
  let lines = 0;
  let at = 0;
  for (; lines <= maxHeadLines; lines++) {
    const end = bytes.indexOf(10, at);
    if (end === -1 || end - at <= 1) break; // the empty line, or there is none
    at = end + 1;
  }
  if (lines > maxHeadLines) return "lines";
  const signatures = bytes.toString("latin1", 0, at).match(signature) ?? [];
  const partial = signatures.filter((field) => /[;:\s]l\s*=/i.test(field));
  return signatures.length > maxSignatures || partial.length > maxPartialSignatures
    ? "signatures"
    : undefined;
}

/** A field with the lines it is folded into. */
const signature = /^dkim-signature[ \t]*:[^\n]*(?:\n[ \t][^\n]*)*/gim;

function toVerdicts({ spf, dkim, dmarc, arc, dmarcSkipReason }: AuthenticateResult): Verdicts {
  return {
    spf: spf ? { ...verdict(spf.status), domain: spf.domain } : { result: "none" },
    dkim: dkim.results
      .filter(({ signingDomain }) => signingDomain !== undefined)
      .map(({ signingDomain = "", selector = "", status }) => ({
        ...verdict(status),
        domain: signingDomain,
        selector,
        isAligned: Boolean(status.aligned),
      })),
    dmarc: dmarc
      ? { ...verdict(dmarc.status), domain: dmarc.domain, policy: dmarc.policy }
      : { result: "none", ...(dmarcSkipReason && { reason: dmarcSkipReason }) },
    arc: arc ? verdict(arc.status) : { result: "none" },
  };
}

const verdict = ({ result, comment }: { result: string; comment?: string | false }): Verdict =>
  comment ? { result, reason: comment } : { result };

function unchecked(host: string, reason: string): Authenticity {
  const unknown = { result: "temperror", reason };
  return {
    verdicts: { spf: unknown, dkim: [], dmarc: unknown, arc: unknown },
    header: `Authentication-Results: ${host}; none\r\n`, // RFC 8601 §2.2: no check was done
  };
}
