import { Refusal } from "../errors.ts";
import { type Address, parseAddress, recipientKey } from "../mail/address.ts";
import { headerMistake } from "../mail/headers.ts";
import { checkSchedule } from "./schedule.ts";
import type { Tag } from "./schema.ts";

export interface DraftAttachment {
  filename?: string;
  contentType?: string;
  /** With it the attachment is shown inline, as `cid:…`. */
  contentId?: string;
  content: Uint8Array;
}

/** An email as a client asks for it, whichever door it came through; nothing in it has been believed yet. */
export interface EmailDraft {
  from: string;
  to: string[];
  cc: string[];
  bcc: string[];
  replyTo: string[];
  subject: string;
  html?: string;
  /** Absent: made from the HTML. Empty: no text part. */
  text?: string;
  headers: Record<string, string>;
  tags: Tag[];
  attachments: DraftAttachment[];
  scheduledAt?: Date;
  topicId?: string;
}

export const maxRecipients = 50;
const maxSubjectLength = 2_000;
const maxMessageBytes = 40_000_000;
const maxNamedHeaders = 50;
const maxTags = 50;

export interface CheckedDraft {
  from: Address;
  /** Every envelope recipient once, in the order To, Cc, Bcc. */
  recipients: Address[];
}

/** Refuses a draft that can't or must not be sent, in the contract's order and words. */
export function checkDraft(draft: EmailDraft, now: Date): CheckedDraft {
  const to = checkRecipients("to", draft.to);
  if (to.length === 0) throw new Refusal("missing_required_field", "Missing `to` field.");
  if (draft.html === undefined && draft.text === undefined) {
    throw new Refusal("validation_error", "Missing `html` or `text` field.");
  }
  const from = parseAddress(draft.from);
  if (!from) throw new Refusal("invalid_from_address", invalidAddress("from"));
  const all = [...to, ...checkRecipients("cc", draft.cc), ...checkRecipients("bcc", draft.bcc)];
  checkRecipients("reply_to", draft.replyTo);
  checkSubject(draft.subject);
  checkHeaders(draft.headers);
  checkTags(draft.tags);
  checkSize(draft);
  if (draft.scheduledAt) checkSchedule(draft.scheduledAt, now);
  return { from, recipients: once(all) };
}

function checkRecipients(field: string, texts: string[]): Address[] {
  if (texts.length > maxRecipients) {
    throw new Refusal(
      "validation_error",
      `The \`${field}\` field can hold at most ${maxRecipients} addresses.`,
    );
  }
  return texts.map((text) => {
    const address = parseAddress(text);
    if (!address) throw new Refusal("validation_error", invalidAddress(field));
    return address;
  });
}

function invalidAddress(field: string): string {
  return `Invalid \`${field}\` field. The email address needs to follow the \`email@example.com\` or \`Name <email@example.com>\` format.`;
}

function checkSubject(subject: string): void {
  if (/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u.test(subject)) {
    throw new Refusal(
      "validation_error",
      "Invalid `subject` field. It can't contain line breaks or control characters.",
    );
  }
  if (subject.length > maxSubjectLength) {
    throw new Refusal(
      "validation_error",
      `Invalid \`subject\` field. It can be at most ${maxSubjectLength} characters long.`,
    );
  }
}

function checkHeaders(headers: Record<string, string>): void {
  const entries = Object.entries(headers);
  if (entries.length > maxNamedHeaders) {
    throw new Refusal(
      "validation_error",
      `The \`headers\` field can hold at most ${maxNamedHeaders} headers.`,
    );
  }
  for (const [name, value] of entries) {
    const mistake = headerMistake(name, value);
    if (mistake) throw new Refusal("validation_error", `Invalid \`headers\` field. ${mistake}`);
  }
}

function checkTags(tags: Tag[]): void {
  if (tags.length > maxTags)
    throw new Refusal("validation_error", `The \`tags\` field can hold at most ${maxTags} tags.`);
  for (const { name, value } of tags) {
    if (!/^[A-Za-z0-9_-]+$/.test(name) || !/^[A-Za-z0-9_-]*$/.test(value)) {
      throw new Refusal(
        "validation_error",
        "Tags should only contain ASCII letters, numbers, underscores, or dashes.",
      );
    }
    if (name.length > 256 || value.length > 256) {
      throw new Refusal("validation_error", "Tag names and values can be at most 256 characters long.");
    }
  }
}

function checkSize({ html = "", text = "", attachments }: EmailDraft): void {
  const attached = attachments.reduce((sum, { content }) => sum + content.length, 0);
  // Base64 turns three bytes into four, with a line end for each 76.
  const size = Math.ceil(attached * 1.37) + Buffer.byteLength(html) + Buffer.byteLength(text);
  if (size > maxMessageBytes) {
    throw new Refusal(
      "validation_error",
      "The email is too large: at most 40 MB are sent, counted after base64 encoding.",
    );
  }
  for (const { contentId } of attachments) {
    if (contentId !== undefined && contentId.length >= 128) {
      throw new Refusal(
        "invalid_attachment",
        "The attachment's `content_id` must be shorter than 128 characters.",
      );
    }
  }
}

/** The first spelling of each mailbox stays. */
function once(addresses: Address[]): Address[] {
  const byMailbox = new Map<string, Address>();
  for (const address of addresses) {
    const key = recipientKey(address.address);
    if (!byMailbox.has(key)) byMailbox.set(key, address);
  }
  return [...byMailbox.values()];
}
