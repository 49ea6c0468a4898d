import { parsePolicy as parse, resolvePolicy, validateMx } from "mailauth/lib/mta-sts";
import type { Resolver } from "./resolver.ts";

/** The id under which a domain publishes its policy: a new one says that the policy has changed (RFC 8461 §3.1). */
export type PolicyIdAnswer =
  | { kind: "found"; id: string }
  /** No usable record, which does not take away a policy that is known already (§5.1). */
  | { kind: "absent" }
  | { kind: "failed"; reason: string };

/** Asks for a domain's MTA-STS record. One that breaks the grammar, or stands beside another, counts as none (§3.1). */
export async function lookUpPolicyId(resolver: Resolver, domain: string): Promise<PolicyIdAnswer> {
  const answer = await resolver.resolve(`_mta-sts.${domain}`, "TXT");
  if (answer.kind !== "found") return answer.kind === "failed" ? answer : { kind: "absent" };
  try {
    const records = answer.records.map((text) => [text]);
    const id = await resolvePolicy(domain, { strict: true, resolver: async () => records });
    return id === false ? { kind: "absent" } : { kind: "found", id };
  } catch (error) {
    if (codeOf(error) === "multi_sts_records") return { kind: "absent" };
    throw error;
  }
}

export interface PublishedPolicy {
  mode: "enforce" | "testing" | "none";
  /** Host name patterns, lower-case: `mx.example.com`, `*.example.com`. */
  mx: string[];
  /** At most a year (§3.2). */
  maxAgeSeconds: number;
}

export type PolicyFile = { kind: "policy"; policy: PublishedPolicy } | { kind: "invalid"; reason: string };

/** Policies are fetched and kept up to this size (§3.3 suggests it). */
export const maxPolicyBytes = 64 * 1024;

/**
 * Reads a policy file (§3.2). The media type has to be text/plain, so that whoever may upload a picture to a web server
 * can't publish a policy for its domain (§3.3). One mistake in what the RFC defines makes the whole file invalid.
 */
export function parsePolicy(body: Uint8Array, contentType: string | null | undefined): PolicyFile {
  const mediaType = (contentType ?? "").split(";")[0]!.trim().toLowerCase();
  if (mediaType !== "text/plain") return { kind: "invalid", reason: "the policy is not text/plain" };
  if (body.length > maxPolicyBytes) return { kind: "invalid", reason: "the policy is larger than 64 KiB" };
  try {
    const { mode, mx = [], maxAge = 0 } = parse(Buffer.from(body), { strict: true });
    return { kind: "policy", policy: { mode, mx, maxAgeSeconds: maxAge } };
  } catch (error) {
    const field = /^invalid_sts_(\w+)$/.exec(codeOf(error) ?? "")?.[1];
    if (field === undefined) throw error;
    return { kind: "invalid", reason: `the policy's ${field} field is missing or wrong` };
  }
}

/** Whether a policy names an MX host; `*.` stands for exactly one label (§4.1). */
export function matchesMx(patterns: string[], host: string): boolean {
  return validateMx(host, { mode: "enforce", mx: patterns }).valid;
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error ? String(error.code) : undefined;
}
