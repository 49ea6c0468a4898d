import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Refusal } from "../errors.ts";
import { readEmailRequest } from "./email-request.ts";

const valid = { from: "a@example.com", to: "b@example.com", subject: "Hi", text: "Hello" };

function refusal(body: unknown): { code: string; message: string } {
  try {
    readEmailRequest(body);
  } catch (error) {
    if (error instanceof Refusal) return { code: error.code, message: error.message };
    throw error;
  }
  throw new Error("it was not refused");
}

test("one address and a list of addresses are the same", () => {
  expect(readEmailRequest(valid).to).toEqual(["b@example.com"]);
  expect(readEmailRequest({ ...valid, to: ["b@example.com"] }).to).toEqual(["b@example.com"]);
});

test("null means left out, as SDKs send it", () => {
  const draft = readEmailRequest({
    ...valid,
    html: null,
    cc: null,
    headers: null,
    tags: null,
    attachments: null,
  });
  expect(draft).toMatchObject({ html: undefined, cc: [], headers: {}, tags: [], attachments: [] });
});

test("an empty text is no text part, which is not the same as none given", () => {
  expect(readEmailRequest({ ...valid, text: "", html: "<p>x</p>" }).text).toBe("");
});

describe("what is missing is named in the contract's order", () => {
  test.each([
    [{}, "Missing `to` field."],
    [{ to: "b@example.com" }, "Missing `html` or `text` field."],
    [{ to: "b@example.com", text: "x" }, "Missing `from` field."],
    [{ to: "b@example.com", text: "x", from: "a@example.com" }, "Missing `subject` field."],
  ])("%j", (body, message) => expect(refusal(body).message).toBe(message));
});

test.each([[null], [[]], ["text"], [7]])("a body that is %j is refused", (body) => {
  expect(refusal(body).code).toBe("validation_error");
});

describe("an attachment's content arrives in every form SDKs send", () => {
  const bytes = [0, 1, 250, 255];
  const forms: [string, unknown][] = [
    ["base64", Buffer.from(bytes).toString("base64")],
    [
      "base64 with line breaks",
      `${Buffer.from(bytes).toString("base64").slice(0, 4)}\r\n${Buffer.from(bytes).toString("base64").slice(4)}`,
    ],
    ["base64 without padding", Buffer.from(bytes).toString("base64").replace(/=+$/, "")],
    ["a list of bytes", bytes],
    ["a Node Buffer as JSON", { type: "Buffer", data: bytes }],
  ];
  const contentOf = (attachment: unknown) =>
    readEmailRequest({ ...valid, attachments: [attachment] }).attachments[0]!.content as Uint8Array;

  test.each(forms)("%s", (_name, content) => {
    expect([...contentOf({ filename: "a.bin", content })]).toEqual(bytes);
    expect([...contentOf({ content, path: "https://files.test/other" })]).toEqual(bytes);
  });

  test("any bytes survive base64", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (any) => {
        const content = Buffer.from(any).toString("base64");
        expect(Buffer.from(contentOf({ content })).equals(Buffer.from(any))).toBe(true);
      }),
    );
  });

  test.each([
    ["content_type", "content_id"],
    ["contentType", "contentId"],
    ["contentType", "inline_content_id"],
    ["content_type", "inlineContentId"],
  ])("labels are understood as %s and %s", (type, id) => {
    const attachment = { content: "AAAA", [type]: "image/png", [id]: "logo", filename: false };
    expect(readEmailRequest({ ...valid, attachments: [attachment] }).attachments).toMatchObject([
      { contentType: "image/png", contentId: "logo", filename: undefined },
    ]);
  });
});

test.each([
  [{ path: "https://files.test/a%20b.pdf?token=1" }, "a b.pdf"],
  [{ path: "https://files.test/a.pdf", filename: "b.pdf" }, "b.pdf"],
  [{ path: "https://files.test/a.pdf", filename: false, content: "" }, "a.pdf"],
  [{ path: "https://files.test/%zz.pdf" }, "%zz.pdf"],
  [{ path: "https://files.test/" }, undefined],
])("the attachment %j is to be fetched, and named %p", (attachment, filename) => {
  const [read] = readEmailRequest({ ...valid, attachments: [attachment] }).attachments;
  expect<unknown>(read).toMatchObject({ filename, content: { url: attachment.path } });
});

test.each([
  [{ content: "not base64!" }],
  [{ content: "A" }],
  [{ content: [1, 2, 256] }],
  [{ content: [1.5] }],
  [{ content: 7 }],
  [{ path: "/etc/passwd" }],
  [{ path: "file:///etc/passwd" }],
  [{ path: "ftp://files.test/a.pdf" }],
  [{ path: "data:text/plain,hello" }],
  [{ path: "https://" }],
  [{ path: `https://files.test/${"a".repeat(2_048)}` }],
  [{ path: 7 }],
  [{ filename: "a.txt" }],
])("the attachment %j is refused", (attachment) => {
  expect(refusal({ ...valid, attachments: [attachment] }).code).toBe("invalid_attachment");
});

test.each([
  [{ to: [7] }],
  [{ subject: 7 }],
  [{ headers: ["a"] }],
  [{ headers: { a: 1 } }],
  [{ tags: {} }],
  [{ tags: [{ name: 1 }] }],
  [{ tags: ["x"] }],
  [{ attachments: {} }],
  [{ attachments: ["x"] }],
  [{ scheduled_at: 1772700000 }],
])("%j is refused, naming the field", (fields) => {
  const [name] = Object.keys(fields);
  expect(refusal({ ...valid, ...fields })).toMatchObject({
    code: "validation_error",
    message: expect.stringContaining(`\`${name}\``),
  });
});

test("a header named __proto__ changes nothing but the headers", () => {
  const draft = readEmailRequest({ ...valid, headers: JSON.parse('{"__proto__": "x"}') });
  expect(Object.keys(draft.headers)).toEqual(["__proto__"]);
});

test("whatever JSON comes, it is read or refused", () => {
  fc.assert(
    fc.property(
      fc.jsonValue(),
      fc.constantFrom("to", "cc", "html", "headers", "tags", "attachments", "scheduled_at", "template"),
      (value, field) => {
        try {
          readEmailRequest({ ...valid, [field]: value });
        } catch (error) {
          expect(error).toBeInstanceOf(Refusal);
        }
      },
    ),
  );
});
