import type { DnsRecord } from "./domain-records.ts";
import { judgeText, type RecordCheck, shown, unquoted, verified, wrong } from "./record-check.ts";

/** RFC 7208 §4.6.1 and §12, as far as telling a term from a typing mistake needs it. */
const mechanism =
  /^[+\-?~]?(all|include:\S+|a([:/]\S+)?|mx([:/]\S+)?|ptr(:\S+)?|ip4:[\d.]+(\/\d+)?|ip6:[\da-f:.]+(\/\d+)?|exists:\S+)$/i;
const modifier = /^[a-z][a-z0-9_.-]*=\S*$/i;

/** Where evaluation ends: what stands behind is never looked at (RFC 7208 §5.1, §6.1). */
const ending = /^([+\-?~]?all|redirect=.*)$/i;

/** Whether the one SPF record of a name allows our host to send. "absent" when none of the texts is SPF. */
export function judgeSpf(record: DnsRecord, texts: string[]): RecordCheck | "absent" {
  const spf = texts.filter((text) => /^v=spf1( |$)/i.test(unquoted(text)));
  const [text] = spf;
  if (text === undefined) return "absent";
  if (spf.length > 1)
    return wrong(
      spf,
      `${record.host} has ${spf.length} SPF records, which makes receivers ignore all of them (RFC 7208 §4.5): keep one, and see that it contains ${ourMechanism(record)}.`,
    );
  return judgeText(record.host, text, (bare) => judgeTerms(record, bare));
}

function judgeTerms(record: DnsRecord, text: string): RecordCheck {
  const terms = text.split(/\s+/).slice(1);
  const ours = ourMechanism(record);
  const invalid = terms.find((term) => !mechanism.test(term) && !modifier.test(term));
  if (invalid !== undefined)
    return wrong(
      [text],
      `The SPF record of ${record.host} contains "${shown(invalid)}", which is not valid SPF and makes receivers ignore the whole record: correct or remove it.`,
    );
  const end = terms.findIndex((term) => ending.test(term));
  if (terms.slice(0, end === -1 ? undefined : end).some((term) => isOurs(term, ours)))
    return verified([text]);

  const merged = ["v=spf1", ...insertBeforeEnd(terms, ours)].join(" ");
  const change = merged.length > 200 ? `add ${ours} right after "v=spf1"` : `change it to "${shown(merged)}"`;
  return wrong([text], `The SPF record of ${record.host} does not allow this server to send: ${change}.`);
}

function ourMechanism(record: DnsRecord): string {
  return record.value.split(" ").find((term) => term.startsWith("a:")) ?? record.value;
}

function isOurs(term: string, ours: string): boolean {
  return term.toLowerCase().replace(/^\+/, "").replace(/\.$/, "") === ours;
}

/** An entry for our host that denies it, or that comes too late, goes; the first match decides. */
function insertBeforeEnd(terms: string[], ours: string): string[] {
  const others = terms.filter((term) => !isOurs(term.replace(/^[-?~]/, ""), ours));
  const all = others.findIndex((term) => /^[+\-?~]?all$/i.test(term));
  const end = all === -1 ? others.findIndex((term) => ending.test(term)) : all;
  return end === -1 ? [...others, ours] : others.toSpliced(end, 0, ours);
}
