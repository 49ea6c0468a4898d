import { Type as t } from "@sinclair/typebox";
import { Elysia } from "elysia";
import type { App } from "../app.ts";
import type { BlobPart } from "../blobs/store.ts";
import { attachmentPurpose, findAttachmentFile } from "../emails/attachments.ts";
import type { StoredFile } from "../emails/download-link.ts";
import { Refusal } from "../errors.ts";
import { findRawFile, findReceivedFile } from "../inbound/received-files.ts";
import { rawPurpose, receivedAttachmentPurpose } from "../inbound/received-links.ts";
import { savedAs } from "../mail/content-disposition.ts";
import { readLink } from "../signed-link.ts";
import { readRange } from "./byte-range.ts";

/** How each kind of file is found by what its link names. */
const kinds: Record<string, (app: App, id: string) => Promise<StoredFile | undefined>> = {
  [attachmentPurpose]: findAttachmentFile,
  [receivedAttachmentPurpose]: findReceivedFile,
  [rawPurpose]: findRawFile,
};

/** Files for whoever has a link to them. */
export const downloadRoutes = (app: App) =>
  new Elysia().get(
    "/attachments/download",
    async ({ query, request }) => {
      const file = await findLinkedFile(app, query.token ?? "");
      if (!file) {
        throw new Refusal(
          "not_found",
          "This download link is not valid, or not any more. Ask the API for a new one.",
        );
      }
      return send(app, file, request.headers);
    },
    {
      query: t.Object({ token: t.Optional(t.String()) }, { additionalProperties: true }),
      detail: {
        summary: "Download an attachment or a received message by its signed link",
        tags: ["Downloads"],
        security: [],
        responses: {
          200: {
            description: "The file",
            content: { "application/octet-stream": { schema: t.String({ format: "binary" }) } },
          },
          404: { description: "The link is forged or has expired, or the file is not kept any more" },
        },
      },
    },
  );

async function findLinkedFile(app: App, token: string): Promise<StoredFile | undefined> {
  for (const [purpose, find] of Object.entries(kinds)) {
    const link = readLink(app.secrets, { purpose, token, now: app.now() });
    if (!link) continue;
    const file = await find(app, link.subject);
    if (!file) throw notKept();
    return file;
  }
  return undefined;
}

async function send(app: App, file: StoredFile, asked: Headers): Promise<Response> {
  const { size } = file;
  const headers = headersOf(file);
  // RFC 9110 §13.1.5: the rest of a file that has changed meanwhile would not fit to its beginning.
  const isSame = [null, headers.etag].includes(asked.get("if-range"));
  const part = isSame ? readRange(asked.get("range"), size) : undefined;
  if (part === "none") {
    return new Response(null, { status: 416, headers: { "content-range": `bytes */${size}` } });
  }
  const bytes = await bytesOf(app, file, part);
  if (!bytes) throw notKept();
  if (!part) return new Response(bytes, { headers: { ...headers, "content-length": String(size) } });
  return new Response(bytes, {
    status: 206,
    headers: {
      ...headers,
      "content-length": String(part.end - part.start),
      "content-range": `bytes ${part.start}-${part.end - 1}/${size}`,
    },
  });
}

const notKept = () => new Refusal("not_found", "This file is not kept any more.");

/** All of a file or a part of it; undefined when it is not kept any more. */
async function bytesOf(
  app: App,
  { head = new Uint8Array(), blobHash, size }: StoredFile,
  { start, end }: BlobPart = { start: 0, end: size },
): Promise<Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> | undefined> {
  const first = new Uint8Array(head.subarray(start, end));
  if (blobHash === null || end <= head.length) return first;
  const rest = { start: Math.max(0, start - head.length), end: end - head.length };
  const stream = await app.blobs.stream(blobHash, rest);
  return stream && first.length > 0 ? withBefore(first, stream) : stream;
}

// Bun sends such a stream in chunks, without its length (https://github.com/oven-sh/bun/issues/10507); the end of a message,
// which a broken download goes on with, is the blob's alone and has one.
function withBefore(first: Uint8Array, stream: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  const reader = stream.getReader();
  return new ReadableStream({
    start: (controller) => controller.enqueue(first),
    async pull(controller) {
      const { done, value } = await reader.read();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: (reason) => reader.cancel(reason),
  });
}

function headersOf({ contentType, filename, version }: StoredFile) {
  return {
    "content-type": harmlessType(contentType),
    "content-disposition": savedAs(filename),
    "accept-ranges": "bytes",
    etag: `"${version}"`,
    // Anybody may have sent this file, and it comes from the address of the admin.
    "content-security-policy": "sandbox; default-src 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-robots-tag": "noindex",
    "cache-control": "private, no-store",
  };
}

/** Types in which no browser finds anything to run, whatever is in the file. */
const harmless =
  /^(image\/(avif|bmp|gif|jpeg|png|webp)|(audio|video)\/[a-z0-9.+-]+|application\/(gzip|json|pdf|zip|msword|vnd\.[a-z0-9.-]+)|message\/rfc822|text\/(calendar|csv|plain))$/;

function harmlessType(contentType: string): string {
  const type = contentType.split(";", 1)[0]!.trim().toLowerCase();
  return harmless.test(type) ? type : "application/octet-stream";
}
