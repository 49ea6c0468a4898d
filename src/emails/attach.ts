/** The attachments of an email: which are taken, and how they get into the blob store. */
import type { App } from "../app.ts";
import { hashOf, type StoredBlob } from "../blobs/store.ts";
import type { Write } from "../db/write.ts";
import { Refusal } from "../errors.ts";
import { newId } from "../ids.ts";
import { extensionOf } from "../mail/attachment.ts";
import type { DraftAttachment, EmailDraft } from "./draft.ts";
import { refusedFileTypes } from "./refused-file-types.ts";
import { insertAttachment } from "./store.ts";
import { Turns } from "./turns.ts";

export const maxMessageBytes = 40_000_000;
// Base64 turns three bytes into four, with a line end for each 76.
const base64Growth = 1.37;
/** What alone makes the largest message. */
export const maxAttachmentBytes = Math.floor(maxMessageBytes / base64Growth);
const longestContentId = 127;
const filesAtOnce = 16;

type Carrying = Pick<EmailDraft, "html" | "text" | "attachments">;

/** Refuses attachments that can't or must not be sent; what is still to be fetched is asked about again afterwards. */
export function checkAttachments({ html = "", text = "", attachments }: Carrying): void {
  checkSize(html, text, attachments);
  for (const [index, attachment] of attachments.entries()) {
    if (attachment.contentId !== undefined && attachment.contentId.length > longestContentId) {
      throw new Refusal(
        "invalid_attachment",
        `The attachment's \`content_id\` must be shorter than ${longestContentId + 1} characters.`,
      );
    }
    checkFileType(attachment, index);
  }
}

export function checkFileType(attachment: Omit<DraftAttachment, "content">, index: number): void {
  const extension = extensionOf(attachment);
  if (!refusedFileTypes.has(extension)) return;
  throw new Refusal(
    "invalid_attachment",
    `${nameOf(attachment, index)} can't be sent: mail servers refuse files of the type .${extension}. Send a link to it instead.`,
  );
}

function checkSize(html: string, text: string, attachments: DraftAttachment[]): void {
  // A character is three bytes at most: nearly every email is seen to be small without being read.
  if (attachments.length === 0 && (html.length + text.length) * 3 <= maxMessageBytes) return;
  const attached = attachments.reduce(
    (sum, { content }) => sum + (isFetched(content) ? content.length : 0),
    0,
  );
  const size = Math.ceil(attached * base64Growth) + Buffer.byteLength(html) + Buffer.byteLength(text);
  if (size > maxMessageBytes) {
    throw new Refusal(
      "validation_error",
      "The email is too large: at most 40 MB are sent, counted after base64 encoding.",
    );
  }
}

export function isFetched(content: DraftAttachment["content"]): content is Uint8Array {
  return content instanceof Uint8Array;
}

/** An attachment at the beginning of a sentence. */
export function nameOf({ filename }: Pick<DraftAttachment, "filename">, index: number): string {
  return filename === undefined ? `The attachment at index ${index}` : `The attachment \`${filename}\``;
}

/** Puts the attachments of emails that are accepted together into the blob store, each content once. */
export function attachmentStore(app: App) {
  const turns = new Turns(filesAtOnce);
  const blobs = new Map<string, Promise<StoredBlob>>();
  const put = (content: Uint8Array) => {
    const hash = hashOf(content);
    const known = blobs.get(hash) ?? turns.run(() => app.blobs.put(content));
    blobs.set(hash, known);
    return known;
  };

  /** The writes that name an email's attachments, which are on disk by then. */
  return async (emailId: string, attachments: DraftAttachment[]): Promise<Write[]> =>
    Promise.all(
      attachments.map(async ({ filename, contentType, contentId, content }, position) => {
        if (!isFetched(content)) throw new Error("an attachment was not fetched");
        const { hash, size } = await put(content);
        return insertAttachment({
          id: newId(),
          emailId,
          position,
          filename: filename ?? null,
          contentType: contentType ?? null,
          contentId: contentId ?? null,
          size,
          blobHash: hash,
        });
      }),
    );
}
