import { afterAll, describe, expect, test } from "bun:test";
import { sql } from "drizzle-orm";
import { simpleParser } from "mailparser";
import { deliveryScene } from "../../test/support/delivery-scene.ts";
import { dnsTable } from "../../test/support/dns-table.ts";
import { startHttpsHost } from "../../test/support/https-host.ts";
import { type TestApp, testApp, testTeam } from "../../test/support/test-app.ts";
import { testDomain } from "../../test/support/test-domain.ts";
import { eachTransport } from "../../test/support/transports.ts";
import type { TemplateInput } from "../templates/content.ts";
import { changeTemplate, createTemplate, publishTemplate, removeTemplate } from "../templates/service.ts";
import type { EmailDraft, TemplateUse } from "./draft.ts";
import { getEmail, getEmails, getEmailWithText } from "./read.ts";
import { sendEmail } from "./send.ts";
import { sendBatch } from "./send-batch.ts";
import { findSharedEmail, shareEmail } from "./share.ts";

const welcome = {
  ...{ name: "Welcome", from: "Acme <hello@example.com>", subject: "Hi {{{NAME|there}}}", alias: "welcome" },
  html: "<p>Hello {{{NAME|there}}}, {{{COUNT}}} chairs</p>",
  variables: [{ key: "COUNT", type: "number", fallbackValue: 1 }],
};

const draftOf = (template: Partial<TemplateUse> = {}, changes: Partial<EmailDraft> = {}): EmailDraft => ({
  ...{ to: ["bob@recipient.test"], cc: [], bcc: [], replyTo: [], headers: {}, tags: [], attachments: [] },
  template: { id: "welcome", variables: {}, ...template },
  ...changes,
});

async function publish(app: TestApp, teamId: string, input: TemplateInput = {}): Promise<string> {
  const { id } = await createTemplate(app, teamId, { ...welcome, ...input });
  await publishTemplate(app, teamId, id);
  return id;
}

async function scene(options: Parameters<typeof testApp>[0] = {}, input: TemplateInput = {}) {
  const app = await testApp(options);
  const { teamId } = await testTeam(app);
  await testDomain(app, teamId);
  const id = await publish(app, teamId, input);
  const send = async (template: Partial<TemplateUse> = {}, changes: Partial<EmailDraft> = {}) =>
    getEmail(app, teamId, (await sendEmail(app, { teamId }, draftOf(template, changes))).id);
  const refusal = (template: Partial<TemplateUse> = {}, changes: Partial<EmailDraft> = {}) =>
    send(template, changes).then(
      () => "it was not refused",
      (error: Error & { code: string }) => `${error.code}: ${error.message}`,
    );
  return { app, teamId, id, send, refusal };
}

eachTransport((_, open) => {
  test("emails of one template share its content, and each keeps its values beside it", async () => {
    const { app, send } = await scene({ transport: await open() });
    const emails = [
      await send({ variables: { NAME: "<Bob>" } }),
      await send({ variables: { NAME: "Eve", COUNT: 3 } }),
      await send(),
    ];
    expect(emails.map(({ subject, html }) => [subject, html])).toEqual([
      ["Hi <Bob>", "<p>Hello &lt;Bob&gt;, 1 chairs</p>"],
      ["Hi Eve", "<p>Hello Eve, 3 chairs</p>"],
      ["Hi there", "<p>Hello there, 1 chairs</p>"],
    ]);
    expect(emails.map(({ sender, text }) => [sender, text])).toEqual(Array(3).fill([welcome.from, null]));
    expect(await app.db.values(sql`select html, text from contents`)).toEqual([[welcome.html, null]]);
    expect(await app.db.values(sql`select json(merge) from emails order by id`)).toEqual([
      ['{"values":{"NAME":"<Bob>"},"fallbacks":{"COUNT":1}}'],
      ['{"values":{"NAME":"Eve","COUNT":3}}'],
      ['{"values":{},"fallbacks":{"COUNT":1}}'],
    ]);
  });
});

test("what is sent is what was published last, by id and by alias", async () => {
  const { app, teamId, id, send, refusal } = await scene();
  await changeTemplate(app, teamId, id, { html: "<p>Ho {{{NAME|you}}}</p>" });
  expect((await send()).html).toBe("<p>Hello there, 1 chairs</p>");
  expect((await send({ isTest: true })).html).toBe("<p>Ho you</p>");
  await publishTemplate(app, teamId, id);
  expect((await send({ id: id.toUpperCase() })).html).toBe("<p>Ho you</p>");
  await changeTemplate(app, teamId, id, { alias: "other" });
  expect((await send({ id: "other" })).html).toBe("<p>Ho you</p>");
  expect(await refusal()).toBe("not_found: Template not found");
});

test("an email that was accepted keeps what it says when its template is removed", async () => {
  const { app, teamId, id, send, refusal } = await scene();
  const email = await send();
  await removeTemplate(app, teamId, id);
  expect(await getEmail(app, teamId, email.id)).toEqual(email);
  expect(await refusal()).toBe("not_found: Template not found");
});

test("what the request says takes the place of what the template says", async () => {
  const { send } = await scene({}, { replyTo: ["support@example.com"] });
  expect(await send()).toMatchObject({ replyTo: ["support@example.com"] });
  const own = { from: "ada@example.com", subject: "Own {{{NAME}}}", replyTo: ["ada@example.com"] };
  const { from: sender, ...rest } = own;
  expect(await send({}, own)).toMatchObject({ sender, ...rest });
});

test("lists carry neither bodies nor what they are filled with", async () => {
  const { app, teamId, send } = await scene();
  await send();
  const [listed] = await getEmails(app, teamId, { limit: 20 });
  expect(listed).not.toContainAnyKeys(["merge", "html"]);
});

test("a shared email shows what its recipients see", async () => {
  const { app, teamId, send } = await scene();
  const { id } = await send({ variables: { NAME: "<Bob>" } });
  const { url } = await shareEmail(app, teamId, id, undefined);
  const shared = await findSharedEmail(app, new URL(url).searchParams.get("token")!);
  expect(shared?.email.html).toBe("<p>Hello &lt;Bob&gt;, 1 chairs</p>");
});

test("each email of a batch has its own template and values, and one that can't be made is refused", async () => {
  const { app, teamId } = await scene();
  const items = [
    draftOf({ variables: { NAME: "A" } }),
    draftOf({ id: "gone" }),
    draftOf({ variables: { NAME: "B" } }),
  ];
  const { ids, errors } = await sendBatch(app, { teamId }, items, "permissive");
  const subjects = await Promise.all(ids.map(async (id) => (await getEmail(app, teamId, id)).subject));
  expect(subjects).toEqual(["Hi A", "Hi B"]);
  expect(errors).toEqual([{ index: 1, message: "Template not found" }]);
  expect(await app.db.values(sql`select count(*) from contents`)).toEqual([[1]]);
  expect(sendBatch(app, { teamId }, items, "strict")).rejects.toThrow("at index 1 is refused");
});

describe("files that are fetched", () => {
  test("come with what the template says", async () => {
    const host = await startHttpsHost({ names: ["files.test"] });
    afterAll(() => host[Symbol.asyncDispose]());
    host.answer((_request, response) => response.writeHead(200).end("a,b"));
    const dns = dnsTable({ "files.test A": "127.0.0.1" });
    const config = { webhooks: { allowPrivateAddresses: true } };
    const { app, teamId, send } = await scene({ http: host.client, dns, config });
    const attachments = [{ filename: "a.csv", content: { url: "https://files.test/a.csv" } }];
    expect(await send({}, { attachments })).toMatchObject({
      subject: "Hi there",
      html: "<p>Hello there, 1 chairs</p>",
    });
    const { ids } = await sendBatch(app, { teamId }, [draftOf({}, { attachments })], "strict");
    expect(await getEmail(app, teamId, ids[0]!)).toMatchObject({ html: "<p>Hello there, 1 chairs</p>" });
  });
});

describe("is refused:", () => {
  test("a template that was never published, or is another team's", async () => {
    const { app, teamId, refusal } = await scene();
    const { id } = await createTemplate(app, teamId, { name: "Draft", html: "<p>", alias: "draft" });
    const message =
      "validation_error: The template is a draft and has never been published: publish it before it is sent.";
    expect(await refusal({ id })).toBe(message);
    expect(await refusal({ id: "draft" })).toBe(message);
    await publishTemplate(app, teamId, id); // and is seen at once
    expect(await refusal({ id: "draft" })).toStartWith("missing_required_field: Missing `from`");
    const other = await testTeam(app, "Another");
    const theirs = await publish(app, other.teamId, { alias: "theirs" });
    for (const name of [theirs, "theirs"])
      expect(await refusal({ id: name })).toBe("not_found: Template not found");
  });

  test("a variable that is missing, or is no number where it must be one", async () => {
    const { refusal } = await scene({}, { html: "{{{NEEDED}}}" });
    expect(await refusal()).toStartWith("validation_error: The template's variable `NEEDED` has no value");
    expect(await refusal({ variables: { NEEDED: "x", COUNT: "3" } })).toStartWith(
      "validation_error: The template's variable `COUNT` is a number",
    );
  });

  test("an email without a sender or a subject, where neither gives one", async () => {
    const { refusal } = await scene({}, { from: null, subject: null });
    expect(await refusal()).toBe("missing_required_field: Missing `from` field.");
    expect(await refusal({}, { from: "ada@example.com" })).toBe(
      "missing_required_field: Missing `subject` field.",
    );
  });

  test("a sender or a subject that values have made a bad one", async () => {
    const { refusal, send } = await scene({}, { from: "{{{NAME}}} <a@{{{AT}}}>", html: "{{{NAME}}}" });
    const variables = { NAME: "Bob", AT: "example.com" };
    expect(await send({ variables })).toMatchObject({ sender: "Bob <a@example.com>" });
    expect(await refusal({ variables: { ...variables, AT: "elsewhere.test" } })).toStartWith(
      "domain_not_verified: ",
    );
    expect(await refusal({ variables: { ...variables, AT: "example.com, b@example.com" } })).toStartWith(
      "invalid_from_address: ",
    );
    expect(
      await refusal({ variables: { ...variables, NAME: "x".repeat(300), AT: "a".repeat(300) } }),
    ).toStartWith("invalid_from_address: ");
    expect(await refusal({ variables }, { subject: "x".repeat(2_001) })).toStartWith(
      "validation_error: Invalid `subject`",
    );
    expect((await send({ variables: { ...variables, NAME: "Bob\r\nBcc: eve@example.com" } })).subject).toBe(
      "Hi Bob Bcc: eve@example.com",
    );
  });

  test("what does not depend on the template, before it is looked for", async () => {
    const { refusal } = await scene();
    expect(await refusal({ id: "gone" }, { cc: ["bob"] })).toStartWith(
      "validation_error: Invalid `cc` field.",
    );
  });
});

test("a message has the values of its email, also at a later attempt and whatever the template says by then", async () => {
  let isFirst = true;
  const { app, host, teamId, dispatcher, retry } = await deliveryScene({
    rcpt: () => (isFirst ? "451 4.7.1 Later" : undefined),
  });
  const template = await publish(app, teamId);
  const { id } = await sendEmail(app, { teamId }, draftOf({ variables: { NAME: "<Bob> {{{COUNT}}}" } }));
  await dispatcher.drained();
  await changeTemplate(app, teamId, template, { html: "<p>Other</p>", variables: [] });
  await publishTemplate(app, teamId, template);
  isFirst = false;
  await retry(id);
  const { subject, html, text } = await simpleParser(Buffer.from(host.received[0]!.message));
  expect(subject).toBe("Hi <Bob> {{{COUNT}}}");
  expect((html || "").trim()).toBe("<p>Hello &lt;Bob&gt; {{{COUNT}}}, 1 chairs</p>");
  expect(text?.trim()).toBe("Hello <Bob> {{{COUNT}}}, 1 chairs");
  // What it shows of itself is that text.
  expect(await getEmailWithText(app, teamId, id)).toMatchObject({ text: text!.trim(), isTextMade: true });
});

test("the text shown of an email is the one its message has: its own, or made from the HTML, as it is", async () => {
  const { app, host, teamId, send } = await deliveryScene();
  const html = "<h1>{{{NAME|x}}}</h1><p>Hi</p>";
  const shown = async (changes: Partial<EmailDraft>) => {
    const { text, isTextMade } = await getEmailWithText(app, teamId, await send(changes));
    const sent = await simpleParser(Buffer.from(host.received.at(-1)!.message));
    return [text, isTextMade, sent.text?.trim() ?? null];
  };
  expect(await shown({ html })).toEqual(["{{{NAME|x}}}\n\nHi", true, "{{{NAME|x}}}\n\nHi"]);
  expect(await shown({ html, text: "Mine" })).toEqual(["Mine", false, "Mine"]);
  const long = `<p>${"word ".repeat(30_000)}</p>`; // made in another thread
  const [text, isTextMade] = await shown({ html: long });
  expect([String(text).startsWith("word word"), isTextMade]).toEqual([true, true]);
});

test("the braces of an email that is made from no template are its own", async () => {
  const { app, host, teamId, send } = await deliveryScene();
  const id = await send({ html: "<p>{{{NAME|x}}}</p>", text: "{{contact.email}}" });
  expect(await getEmail(app, teamId, id)).toMatchObject({
    ...{ html: "<p>{{{NAME|x}}}</p>", text: "{{contact.email}}", merge: null },
  });
  const { html, text } = await simpleParser(Buffer.from(host.received[0]!.message));
  expect([(html || "").trim(), text?.trim()]).toEqual(["<p>{{{NAME|x}}}</p>", "{{contact.email}}"]);
});
