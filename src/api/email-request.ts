import type { DraftAttachment, EmailDraft } from "../emails/draft.ts";
import type { Tag } from "../emails/schema.ts";
import { Refusal } from "../errors.ts";
import { isId } from "../ids.ts";

/**
 * Reads the JSON of one email in every form official SDKs send it. Written by hand, not as a schema, because the
 * contract fixes the order and the words of what is refused; `checkDraft` judges the values.
 */
export function readEmailRequest(body: unknown): EmailDraft {
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw new Refusal("validation_error", "The request body must be a JSON object.");
  }
  const fields = body as Record<string, unknown>;
  const to = readAddresses(fields, "to");
  if (to.length === 0) throw new Refusal("missing_required_field", "Missing `to` field.");
  if (isGiven(fields.template)) throw new Refusal("not_found", "Template not found");
  const html = readText(fields, "html");
  const text = readText(fields, "text");
  if (html === undefined && text === undefined) {
    throw new Refusal("validation_error", "Missing `html` or `text` field.");
  }
  return {
    to,
    from: readRequired(fields, "from"),
    subject: readRequired(fields, "subject"),
    cc: readAddresses(fields, "cc"),
    bcc: readAddresses(fields, "bcc"),
    replyTo: readAddresses(fields, "reply_to"),
    html,
    text,
    headers: readHeaders(fields.headers),
    tags: readTags(fields.tags),
    attachments: readAttachments(fields.attachments),
    scheduledAt: readTime(fields, "scheduled_at"),
    topicId: readId(fields, "topic_id"),
  };
}

type Fields = Record<string, unknown>;

const isGiven = (value: unknown): boolean => value !== undefined && value !== null;

function readText(fields: Fields, name: string): string | undefined {
  const value = fields[name];
  if (!isGiven(value)) return undefined;
  if (typeof value !== "string") throw invalid(name, "It must be a string.");
  return value;
}

function readRequired(fields: Fields, name: string): string {
  const value = readText(fields, name);
  if (value === undefined) throw new Refusal("missing_required_field", `Missing \`${name}\` field.`);
  return value;
}

function readId(fields: Fields, name: string): string | undefined {
  const value = readText(fields, name);
  if (value === undefined || value === "") return undefined;
  if (!isId(value)) throw new Refusal("invalid_parameter", `The \`${name}\` must be a valid UUID.`);
  return value.toLowerCase();
}

function readAddresses(fields: Fields, name: string): string[] {
  const value = fields[name];
  if (!isGiven(value)) return [];
  const list = Array.isArray(value) ? value : [value];
  if (!list.every((item): item is string => typeof item === "string")) {
    throw invalid(name, "It must be a string or a list of strings.");
  }
  return list;
}

function readHeaders(value: unknown): Record<string, string> {
  if (!isGiven(value)) return {};
  if (typeof value !== "object" || Array.isArray(value))
    throw invalid("headers", "It must map names to values.");
  const headers: [string, string][] = [];
  for (const [name, content] of Object.entries(value as Fields)) {
    if (typeof content !== "string") throw invalid("headers", "Every value must be a string.");
    headers.push([name, content]);
  }
  return Object.fromEntries(headers);
}

function readTags(value: unknown): Tag[] {
  if (!isGiven(value)) return [];
  if (!Array.isArray(value)) throw invalid("tags", "It must be a list of objects with `name` and `value`.");
  return value.map((tag: unknown) => {
    const { name, value: content = "" } = isObject(tag) ? tag : {};
    if (typeof name !== "string" || typeof content !== "string") {
      throw invalid("tags", "Every tag needs a `name` and a `value`, both strings.");
    }
    return { name, value: content };
  });
}

function readAttachments(value: unknown): DraftAttachment[] {
  if (!isGiven(value)) return [];
  if (!Array.isArray(value)) throw invalid("attachments", "It must be a list.");
  // Counted before any is decoded: each becomes a file of its own, however small.
  if (value.length > mostAttachments) {
    throw new Refusal("invalid_attachment", `An email can have at most ${mostAttachments} attachments.`);
  }
  return value.map((attachment: unknown) => {
    if (!isObject(attachment)) throw invalid("attachments", "Every attachment must be an object.");
    return {
      filename: optionalText(attachment, "filename"),
      contentType: optionalText(attachment, "content_type") ?? optionalText(attachment, "contentType"),
      contentId: optionalText(attachment, "content_id") ?? optionalText(attachment, "inline_content_id"),
      content: readContent(attachment),
    };
  });
}

const mostAttachments = 500;
const longestLabel = 1_000;

/** SDKs write `false`, `null` or `""` for what they leave out. */
function optionalText(fields: Fields, name: string): string | undefined {
  const value = fields[name];
  if (typeof value !== "string" || value === "") return undefined;
  if (value.length > longestLabel) {
    throw new Refusal(
      "invalid_attachment",
      `The attachment's \`${name}\` can be at most ${longestLabel} characters long.`,
    );
  }
  return value;
}

/** Base64 text, a list of byte numbers (Python, Go, Ruby, Rust), or a Node Buffer as JSON. */
function readContent({ content, path }: Fields): Uint8Array {
  if (typeof content === "string") return readBase64(content);
  if (Array.isArray(content)) return readBytes(content);
  if (isObject(content) && content.type === "Buffer" && Array.isArray(content.data))
    return readBytes(content.data);
  if (isGiven(path)) {
    throw new Refusal(
      "invalid_attachment",
      "Attachments by `path` are not fetched by this server: send the `content`.",
    );
  }
  throw new Refusal("invalid_attachment", "Attachment must have either a `content` or `path`.");
}

function readBase64(text: string): Uint8Array {
  const compact = (/\s/.test(text) ? text.replace(/\s+/g, "") : text).replace(/={1,2}$/, "");
  // Buffer skips what it can't read; a length of 4n+1 is six bits that are no byte.
  if (!/^[A-Za-z0-9+/_-]*$/.test(compact) || compact.length % 4 === 1) {
    throw new Refusal("invalid_attachment", "The attachment's `content` is not valid base64.");
  }
  return Buffer.from(compact, "base64");
}

function readBytes(numbers: unknown[]): Uint8Array {
  if (
    !numbers.every((byte) => typeof byte === "number" && Number.isInteger(byte) && byte >= 0 && byte <= 255)
  ) {
    throw new Refusal("invalid_attachment", "The attachment's `content` must be base64 or a list of bytes.");
  }
  return Uint8Array.from(numbers as number[]);
}

function readTime(fields: Fields, name: string): Date | undefined {
  const text = readText(fields, name);
  if (text === undefined) return undefined;
  const time = /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d.*)?$/.test(text) ? new Date(text) : undefined;
  if (!time || Number.isNaN(time.getTime()))
    throw invalid(name, "It must be an ISO 8601 time such as `2026-08-05T11:52:01Z`.");
  return time;
}

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function invalid(name: string, hint: string): Refusal {
  return new Refusal("validation_error", `Invalid \`${name}\` field. ${hint}`);
}
