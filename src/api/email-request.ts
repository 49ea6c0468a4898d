import type { DraftAttachment, EmailDraft, RemoteContent } from "../emails/draft.ts";
import { fileNameOf } from "../emails/remote-attachments.ts";
import type { Tag } from "../emails/schema.ts";
import { Refusal } from "../errors.ts";
import { isId } from "../ids.ts";
import { readTemplateField } from "./template-field.ts";

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
  const html = readText(fields, "html");
  const text = readText(fields, "text");
  const template = isGiven(fields.template) ? readTemplateField(fields.template) : undefined;
  if (template && (html !== undefined || text !== undefined)) {
    throw new Refusal(
      "validation_error",
      "The `template` field can't be used together with `html` or `text`.",
    );
  }
  if (!template && html === undefined && text === undefined) {
    throw new Refusal("validation_error", "Missing `html` or `text` field.");
  }
  const readSupplied = template ? readText : readRequired;
  return {
    to,
    from: readSupplied(fields, "from"),
    subject: readSupplied(fields, "subject"),
    cc: readAddresses(fields, "cc"),
    bcc: readAddresses(fields, "bcc"),
    replyTo: readAddresses(fields, "reply_to"),
    html,
    text,
    template,
    headers: readHeaders(fields.headers),
    tags: readTags(fields.tags),
    attachments: readAttachments(fields.attachments),
    scheduledAt: readText(fields, "scheduled_at"),
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
    const content = readContent(attachment);
    return {
      filename: readLabel(attachment, "filename") ?? ("url" in content ? fileNameOf(content.url) : undefined),
      contentType: readLabel(attachment, "content_type", "contentType"),
      contentId: readLabel(attachment, "content_id", "contentId", "inline_content_id", "inlineContentId"),
      content,
    };
  });
}

const mostAttachments = 500;
const longestLabel = 1_000;
const longestUrl = 2_048;

/** The first of the names an SDK has for something; they write `false`, `null` or `""` for what they leave out. */
function readLabel(fields: Fields, ...names: string[]): string | undefined {
  const value = names.map((name) => fields[name]).find((given) => typeof given === "string" && given !== "");
  if (typeof value !== "string") return undefined;
  if (value.length > longestLabel) {
    throw new Refusal(
      "invalid_attachment",
      `The attachment's \`${names[0]}\` can be at most ${longestLabel} characters long.`,
    );
  }
  return value;
}

/** Base64 text, a list of byte numbers (Python, Go, Ruby, Rust), a Node Buffer as JSON, or where it is to be found. */
function readContent({ content, path }: Fields): DraftAttachment["content"] {
  const isElsewhere = typeof path === "string" && path !== "";
  if (typeof content === "string" && !(content === "" && isElsewhere)) return readBase64(content);
  if (Array.isArray(content)) return readBytes(content);
  if (isObject(content) && content.type === "Buffer" && Array.isArray(content.data))
    return readBytes(content.data);
  if (isElsewhere) return readPath(path);
  throw new Refusal("invalid_attachment", "Attachment must have either a `content` or `path`.");
}

function readPath(url: string): RemoteContent {
  if (url.length > longestUrl || !/^https?:\/\//i.test(url) || !URL.canParse(url)) {
    throw new Refusal(
      "invalid_attachment",
      `The attachment's \`path\` must be an http:// or https:// URL of at most ${longestUrl} characters.`,
    );
  }
  return { url };
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

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function invalid(name: string, hint: string): Refusal {
  return new Refusal("validation_error", `Invalid \`${name}\` field. ${hint}`);
}
