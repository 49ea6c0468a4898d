import type { DnsRecord } from "./domain-records.ts";
import { judgeText, type RecordCheck, readTags, shown, unquoted, verified, wrong } from "./record-check.ts";

/** Whether the key record of a selector holds our public key. "absent" when there is no text that could be one. */
export function judgeDkim(record: DnsRecord, texts: string[]): RecordCheck | "absent" {
  const keys = texts.filter((text) => readTags(unquoted(text)).has("p") || /^v=dkim1/i.test(unquoted(text)));
  const [key] = keys;
  if (key === undefined) {
    if (texts.every((text) => unquoted(text) === "")) return "absent";
    return wrong(texts, `The TXT record at ${record.host} is not a DKIM key (it has no p= tag): replace it.`);
  }
  // RFC 6376 §3.6.2.2: a selector has one record; with more the result is undefined.
  if (keys.length > 1)
    return wrong(
      keys,
      `${record.host} has ${keys.length} DKIM records where only one may be: remove the others.`,
    );
  return judgeText(record.host, key, (bare) => judgeKey(record, bare));
}

function judgeKey(record: DnsRecord, text: string): RecordCheck {
  const { host } = record;
  const wanted = readTags(record.value);
  const found = readTags(text);
  const change = (what: string) => wrong([text], `The DKIM record at ${host} ${what}.`);

  const version = found.get("v");
  if (version !== undefined && version !== "DKIM1")
    return change(`has v=${shown(version)} where v=DKIM1 belongs: replace its value`);
  const p = found.get("p");
  if (p === undefined) return change("has no p= tag: replace its value");
  if (p === "")
    return change("has an empty p= tag, which revokes the key (RFC 6376 §3.6.1): publish the key again");
  const algorithm = found.get("k") ?? "rsa"; // RFC 6376 §3.6.1: rsa is the default
  if (algorithm !== wanted.get("k"))
    return change(`has k=${shown(algorithm)} where k=${wanted.get("k")} belongs: replace its value`);
  const key = wanted.get("p") ?? "";
  if (p === key) return verified([text]);
  if (key.startsWith(p))
    return change(
      `is cut off after ${p.length} of ${key.length} characters of p=: publish the whole value, in several quoted strings if your provider limits one to 255 characters`,
    );
  return change(
    `holds another key: p= ends with …${shown(p.slice(-8))} where …${key.slice(-8)} is expected; replace its value`,
  );
}
