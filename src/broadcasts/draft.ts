/** What the author of a broadcast writes: read from a request, and judged. */
import type { App } from "../app.ts";
import { requireSegment } from "../contacts/segments.ts";
import { getTopic } from "../contacts/topics.ts";
import { checkRecipients, checkSubject } from "../emails/draft.ts";
import { Refusal } from "../errors.ts";
import { isId } from "../ids.ts";
import { parseAddress } from "../mail/address.ts";
import { readFields } from "../mail/merge.ts";
import { sentVersion } from "../templates/published.ts";
import type { Broadcast } from "./schema.ts";

/** What may be changed of a draft. Null takes back what may be absent. */
export interface BroadcastFields {
  name?: string;
  segmentId?: string;
  /** A published template, by id or alias, for what is not said here; only of a new broadcast. */
  templateId?: string;
  topicId?: string | null;
  from?: string;
  subject?: string;
  replyTo?: string[];
  previewText?: string | null;
  html?: string | null;
  text?: string | null;
  ratePerMinute?: number | null;
}

export type Written = Pick<
  Broadcast,
  | "name"
  | "segmentId"
  | "topicId"
  | "sender"
  | "subject"
  | "replyTo"
  | "previewText"
  | "html"
  | "text"
  | "ratePerMinute"
  | "fallbacks"
>;

const maxName = 200;
const maxPreviewText = 500;
const maxRate = 1_000_000;
/** A value has 2,000 characters at most: a small broadcast must not become messages of any size. */
const maxFields = 1_000;

/** A whole new draft; in the contract's order what is missing, then what is wrong. */
export async function checkNew(app: App, teamId: string, given: BroadcastFields): Promise<Written> {
  const { fields, fallbacks } = await withTemplate(app, teamId, given);
  const { segmentId, from, subject, html, text } = fields;
  if (segmentId === undefined) throw missing("segment_id");
  if (from === undefined) throw missing("from");
  if (subject === undefined) throw missing("subject");
  if (!html && !text) throw new Refusal("validation_error", "Missing `html` or `text` field.");
  return check(app, teamId, {
    name: fields.name ?? "Untitled",
    segmentId,
    topicId: fields.topicId ?? null,
    sender: from,
    subject,
    replyTo: fields.replyTo ?? [],
    previewText: fields.previewText ?? null,
    html: html ?? null,
    text: text ?? null,
    ratePerMinute: fields.ratePerMinute ?? null,
    fallbacks,
  });
}

/** The published version as it is now: what its author edits later is for later broadcasts. */
async function withTemplate(
  app: App,
  teamId: string,
  fields: BroadcastFields,
): Promise<{ fields: BroadcastFields; fallbacks: Written["fallbacks"] }> {
  if (fields.templateId === undefined) return { fields, fallbacks: null };
  if (fields.html || fields.text) {
    throw new Refusal(
      "validation_error",
      "The `template_id` field can't be used together with `html` or `text`.",
    );
  }
  const { sender, subject, replyTo, html, text, variables } = await sentVersion(
    app,
    teamId,
    fields.templateId,
  );
  const known = variables.flatMap(({ key, fallback_value: fallback }) =>
    fallback === null ? [] : [[key, fallback] as const],
  );
  return {
    fields: {
      ...fields,
      from: fields.from ?? sender ?? undefined,
      subject: fields.subject ?? subject ?? undefined,
      replyTo: fields.replyTo ?? replyTo,
      html,
      text,
    },
    fallbacks: Object.fromEntries(known),
  };
}

/** A draft as it becomes by a change. */
export async function checkChanged(
  app: App,
  teamId: string,
  old: Broadcast,
  fields: BroadcastFields,
): Promise<Written> {
  const given = <T>(value: T | undefined, before: T): T => (value === undefined ? before : value);
  const written = {
    name: given(fields.name, old.name),
    segmentId: given(fields.segmentId, old.segmentId),
    topicId: given(fields.topicId, old.topicId),
    sender: given(fields.from, old.sender),
    subject: given(fields.subject, old.subject),
    replyTo: given(fields.replyTo, old.replyTo),
    previewText: given(fields.previewText, old.previewText),
    html: given(fields.html, old.html),
    text: given(fields.text, old.text),
    ratePerMinute: given(fields.ratePerMinute, old.ratePerMinute),
    fallbacks: old.fallbacks,
  };
  if (!written.html && !written.text) {
    throw new Refusal("validation_error", "A broadcast needs `html` or `text`: leave it one of them.");
  }
  return check(app, teamId, written);
}

async function check(app: App, teamId: string, written: Written): Promise<Written> {
  const { name, sender, subject, replyTo, previewText, html, text, ratePerMinute } = written;
  if (name.length > maxName) throw tooLong("name", maxName);
  if (!parseAddress(sender)) {
    throw new Refusal(
      "invalid_from_address",
      "Invalid `from` field. The email address needs to follow the `email@example.com` or `Name <email@example.com>` format.",
    );
  }
  checkSubject(subject);
  checkRecipients("reply_to", replyTo);
  if (previewText !== null && previewText.length > maxPreviewText) {
    throw tooLong("preview_text", maxPreviewText);
  }
  if ([html, text].some((body) => readFields(body ?? "").length > maxFields)) {
    throw new Refusal(
      "validation_error",
      `A broadcast can have at most ${maxFields.toLocaleString("en")} merge fields in its html, and in its text.`,
    );
  }
  checkRate(ratePerMinute);
  const { segmentId, topicId } = written;
  if (!isId(segmentId)) throw notUuid("segment_id");
  if (topicId !== null && !isId(topicId)) throw notUuid("topic_id");
  const { id } = await requireSegment(app, teamId, segmentId);
  return {
    ...written,
    segmentId: id,
    topicId: topicId === null ? null : (await getTopic(app, teamId, topicId)).id,
  };
}

export function checkRate(ratePerMinute: number | null): void {
  if (ratePerMinute === null) return;
  if (Number.isInteger(ratePerMinute) && ratePerMinute >= 1 && ratePerMinute <= maxRate) return;
  throw new Refusal(
    "validation_error",
    `Invalid \`messages_per_minute\` field. It must be a whole number from 1 to ${maxRate}.`,
  );
}

const missing = (field: string) => new Refusal("missing_required_field", `Missing \`${field}\` field.`);
const notUuid = (field: string) => new Refusal("invalid_parameter", `The \`${field}\` must be a valid UUID.`);
const tooLong = (field: string, most: number) =>
  new Refusal("validation_error", `Invalid \`${field}\` field. It can be at most ${most} characters long.`);
