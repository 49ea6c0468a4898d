import { describe, expect, test } from "bun:test";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import type { Refusal } from "../errors.ts";
import type { TemplateInput } from "./content.ts";
import {
  changeTemplate,
  createTemplate,
  duplicateTemplate,
  getTemplateNow,
  getTemplates,
  keptVersions,
  publishTemplate,
  removeTemplate,
} from "./service.ts";
import { getVersion, getVersions, restoreVersion } from "./versions.ts";

async function scene() {
  const app = await testApp();
  const { teamId } = await testTeam(app);
  const create = async (input: TemplateInput = {}) =>
    (await createTemplate(app, teamId, { name: "Welcome", html: "<p>Hi</p>", ...input })).id;
  const now = (id: string) => getTemplateNow(app, teamId, id);
  const change = (id: string, input: TemplateInput) => changeTemplate(app, teamId, id, input);
  const versions = async (id: string) => (await getVersions(app, teamId, id, { limit: 200 })).versions;
  return { app, teamId, create, now, change, versions };
}

const refusalOf = (promise: Promise<unknown>): Promise<Refusal> =>
  promise.then(
    () => {
      throw new Error("it was not refused");
    },
    (error: Refusal) => error,
  );

test("a template is a draft with one version", async () => {
  const { app, teamId, create, now } = await scene();
  const id = await create({
    alias: "welcome",
    subject: "Hi",
    from: "a@example.com",
    replyTo: ["b@example.com"],
  });
  const { template, version } = await now("welcome");
  expect(template).toMatchObject({ id, name: "Welcome", publishedVersionId: null, publishedAt: null });
  expect(version).toMatchObject({
    number: 1,
    sender: "a@example.com",
    subject: "Hi",
    html: "<p>Hi</p>",
    text: null,
  });
  expect(version.id).toBe(template.currentVersionId);
  expect(await getTemplates(app, teamId, { limit: 20 })).toEqual([template]);
});

test("an edit of what it says makes another version, one of its name does not", async () => {
  const { app, create, now, change, versions } = await scene();
  const id = await create();
  const first = (await now(id)).version;
  app.clock.advance(1_000);
  await change(id, { name: "Other", description: "About", alias: "other" });
  expect((await now(id)).version).toEqual(first);
  expect((await now("other")).template).toMatchObject({
    name: "Other",
    description: "About",
    updatedAt: app.now(),
  });
  await change(id, { html: "<p>Hi</p>" }); // what it says already
  expect((await now(id)).version).toEqual(first);

  await change(id, { html: "<p>Ho</p>", subject: "Ho" });
  expect((await now(id)).version).toMatchObject({ number: 2, html: "<p>Ho</p>", subject: "Ho" });
  await change(id, { subject: null, alias: null });
  expect((await now(id)).version).toMatchObject({ number: 3, html: "<p>Ho</p>", subject: null });
  expect((await versions(id)).map(({ number }) => number)).toEqual([3, 2, 1]);
});

test("variables keep their ids when they are declared again", async () => {
  const { app, create, now, change } = await scene();
  const id = await create({
    variables: [
      { key: "A", type: "string" },
      { key: "B", type: "number", fallbackValue: 1 },
    ],
  });
  const [a, b] = (await now(id)).version.variables;
  expect([a, b]).toMatchObject([
    { key: "A", type: "string", fallback_value: null },
    { key: "B", type: "number", fallback_value: 1 },
  ]);
  app.clock.advance(1_000);
  await change(id, {
    variables: [
      { key: "B", type: "number", fallbackValue: 2 },
      { key: "A", type: "string" },
    ],
  });
  expect((await now(id)).version.variables).toEqual([
    { ...b!, fallback_value: 2, updated_at: app.now().toISOString() },
    a!,
  ]);
});

test("what is published stays what is sent until it is published again", async () => {
  const { app, teamId, create, now, change } = await scene();
  const id = await create();
  await publishTemplate(app, teamId, id);
  const { template, version } = await now(id);
  expect(template).toMatchObject({ publishedVersionId: version.id, publishedAt: app.now() });
  expect(version.publishedAt).toEqual(app.now());

  await change(id, { html: "<p>Ho</p>" });
  expect((await now(id)).template.publishedVersionId).toBe(version.id);
  app.clock.advance(1_000);
  await publishTemplate(app, teamId, id);
  const again = (await now(id)).template;
  expect(again).toMatchObject({ publishedVersionId: again.currentVersionId, publishedAt: app.now() });

  app.clock.advance(1_000);
  await publishTemplate(app, teamId, id); // changes nothing
  expect((await now(id)).template).toEqual(again);
});

test("without HTML a template is not published", async () => {
  const { app, teamId, create } = await scene();
  const id = await create({ html: " ", text: "Hi" });
  expect(await refusalOf(publishTemplate(app, teamId, id))).toMatchObject({
    code: "validation_error",
    message: "Template HTML is required",
  });
});

test("a duplicate says the same as a draft of its own", async () => {
  const { app, teamId, create, now } = await scene();
  const id = await create({ alias: "welcome", subject: "Hi", variables: [{ key: "A", type: "string" }] });
  await publishTemplate(app, teamId, id);
  const { id: copy } = await duplicateTemplate(app, teamId, "welcome");
  const [one, other] = [await now(id), await now(copy)];
  expect(other.template).toMatchObject({ name: "Welcome (copy)", alias: null, publishedVersionId: null });
  expect(other.version).toMatchObject({ number: 1, subject: "Hi", html: "<p>Hi</p>", publishedAt: null });
  expect(other.version.variables).toMatchObject([{ key: "A" }]);
  expect(other.version.variables[0]!.id).not.toBe(one.version.variables[0]!.id);
  const long = await create({ name: "x".repeat(200) });
  const { id: longCopy } = await duplicateTemplate(app, teamId, long);
  expect((await now(longCopy)).template.name).toHaveLength(200);
});

test("edits at the same moment are all kept", async () => {
  const { create, now, change, versions } = await scene();
  const id = await create();
  await Promise.all([
    change(id, { html: "<p>A</p>" }),
    change(id, { subject: "B" }),
    change(id, { text: "C" }),
    change(id, { name: "D" }),
  ]);
  expect(await now(id)).toMatchObject({
    template: { name: "D" },
    version: { html: "<p>A</p>", subject: "B", text: "C", number: 4 },
  });
  expect(await versions(id)).toHaveLength(4);
});

test("the last hundred versions are kept, and the published one", async () => {
  const { app, teamId, create, change, versions } = await scene();
  const id = await create();
  await publishTemplate(app, teamId, id);
  for (let n = 2; n <= keptVersions + 3; n++) await change(id, { subject: `${n}` });
  const numbers = (await versions(id)).map(({ number }) => number);
  expect(numbers).toHaveLength(keptVersions + 1);
  expect([numbers[0], numbers.at(-2), numbers.at(-1)]).toEqual([keptVersions + 3, 4, 1]);
});

test("a version is brought back as another one", async () => {
  const { app, teamId, create, now, change, versions } = await scene();
  const id = await create({ subject: "First" });
  const first = (await now(id)).version;
  await change(id, { subject: "Second", html: "<p>Ho</p>" });
  const { versionId } = await restoreVersion(app, teamId, id, first.id.toUpperCase());
  const { version } = await now(id);
  expect(version).toMatchObject({
    id: versionId,
    number: 3,
    subject: "First",
    html: "<p>Hi</p>",
    publishedAt: null,
  });
  expect(await versions(id)).toHaveLength(3);
  expect((await getVersion(app, teamId, id, first.id)).version).toEqual(first);
});

test("of a removed template nothing is left", async () => {
  const { app, teamId, create, now } = await scene();
  const id = await create({ alias: "welcome" });
  expect(await removeTemplate(app, teamId, "welcome")).toBe(id);
  expect(now(id)).rejects.toThrow("Template not found");
  expect(removeTemplate(app, teamId, id)).rejects.toThrow("Template not found");
  await create({ alias: "welcome" }); // the name is free again
});

test("another team's template and its versions are not there", async () => {
  const { app, create, now } = await scene();
  const id = await create({ alias: "welcome" });
  const { version } = await now(id);
  const { teamId: other } = await testTeam(app, "Another");
  for (const name of [id, "welcome"]) {
    for (const attempt of [
      getTemplateNow(app, other, name),
      changeTemplate(app, other, name, { name: "x" }),
      publishTemplate(app, other, name),
      duplicateTemplate(app, other, name),
      removeTemplate(app, other, name),
      getVersions(app, other, name, { limit: 20 }),
      getVersion(app, other, name, version.id),
      restoreVersion(app, other, name, version.id),
    ]) {
      expect(await refusalOf(attempt)).toMatchObject({ code: "not_found", message: "Template not found" });
    }
  }
  expect(await getTemplates(app, other, { limit: 20 })).toEqual([]);
  const { id: theirs } = await createTemplate(app, other, { name: "x", html: "x" });
  expect(getVersion(app, other, theirs, version.id)).rejects.toThrow("Template version not found");
});

describe("is refused:", () => {
  const many = Array.from({ length: 51 }, (_, n) => ({ key: `V${n}`, type: "string" }));
  test.each<[string, TemplateInput, string]>([
    ["no name", { name: " " }, "Invalid `name` field."],
    ["a name without end", { name: "x".repeat(201) }, "Invalid `name` field."],
    ["a description without end", { description: "x".repeat(1_001) }, "Invalid `description` field."],
    ["an alias with spaces", { alias: "my alias" }, "Invalid `alias` field."],
    ["an alias that reads like a path", { alias: ".." }, "Invalid `alias` field."],
    ["an alias like an id", { alias: "0190f7a2-1111-7222-8333-444455556666" }, "Invalid `alias` field."],
    ["an alias without end", { alias: "x".repeat(101) }, "Invalid `alias` field."],
    ["a sender that is no address", { from: "ada" }, "Invalid `from` field."],
    ["a reply-to that is no address", { replyTo: ["a@b.c\r\nBcc: x@y.z"] }, "Invalid `reply_to` field."],
    ["51 addresses to reply to", { replyTo: Array(51).fill("a@b.cd") }, "The `reply_to` field can hold"],
    ["a line break in the subject", { subject: "a\nBcc: x@y.z" }, "Invalid `subject` field."],
    ["a subject without end", { subject: "x".repeat(2_001) }, "Invalid `subject` field."],
    [
      "HTML without end",
      { html: "x".repeat(1_000_001) },
      "Invalid `html` field. It can be at most 1,000,000",
    ],
    ["text without end", { text: "x".repeat(1_000_001) }, "Invalid `text` field."],
    ["51 variables", { variables: many }, "Invalid `variables` field. A template can have at most 50."],
    [
      "a variable twice",
      {
        variables: [
          { key: "A", type: "string" },
          { key: "A", type: "number" },
        ],
      },
      "Invalid `variables` field. Every `key` can be declared once only.",
    ],
    [
      "a reserved name",
      { variables: [{ key: "FIRST_NAME", type: "string" }] },
      "Invalid `variables` field. The variable name `FIRST_NAME` is reserved.",
    ],
    [
      "a name with a dash",
      { variables: [{ key: "a-b", type: "string" }] },
      'Invalid `variables` field. The variable name "a-b" is invalid',
    ],
    [
      "another type",
      { variables: [{ key: "A", type: "list" }] },
      "Invalid `variables` field. The `type` of `A` must be `string` or `number`.",
    ],
    [
      "a fallback of another type",
      { variables: [{ key: "A", type: "number", fallbackValue: "1" }] },
      "Invalid `variables` field. The `fallback_value` of `A` must be a number",
    ],
    [
      "a fallback without end",
      { variables: [{ key: "A", type: "string", fallbackValue: "x".repeat(2_001) }] },
      "Invalid `variables` field. The `fallback_value` of `A` must be text",
    ],
  ])("%s", async (_, input, message) => {
    const { create, change } = await scene();
    expect((await refusalOf(create(input))).message).toStartWith(message);
    const id = await create();
    expect((await refusalOf(change(id, input))).message).toStartWith(message);
  });

  test("an alias that another template has", async () => {
    const { create, change } = await scene();
    await create({ alias: "welcome" });
    const other = await create();
    const refusal = { code: "already_exists", message: expect.stringContaining("`welcome` is already used") };
    expect(await refusalOf(create({ alias: "welcome" }))).toMatchObject(refusal);
    expect(await refusalOf(change(other, { alias: "welcome" }))).toMatchObject(refusal);
  });

  test("a change of nothing", async () => {
    const { create, change } = await scene();
    const id = await create();
    expect(await refusalOf(change(id, { name: undefined }))).toMatchObject({
      code: "missing_required_field",
    });
  });
});

test("a sender may have fields, which are judged when it is sent", async () => {
  const { create, now } = await scene();
  const id = await create({ from: "{{{NAME}}} <hello@example.com>", replyTo: ["{{{AGENT}}}@example.com"] });
  expect((await now(id)).version).toMatchObject({ sender: "{{{NAME}}} <hello@example.com>" });
});
