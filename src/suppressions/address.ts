import { Refusal } from "../errors.ts";
import { parseAddress, recipientKey } from "../mail/address.ts";

/**
 * What an address is kept and looked for as, whichever way a person wrote it: in capitals, with spaces around it, with a
 * name, or with a domain in its own script. Undefined when it is no address.
 */
export function suppressionKey(text: string): string | undefined {
  const parsed = parseAddress(text);
  return parsed && recipientKey(parsed.address);
}

/** The same for a field of a request. */
export function requireKey(field: string, text: string): string {
  const key = suppressionKey(text);
  if (key !== undefined) return key;
  throw new Refusal(
    "validation_error",
    `Invalid \`${field}\` field. The email address needs to follow the \`email@example.com\` or \`Name <email@example.com>\` format.`,
  );
}
