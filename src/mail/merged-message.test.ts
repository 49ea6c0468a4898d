import { describe, expect, test } from "bun:test";
import { simpleParser } from "mailparser";
import { composeMessage, type MessageSource } from "./compose.ts";
import type { Tracking } from "./tracking.ts";

const tracking: Tracking = {
  ...{ opens: true, clicks: true, deliveryId: "0190f7a2-1111-7222-8333-444455556666" },
  ...{ base: "https://links.example.com", secret: new Uint8Array(32), ownOrigins: [] },
};

async function shown(change: Partial<MessageSource>): Promise<{ text: string; html: string }> {
  const message = await composeMessage({
    ...{ messageId: "<0190f7a2@example.com>", date: new Date("2026-01-02T03:04:05Z") },
    ...{ from: "ada@example.com", to: ["bob@example.net"], cc: [], replyTo: [], subject: "{{{NAME}}}" },
    ...{ headers: {}, attachments: [], merge: { values: { NAME: "<Bob>", URL: "https://a.test/x" } } },
    ...change,
  });
  const { text = "", html = "" } = await simpleParser(Buffer.from(message), {
    skipHtmlToText: true,
    skipTextToHtml: true,
  });
  return { text: text.trim(), html: (html || "").trim() };
}

const attachment = { filename: "a.txt", content: new Uint8Array([1, 2, 3]) };

describe.each([
  ["without attachments", {}],
  ["with an attachment", { attachments: [attachment] }],
])("a message %s", (_, change) => {
  test("has its recipient's values in its HTML and in its text", async () => {
    const bodies = { html: "<p>Hello {{{NAME}}}, {{{X|you}}}</p>", text: "Hello {{{NAME}}}, {{{X|you}}}" };
    expect(await shown({ ...bodies, ...change })).toEqual({
      html: "<p>Hello &lt;Bob&gt;, you</p>",
      text: "Hello <Bob>, you",
    });
  });

  test("whose text is made of its HTML has the values there as they are", async () => {
    const html = '<p>Hello {{{NAME|you &amp; all}}} <a href="{{{URL}}}">here</a></p>';
    expect((await shown({ html, ...change })).text).toBe("Hello <Bob> here <https://a.test/x>");
    expect((await shown({ html, merge: { values: {} }, ...change })).text).toBe("Hello you & all here <>");
  });

  test("has its own links tracked, and none that is filled in", async () => {
    const html = '<a href="https://own.test">{{{NAME}}}</a><a href="{{{URL}}}">x</a></body>';
    const made = await shown({ html, tracking, ...change });
    expect(made.html).toMatch(
      /^<a href="https:\/\/links\.example\.com\/t\/c\/[\w-]+">&lt;Bob&gt;<\/a><a href="https:\/\/a\.test\/x">x<\/a><img [^>]+><\/body>$/,
    );
    expect(made.text).toContain("https://own.test");
    expect(made.text).not.toContain("links.example.com");
  });

  test("that is tracked has no link within a field changed, and its picture beside it", async () => {
    const html = '{{{X|<a href="https://own.test"></body>}}}';
    const { html: made } = await shown({ html, tracking, ...change });
    expect(made).toMatch(/^<img [^>]+>&lt;a href=&quot;https:\/\/own\.test&quot;&gt;&lt;\/body&gt;$/);
  });

  test("of which nothing is left has no such part", async () => {
    expect(await shown({ html: "{{{X}}}", text: "{{{NAME}}}", ...change })).toEqual({
      html: "",
      text: "<Bob>",
    });
  });

  test("that has no values keeps its braces", async () => {
    const bodies = { html: "{{{NAME}}}", text: "{{{NAME}}}" };
    expect(await shown({ ...bodies, merge: undefined, ...change })).toEqual(bodies);
  });
});

test("a subject is nothing that a worker fills in", async () => {
  const message = await composeMessage({
    ...{
      messageId: "<a@example.com>",
      date: new Date(0),
      from: "ada@example.com",
      to: [],
      cc: [],
      replyTo: [],
    },
    ...{ subject: "{{{NAME}}}", text: "x", headers: {}, attachments: [], merge: { values: { NAME: "no" } } },
  });
  expect(Buffer.from(message).toString()).toContain("Subject: {{{NAME}}}\r\n");
});
