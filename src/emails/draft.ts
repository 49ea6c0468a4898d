import { Refusal } from "../errors.ts";
import { type Address, parseAddress, recipientKey } from "../mail/address.ts";
import { headerMistake } from "../mail/headers.ts";
import type { VariableValue } from "../templates/variables.ts";
import { checkAttachments } from "./attach.ts";
import { checkSchedule, readSchedule } from "./schedule.ts";
import type { Tag } from "./schema.ts";

export interface DraftAttachment {
  filename?: string;
  contentType?: string;
  /** With it the attachment is shown inline, as `cid:…`. */
  contentId?: string;
  content: Uint8Array | RemoteContent;
}

/** What is to be fetched before the email is taken. */
export interface RemoteContent {
  url: string;
}

/** A template to make the email from, by id or alias. */
export interface TemplateUse {
  id: string;
  variables: Record<string, VariableValue>;
  /** As it is now, published or not. */
  isTest?: boolean;
}

/** An email as a client asks for it, whichever door it came through; nothing in it has been believed yet. */
export interface EmailDraft {
  /** Sender and subject are left out only where a template gives them. */
  from?: string;
  to: string[];
  cc: string[];
  bcc: string[];
  replyTo: string[];
  subject?: string;
  html?: string;
  /** Absent: made from the HTML. Empty: no text part. */
  text?: string;
  template?: TemplateUse;
  headers: Record<string, string>;
  tags: Tag[];
  attachments: DraftAttachment[];
  /** In a client's words `readSchedule` understands them. */
  scheduledAt?: Date | string;
  topicId?: string;
}

export const maxRecipients = 50;
const maxSubjectLength = 2_000;
const maxNamedHeaders = 50;
const maxTags = 50;

export interface CheckedDraft {
  from: Address;
  /** The `From` as given. */
  sender: string;
  subject: string;
  /** Every envelope recipient once, in the order To, Cc, Bcc. */
  recipients: Address[];
  scheduledAt?: Date;
}

/** Refuses a draft that can't or must not be sent, in the contract's order and words. */
export function checkDraft(draft: EmailDraft, now: Date): CheckedDraft {
  const { from: sender, subject, html, text, template } = draft;
  const to = checkRecipients("to", draft.to);
  if (to.length === 0) throw missing("to");
  if (html === undefined && text === undefined && !template) {
    throw new Refusal("validation_error", "Missing `html` or `text` field.");
  }
  if (sender === undefined && !template) throw missing("from");
  if (subject === undefined && !template) throw missing("subject");
  const from = sender === undefined ? undefined : parseAddress(sender);
  if (sender !== undefined && !from) throw new Refusal("invalid_from_address", invalidAddress("from"));
  const all = [...to, ...checkRecipients("cc", draft.cc), ...checkRecipients("bcc", draft.bcc)];
  checkRecipients("reply_to", draft.replyTo);
  if (subject !== undefined) checkSubject(subject);
  checkHeaders(draft.headers);
  checkTags(draft.tags);
  checkAttachments(draft);
  const scheduledAt = scheduleOf(draft, now);
  // They are left out only with a template, and then the email that it makes is judged again.
  return { from: from!, sender: sender!, subject: subject!, recipients: once(all), scheduledAt };
}

function scheduleOf({ scheduledAt }: EmailDraft, now: Date): Date | undefined {
  if (typeof scheduledAt === "string") return readSchedule(scheduledAt, now);
  if (scheduledAt) checkSchedule(scheduledAt, now);
  return scheduledAt;
}

const missing = (field: string) => new Refusal("missing_required_field", `Missing \`${field}\` field.`);

/** The addresses of a field, read; refuses what is none. */
export function checkRecipients(field: string, texts: string[]): Address[] {
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

export function checkSubject(subject: string): void {
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

export function checkTags(tags: Tag[]): void {
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

/** The first spelling of each mailbox stays. */
export function once(addresses: Address[]): Address[] {
  if (addresses.length === 1) return addresses;
  const byMailbox = new Map<string, Address>();
  for (const address of addresses) {
    const key = recipientKey(address.address);
    if (!byMailbox.has(key)) byMailbox.set(key, address);
  }
  return [...byMailbox.values()];
}
