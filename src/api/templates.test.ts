import { expect, test } from "bun:test";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { testDomain } from "../../test/support/test-domain.ts";
import { testServer } from "../../test/support/test-server.ts";
import { newId } from "../ids.ts";

const app = await testApp({ config: { rateLimit: { enabled: false } } });
const { ask: askServer } = testServer(app);
const { key, teamId } = await testTeam(app);
await testDomain(app, teamId);
const stranger = await testTeam(app);
const ask = (method: string, path: string, body?: unknown) => askServer(method, path, { key, body });

const make = async (body: Record<string, unknown> = {}): Promise<string> => {
  const made = await ask("POST", "/templates", { name: "Order", html: "<p>{{{COUNT}}} chairs</p>", ...body });
  return made.body.id;
};
const at = () => app.now().toISOString();

test("a template is made, read, changed, published and deleted", async () => {
  const made = await ask("POST", "/templates", {
    ...{ name: "Order", alias: "order", description: "After an order", from: "Acme <a@example.com>" },
    ...{
      subject: "{{{COUNT}}} chairs",
      reply_to: "b@example.com",
      html: "<p>{{{COUNT}}}</p>",
      text: "{{{COUNT}}}",
    },
    variables: [
      { key: "COUNT", type: "number", fallback_value: 1 },
      { key: "NOTE", type: "string", fallback_value: null },
    ],
  });
  const { id } = made.body;
  expect(made).toMatchObject({ status: 201 });
  expect(made.body).toEqual({ object: "template", id });

  const declared = { id: expect.any(String), created_at: at(), updated_at: at() };
  const item = {
    ...{ id, name: "Order", alias: "order", status: "draft", published_at: null },
    ...{ created_at: at(), updated_at: at() },
  };
  const whole = {
    object: "template",
    ...item,
    ...{ description: "After an order", current_version_id: expect.any(String) },
    ...{ has_unpublished_versions: true, published: false },
    ...{ from: "Acme <a@example.com>", subject: "{{{COUNT}}} chairs", reply_to: ["b@example.com"] },
    ...{ html: "<p>{{{COUNT}}}</p>", text: "{{{COUNT}}}" },
    variables: [
      { ...declared, key: "COUNT", type: "number", fallback_value: 1 },
      { ...declared, key: "NOTE", type: "string", fallback_value: null },
    ],
  };
  expect((await ask("GET", `/templates/${id}`)).body).toEqual(whole);
  expect((await ask("GET", "/templates/order")).body).toEqual(whole);
  expect((await ask("GET", "/templates")).body.data[0]).toEqual(item);

  const published = await ask("POST", "/templates/order/publish");
  expect(published).toMatchObject({ status: 200, body: { object: "template", id } });
  expect((await ask("GET", `/templates/${id}`)).body).toEqual({
    ...whole,
    ...{ status: "published", published_at: at(), has_unpublished_versions: false, published: true },
  });
  const changed = await ask("PATCH", `/templates/${id}`, {
    html: "<p>New</p>",
    reply_to: null,
    text: null,
    variables: [],
  });
  expect(changed).toMatchObject({ status: 200, body: { object: "template", id } });
  expect((await ask("GET", `/templates/${id}`)).body).toMatchObject({
    ...{ status: "published", has_unpublished_versions: true, published: false },
    ...{ html: "<p>New</p>", text: null, reply_to: null, variables: [], subject: "{{{COUNT}}} chairs" },
  });
  const gone = await ask("DELETE", "/templates/order");
  expect(gone).toMatchObject({ status: 200, body: { object: "template", id, deleted: true } });
  expect(await ask("GET", `/templates/${id}`)).toMatchObject({
    status: 404,
    body: { message: "Template not found" },
  });
});

test("a duplicate is another draft", async () => {
  const id = await make();
  const copy = await ask("POST", `/templates/${id}/duplicate`);
  expect(copy.status).toBe(200);
  expect(copy.body.id).not.toBe(id);
  expect((await ask("GET", `/templates/${copy.body.id}`)).body).toMatchObject({
    ...{ name: "Order (copy)", status: "draft", html: "<p>{{{COUNT}}} chairs</p>" },
  });
});

test("templates and their versions are paged", async () => {
  const id = await make();
  for (const subject of ["Two", "Three"]) await ask("PATCH", `/templates/${id}`, { subject });
  await ask("POST", `/templates/${id}/publish`);
  const first = (await ask("GET", `/templates/${id}/versions?limit=2`)).body;
  expect(first).toMatchObject({
    ...{ object: "list", has_more: true },
    data: [
      { number: 3, subject: "Three", is_current: true, is_published: true, published_at: at() },
      { number: 2, subject: "Two", is_current: false, is_published: false, published_at: null },
    ],
  });
  const rest = (await ask("GET", `/templates/${id}/versions?after=${first.data[1].id}`)).body;
  expect(rest).toMatchObject({ has_more: false, data: [{ number: 1, subject: null }] });

  const one = await ask("GET", `/templates/${id}/versions/${first.data[1].id}`);
  expect(one.body).toMatchObject({
    ...{ object: "template_version", template_id: id, number: 2, subject: "Two" },
    ...{ html: "<p>{{{COUNT}}} chairs</p>", from: null, reply_to: null, variables: [] },
  });
  const restored = await ask("POST", `/templates/${id}/versions/${first.data[1].id}/restore`);
  const { current_version_id } = (await ask("GET", `/templates/${id}`)).body;
  expect(restored.body).toEqual({ object: "template", id, current_version_id });
  expect((await ask("GET", `/templates/${id}/versions`)).body.data[0]).toMatchObject({
    number: 4,
    subject: "Two",
  });

  const page = (await ask("GET", "/templates?limit=1")).body;
  expect(page).toMatchObject({ has_more: true, data: [{ id }] });
  expect((await ask("GET", `/templates?limit=1&before=${page.data[0].id}`)).body.data).toEqual([]);
  expect(await ask("GET", `/templates/${id}/versions/${newId()}`)).toMatchObject({
    ...{ status: 404, body: { name: "not_found", message: "Template version not found" } },
  });
});

test("a preview shows what its recipients would see, of any version, and what is missing", async () => {
  const id = await make({
    ...{
      from: "{{{SHOP|Acme}}} <a@example.com>",
      subject: "{{{COUNT}}} for {{{NAME}}}",
      reply_to: ["b@example.com"],
    },
    html: '<p>{{{COUNT}}} for {{{NAME}}}</p><a href="{{{URL}}}">x</a>',
    variables: [{ key: "COUNT", type: "number", fallback_value: 1 }],
  });
  const { current_version_id: version_id } = (await ask("GET", `/templates/${id}`)).body;
  await ask("PATCH", `/templates/${id}`, { html: "<p>Other</p>", subject: null, reply_to: [] });
  const variables = { NAME: "<Bob>", URL: "javascript:alert(1)" };
  expect((await ask("POST", `/templates/${id}/preview`, { version_id, variables })).body).toEqual({
    ...{ object: "template_preview", id, version_id },
    ...{ from: "Acme <a@example.com>", subject: "1 for <Bob>", reply_to: ["b@example.com"] },
    ...{ html: '<p>1 for &lt;Bob&gt;</p><a href="">x</a>', text: "1 for <Bob>\n\nx <javascript:alert(1)>" },
    missing_variables: [],
  });
  expect((await ask("POST", `/templates/${id}/preview`, { version_id })).body).toMatchObject({
    ...{ subject: "1 for ", missing_variables: ["NAME", "URL"] },
  });
  expect((await ask("POST", `/templates/${id}/preview`)).body).toMatchObject({
    ...{ subject: null, reply_to: null, html: "<p>Other</p>", text: "Other" },
  });
});

test("a test sends what is not published yet, to whom it is asked", async () => {
  const id = await make({ from: "a@example.com", subject: "{{{COUNT}}} chairs", text: "" });
  const sent = await ask("POST", `/templates/${id}/test`, {
    to: "bob@recipient.test",
    variables: { COUNT: 4 },
  });
  expect(sent.status).toBe(200);
  expect((await ask("GET", `/emails/${sent.body.id}`)).body).toMatchObject({
    ...{ to: ["bob@recipient.test"], subject: "4 chairs", html: "<p>4 chairs</p>", text: "" },
  });
  const to = ["bob@recipient.test"];
  expect(await ask("POST", `/templates/${id}/test`, { to })).toMatchObject({
    ...{ status: 422, body: { message: expect.stringContaining("`COUNT` has no value") } },
  });
  expect(await ask("POST", `/templates/${id}/test`, { to: [], variables: { COUNT: 4 } })).toMatchObject({
    ...{ status: 422, body: { name: "missing_required_field", message: "Missing `to` field." } },
  });
});

test("an email is sent by its template's id or alias", async () => {
  const id = await make({ alias: "chairs", from: "a@example.com", subject: "Chairs" });
  const to = "bob@recipient.test";
  const send = (template: unknown) => ask("POST", "/emails", { to, template });
  expect(await send({ id })).toMatchObject({
    status: 422,
    body: { message: expect.stringContaining("publish it") },
  });
  await ask("POST", `/templates/${id}/publish`);
  for (const name of [id, "chairs"]) {
    const sent = await send({ id: name, variables: { COUNT: 2 } });
    expect((await ask("GET", `/emails/${sent.body.id}`)).body).toMatchObject({ html: "<p>2 chairs</p>" });
  }
});

test.each<[string, Record<string, unknown>, string, string]>([
  ["no name", { name: undefined }, "missing_required_field", "Missing `name` field."],
  ["no html", { html: undefined }, "missing_required_field", "Missing `html` field."],
  ["html that is no text", { html: 1 }, "validation_error", "Invalid `html` field. It must be text;"],
  [
    "variables that are no list",
    { variables: {} },
    "validation_error",
    "Invalid `variables` field. It must be a list",
  ],
  [
    "a variable without a key",
    { variables: [{ type: "string" }] },
    "validation_error",
    "Invalid `variables` field. It must be",
  ],
  [
    "a variable without a type",
    { variables: [{ key: "A" }] },
    "validation_error",
    "Invalid `variables` field. It must be",
  ],
  [
    "a fallback that is neither text nor a number",
    { variables: [{ key: "A", type: "string", fallback_value: {} }] },
    "validation_error",
    "Invalid `variables` field. A `fallback_value` must be",
  ],
  ["a reply-to that is no list of text", { reply_to: [1] }, "validation_error", "Invalid `reply_to"],
])("a template with %s is refused", async (_, body, name, message) => {
  const { status, body: refusal } = await ask("POST", "/templates", { name: "Order", html: "<p>", ...body });
  expect(refusal).toEqual({ statusCode: 422, name, message: expect.stringContaining(message) });
  expect(status).toBe(422);
});

test("an alias that is taken and HTML that is missing are refused as the contract has it", async () => {
  await make({ alias: "taken" });
  const id = await make({ html: "" });
  expect(await ask("PATCH", `/templates/${id}`, { alias: "taken" })).toMatchObject({
    ...{ status: 409, body: { name: "validation_error" } },
  });
  expect((await ask("POST", `/templates/${id}/publish`)).body).toEqual({
    ...{ statusCode: 422, name: "validation_error", message: "Template HTML is required" },
  });
});

test("values that no variable can have are refused by preview and test", async () => {
  const id = await make();
  for (const path of ["preview", "test"]) {
    const body = { to: "bob@recipient.test", variables: { A: true } };
    expect((await ask("POST", `/templates/${id}/${path}`, body)).body.message).toStartWith(
      "Invalid `variables` field. The value of `A` must be",
    );
  }
});

test("another team's template is not there", async () => {
  const id = await make({ alias: "mine" });
  const { current_version_id: version } = (await ask("GET", `/templates/${id}`)).body;
  for (const [method, path, body] of [
    ["GET", ""],
    ["PATCH", "", { name: "x" }],
    ["DELETE", ""],
    ["POST", "/publish"],
    ["POST", "/duplicate"],
    ["POST", "/preview"],
    ["POST", "/test", { to: "bob@recipient.test" }],
    ["GET", "/versions"],
    ["GET", `/versions/${version}`],
    ["POST", `/versions/${version}/restore`],
  ] as [string, string, unknown?][]) {
    for (const name of [id, "mine"]) {
      const answer = await askServer(method, `/templates/${name}${path}`, { key: stranger.key, body });
      expect(answer).toMatchObject({
        status: 404,
        body: { name: "not_found", message: "Template not found" },
      });
    }
  }
  expect((await askServer("GET", "/templates", { key: stranger.key })).body.data).toEqual([]);
});

test("a preview of an edit that is not saved shows it, and saves nothing", async () => {
  const { body: made } = await ask("POST", "/templates", { name: "Unsaved", html: "<p>Saved</p>" });
  const content = { html: "<p>Edited {{{NAME}}}</p>", subject: "Now" };
  const { body } = await ask("POST", `/templates/${made.id}/preview`, {
    content,
    variables: { NAME: "Ada" },
  });
  expect(body).toMatchObject({ html: "<p>Edited Ada</p>", subject: "Now", missing_variables: [] });
  expect((await ask("GET", `/templates/${made.id}`)).body).toMatchObject({
    html: "<p>Saved</p>",
    subject: null,
  });
});
