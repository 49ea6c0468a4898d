import { expect, test } from "bun:test";
import fc from "fast-check";
import type { MessageAttachment } from "./attachment.ts";
import { buildMime, type MessageBody, type MessageFields, mimeTree } from "./mime.ts";

const fields: MessageFields = {
  messageId: "<1@example.com>",
  date: new Date("2026-01-02T03:04:05Z"),
  from: { name: "Ada", address: "ada@example.com" },
  to: [{ name: "Ürsel", address: "ü@example.net" }],
  cc: [],
  replyTo: [],
  subject: "Hello",
  headers: [{ key: "X-Entity-Ref-ID", value: "42" }],
};
const bytes = (length: number) => new Uint8Array(length).map((_, index) => index * 7);
const named = (length: number): MessageAttachment => ({ filename: `${length}.bin`, content: bytes(length) });

/** Our bytes and the library's, as latin1 so that a difference in bytes is one in text. */
async function bothWays(body: Partial<MessageBody>): Promise<[ours: string, library: string]> {
  const whole = { text: "", html: "", attachments: [], ...body };
  const ours = await buildMime(mimeTree(fields, "0123456789abcdef", whole));
  const library = await mimeTree(fields, "0123456789abcdef", whole).build();
  return [Buffer.from(ours).toString("latin1"), library.toString("latin1")];
}

const inner = Buffer.from("Subject: inner\r\n\r\nhello\r\n");
const logo = { filename: "logo.png", contentType: "image/png", contentId: "logo", content: bytes(99) };
const shapes: Record<string, Partial<MessageBody>> = {
  "nothing at all": {},
  "text, html and an attachment": { text: "Hi\n", html: "<p>Hi</p>", attachments: [named(5000)] },
  "an attachment alone": { attachments: [named(5000)] },
  "an attached message alone": { attachments: [{ contentType: "message/rfc822", content: inner }] },
  "an attached message without a last line end": {
    attachments: [{ contentType: "message/rfc822", content: inner.subarray(0, -2) }],
  },
  "an attached message between others": {
    text: "x",
    attachments: [named(9), { contentType: "message/rfc822", content: inner }, named(9)],
  },
  "an inline image": { html: '<img src="cid:logo">', attachments: [logo] },
  "an inline image, a text and an attachment": {
    text: "Grüße",
    html: `<img src="cid:logo">${"語".repeat(500)}`,
    attachments: [logo, { ...named(100), filename: "ürsprung – 日本.pdf" }],
  },
  "an inline image without html": { text: "x", attachments: [logo] },
  "empty attachments": { text: "x", attachments: [named(0), named(0)] },
  "a lone empty attachment": { attachments: [named(0)] },
  "encoded text of more than 64 KiB": { html: "é ".repeat(60_000), attachments: [named(1)] },
};
for (const [shape, body] of Object.entries(shapes)) {
  test(`a message of ${shape} has the bytes that MailComposer makes`, async () => {
    const [ours, library] = await bothWays(body);
    expect(ours).toBe(library);
  });
}

test("attachments of any length have the bytes that MailComposer makes", async () => {
  const lengths = fc.oneof(fc.nat(400), fc.integer({ min: 58_300, max: 58_500 }), fc.constant(2 * 58_368));
  await fc.assert(
    fc.asyncProperty(fc.array(lengths, { minLength: 1, maxLength: 3 }), async (each) => {
      const [ours, library] = await bothWays({ text: "x", attachments: each.map(named) });
      expect(ours).toBe(library);
    }),
    { seed: 1, numRuns: 40 },
  );
});
