/** MTA-STS (RFC 8461): what recipients' domains demand of the connection to their MX hosts. */
import { type App, atomically } from "../app.ts";
import { readHostName } from "../config/host-name.ts";
import {
  lookUpPolicyId,
  maxPolicyBytes,
  type PolicyFile,
  type PublishedPolicy,
  parsePolicy,
} from "../dns/mta-sts.ts";
import { recurring } from "../jobs/recurring.ts";
import { type StsMemory, stsMemoryOf } from "./mta-sts-memory.ts";
import { deleteExpiredPolicies, findPolicy, upsertPolicy } from "./mta-sts-store.ts";
import type { MtaStsPolicy } from "./schema.ts";

export interface StsPolicy {
  /** In testing mode a host that does not comply is delivered to all the same (§5). */
  mode: "enforce" | "testing";
  /** Patterns for `matchesMx`. */
  mx: string[];
}

/** A delivery waits for this. §3.3 suggests a minute, and leaves it to us. */
const fetchTimeoutMs = 10_000;

const dayMs = 24 * 3_600_000;

/** The policy in force for a recipient's domain right now, or none. Never throws for what DNS or the web server do. */
export async function stsPolicyFor(app: App, domain: string): Promise<StsPolicy | undefined> {
  const name = readHostName(domain);
  if (name === undefined) return undefined; // an address literal has no policy
  const memory = stsMemoryOf(app);
  const published = await lookUpPolicyId(app.dns, name);
  const known = await recall(app, memory, name);
  // §5.1: whoever can suppress an answer must not thereby lift a policy, so what is known stays until it expires.
  if (published.kind !== "found" || !isDue(known, published.id, app.now())) return inForce(app, known);

  const { id } = published;
  if (memory.isHeld(name, id, app.now())) return inForce(app, known);
  const renewed = await memory.once(name, id, async () => {
    const file = await fetchPolicy(app, name);
    if (file.kind === "policy") return store(app, memory, name, id, file.policy);
    memory.hold(name, id, app.now());
    // §3.3: administrators are to hear of it before a policy that is in force expires.
    const level = inForce(app, known) ? "warn" : "info";
    app.log[level]({ domain: name, reason: file.reason }, "an MTA-STS policy could not be fetched");
    return undefined;
  });
  // One that was just fetched counts, even if its max_age lets nobody keep it.
  return renewed ? demandsOf(renewed) : inForce(app, known);
}

/** Removes policies that are in force no more. */
export const forgettingPolicies = recurring("forget_mta_sts_policies", 6 * 3_600_000, async (app) => {
  await atomically(app, [deleteExpiredPolicies(app.db, app.now())]);
});

function inForce(app: App, policy: MtaStsPolicy | undefined): StsPolicy | undefined {
  return policy && app.now() < policy.expiresAt ? demandsOf(policy) : undefined;
}

function demandsOf({ mode, mx }: MtaStsPolicy): StsPolicy | undefined {
  return mode === "none" ? undefined : { mode, mx };
}

/**
 * Whether it is time to fetch: another id, or the last day before the policy expires. §3.3: whoever can keep us from
 * fetching at the one moment of its end would else have it lifted; this way it takes them a day.
 */
function isDue(known: MtaStsPolicy | undefined, id: string, now: Date): boolean {
  if (!known || known.policyId !== id) return true;
  const lifeMs = known.expiresAt.getTime() - known.fetchedAt.getTime();
  return now.getTime() >= known.expiresAt.getTime() - Math.min(dayMs, lifeMs / 2);
}

async function recall(app: App, memory: StsMemory, name: string): Promise<MtaStsPolicy | undefined> {
  const kept = memory.recall(name, app.now());
  if (kept) return kept.policy;
  const read = await findPolicy(app.db, name);
  const fetched = memory.recall(name, app.now()); // while we were reading; what we read is older
  if (fetched) return fetched.policy;
  memory.keep(name, read, app.now());
  return read;
}

async function store(
  app: App,
  memory: StsMemory,
  name: string,
  id: string,
  { mode, mx, maxAgeSeconds }: PublishedPolicy,
): Promise<MtaStsPolicy> {
  const fetchedAt = app.now();
  const expiresAt = new Date(fetchedAt.getTime() + maxAgeSeconds * 1000);
  const policy = { domain: name, policyId: id, mode, mx, fetchedAt, expiresAt };
  await atomically(app, [upsertPolicy(app.db, policy)]);
  memory.keep(name, policy, fetchedAt);
  return policy;
}

async function fetchPolicy(app: App, name: string): Promise<PolicyFile> {
  const answer = await app.http.request({
    url: `https://mta-sts.${name}/.well-known/mta-sts.txt`,
    httpsOnly: true,
    timeoutMs: fetchTimeoutMs,
    maxBytes: maxPolicyBytes,
    allowPrivateAddresses: app.config.smtpOutbound.allowPrivateAddresses,
  });
  if (answer.kind === "failed") return { kind: "invalid", reason: answer.reason };
  // §3.3: nothing but 200 is a policy, and a redirect must not be followed.
  if (answer.status !== 200) return { kind: "invalid", reason: `the status is ${answer.status}, not 200` };
  return parsePolicy(answer.body, answer.headers.get("content-type"));
}
