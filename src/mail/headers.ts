// RFC 5322 §2.2: a field name is printable US-ASCII without the colon.
const fieldName = /^[!-9;-~]{1,76}$/;
const maxValueLength = 2000;
// Lines are folded at white space only, so a run without any must leave room for the name within 998 octets.
const longRun = /[^ ]{900}/;
const unwanted = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u;

/** Fields with a place of their own in an API request; the sentence names it. */
const ownFields: Record<string, string> = {
  from: "from",
  to: "to",
  cc: "cc",
  bcc: "bcc",
  "reply-to": "reply_to",
  subject: "subject",
};

/** Fields that say who made, carried or vouched for a message: only the composer and the hosts on the way write them. */
const reserved =
  /^(?:sender|date|message-id|mime-version|content-.*|dkim-signature|domainkey-signature|arc-.*|received|received-spf|return-path|authentication-results|resent-.*|delivered-to|x-original-to|apparently-to|errors-to|bimi-.*)$/;

/** Fields that MailIt itself adds to messages, so a client may not. A Feedback-ID of the client's own takes the place of ours. */
const added = /^x-mailit-.*$/;

/** Why a header that a client wants on its email is refused, as a sentence for the client; undefined when it is fine. */
export function headerMistake(name: string, value: string): string | undefined {
  const mistake = fieldMistake(name, value);
  if (mistake !== undefined) return mistake;
  return added.test(name.toLowerCase()) ? `The header \`${name}\` is set by the server.` : undefined;
}

/** As `headerMistake`, for headers that MailIt's own rooms add: those may also set what is theirs. */
export function fieldMistake(name: string, value: string): string | undefined {
  if (!fieldName.test(name)) {
    return `The header name ${JSON.stringify(name.slice(0, 80))} is invalid: up to 76 printable ASCII characters without spaces and colons are allowed.`;
  }
  const key = name.toLowerCase();
  const own = Object.hasOwn(ownFields, key) ? ownFields[key] : undefined;
  if (own !== undefined) return `The header \`${name}\` can't be set here: use the field \`${own}\`.`;
  if (reserved.test(key)) return `The header \`${name}\` is set by the server.`;

  if (unwanted.test(value))
    return `The value of the header \`${name}\` contains a line break or a control character.`;
  if (value.trim() === "") return `The header \`${name}\` has no value.`;
  if (value.length > maxValueLength) {
    return `The value of the header \`${name}\` is longer than ${maxValueLength} characters.`;
  }
  if (longRun.test(value)) return `The value of the header \`${name}\` has a word of 900 characters or more.`;
  return undefined;
}
