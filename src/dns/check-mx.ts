import { type DnsRecord, registeredDomainOf } from "./domain-records.ts";
import { type RecordCheck, shown, verified, wrong } from "./record-check.ts";
import type { RecordData } from "./resolver.ts";

/** Whether mail for the name comes to us: our host is listed, at any priority, and no other is preferred to it. */
export function judgeMx(record: DnsRecord, published: RecordData["MX"][]): RecordCheck {
  const sorted = [...published].sort((a, b) => a.preference - b.preference);
  const found = sorted.map((mx) => `${mx.preference} ${mx.exchange}`);
  const wanted = record.value.toLowerCase();
  const ours = sorted.find((mx) => mx.exchange === wanted);
  const best = sorted[0];
  if (ours !== undefined && ours.preference === best?.preference) return verified(found);

  if (ours !== undefined)
    return wrong(
      found,
      `The MX record of ${record.host} for ${wanted} has priority ${ours.preference}, but ${shown(best!.exchange)} at ${best!.preference} comes first: remove that one, or give ${wanted} the lowest number.`,
    );
  if (sorted.some((mx) => mx.exchange === `${wanted}.${registeredDomainOf(record)}`))
    return wrong(
      found,
      `The MX record of ${record.host} points to ${wanted}.${registeredDomainOf(record)}: end the value with a dot, "${wanted}.", so that your provider does not append the domain.`,
    );
  const target = best?.exchange === "." ? "nowhere (it refuses all mail)" : `${shown(best?.exchange ?? "")}`;
  return wrong(
    found,
    `The MX record of ${record.host} points to ${target}: change it to ${wanted} with priority ${record.priority ?? 10}.`,
  );
}
