/**
 * The row of `email_search` that has the words of an email: the first 62 bits of its id, a UUIDv7, without the four of
 * the version. That is its time to the millisecond, the counter within it, and two bits of chance. As decimal text,
 * because it is more than a number holds exactly.
 */
export function searchRowid(emailId: string): string {
  const hex = emailId.replaceAll("-", "");
  const time = BigInt(`0x${hex.slice(0, 12)}`);
  const counter = BigInt(`0x${hex.slice(13, 16)}`);
  const variant = BigInt(Number.parseInt(hex[16]!, 16) & 3);
  return String((time << 14n) | (counter << 2n) | variant);
}

/** What the ids of a row's email begin with, as SQL over its `rowid`. */
export const idPrefixSql = (rowid: string): string =>
  `printf('%08x-%04x-7%03x-%s', ${rowid} >> 30, (${rowid} >> 14) & 65535, (${rowid} >> 2) & 4095, substr('89ab', (${rowid} & 3) + 1, 1))`;
