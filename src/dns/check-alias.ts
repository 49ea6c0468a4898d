import { type DnsRecord, registeredDomainOf } from "./domain-records.ts";
import { pending, type RecordCheck, shown, verified, wrong } from "./record-check.ts";
import type { Resolver } from "./resolver.ts";

/**
 * Whether a host leads to this server: by its CNAME record, by a chain of them, or by our own addresses, which is what
 * is left of a CNAME where a provider flattens it. "absent" when nothing is there.
 */
export async function checkAlias(
  resolver: Resolver,
  record: DnsRecord,
  host: string,
): Promise<RecordCheck | "absent"> {
  const alias = await resolver.resolve(host, "CNAME", { fresh: true });
  if (alias.kind === "failed") return unanswered(host, alias.reason);
  const wanted = record.value.toLowerCase();
  const targets = alias.kind === "found" ? alias.records : [];
  if (targets.includes(wanted)) return verified(targets);

  const [found, ours] = await Promise.all([addressesOf(resolver, host), addressesOf(resolver, wanted)]);
  if (found.kind === "failed") return unanswered(host, found.reason);
  if (found.addresses.length === 0 && targets.length === 0) return "absent";
  if (ours.kind === "failed") return unanswered(wanted, ours.reason);
  // All of them: where one leads elsewhere, so does a part of the clicks.
  const isOurs = found.addresses.length > 0 && found.addresses.every((each) => ours.addresses.includes(each));
  if (isOurs) return verified([...targets, ...found.addresses]);
  return wrong([...targets, ...found.addresses], change(record, host, targets[0], found.addresses));
}

function change(record: DnsRecord, host: string, target: string | undefined, addresses: string[]): string {
  const { value } = record;
  const registered = registeredDomainOf(record);
  if (target === undefined) {
    return `${host} leads to ${shown(addresses[0] ?? "")}, which is not this server: replace its address records by a CNAME to ${value}, and turn off any proxy in front of it.`;
  }
  if (target === `${value.toLowerCase()}.${registered}`) {
    return `The CNAME record of ${host} points to ${target}: end the value with a dot, "${value}.", so that your provider does not append the domain.`;
  }
  return `The CNAME record of ${host} points to ${shown(target)}: change it to ${value}.`;
}

type Addresses = { kind: "addresses"; addresses: string[] } | { kind: "failed"; reason: string };

/** One family is enough when the other's lookup fails: some servers never answer for AAAA. */
async function addressesOf(resolver: Resolver, host: string): Promise<Addresses> {
  const answers = await Promise.all([
    resolver.resolve(host, "A", { fresh: true }),
    resolver.resolve(host, "AAAA", { fresh: true }),
  ]);
  const addresses = answers.flatMap((answer) => (answer.kind === "found" ? answer.records : []));
  const failed = answers.find((answer) => answer.kind === "failed");
  return addresses.length === 0 && failed
    ? { kind: "failed", reason: failed.reason }
    : { kind: "addresses", addresses };
}

function unanswered(host: string, reason: string): RecordCheck {
  return pending(
    `The CNAME record of ${host} could not be looked up (${shown(reason)}): check again in a few minutes.`,
  );
}
