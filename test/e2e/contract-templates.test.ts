/** Section 7 of the contract by the official SDK against the executable: every method, and what is sent of a template. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { newId } from "../../src/ids.ts";
import {
  differences,
  each,
  filled,
  flag,
  is,
  like,
  listDifferences,
  ok,
  orNull,
  refused,
  type Shape,
  startContractServer,
  text,
  time,
  uuid,
} from "./contract.ts";
import { firstEmail, lastEventOf, storyMs, type TakenMessage } from "./story.ts";

setDefaultTimeout(storyMs);

const server = await startContractServer();
const { resend, stranger, api } = server;
const absent = newId();

const item: Shape = {
  id: uuid,
  name: filled,
  status: is("draft", "published"),
  published_at: orNull(time),
  created_at: time,
  updated_at: time,
  alias: orNull(filled),
};
const variable: Shape = {
  id: uuid,
  key: filled,
  type: is("string", "number"),
  fallback_value: (value) => value === null || ["string", "number"].includes(typeof value),
  created_at: time,
  updated_at: time,
};
const template: Shape = {
  object: is("template"),
  ...item,
  current_version_id: uuid,
  from: orNull(filled),
  subject: orNull(filled),
  reply_to: orNull(each(filled)),
  html: text,
  text: orNull(text),
  variables: each(like(variable)),
  has_unpublished_versions: flag,
};
const superset = ["description", "published"];
const reference: Shape = { object: is("template"), id: uuid };

const { from } = firstEmail;
const order = {
  name: "Order",
  from,
  subject: "{{{NAME|dear customer}}}, {{{COUNT}}} chairs",
  html: '<p>Hello {{{NAME|dear customer}}}, {{{COUNT}}} chairs</p><a href="{{{URL}}}">Look</a>',
  variables: [
    { key: "COUNT", type: "number" as const, fallbackValue: 1 },
    { key: "URL", type: "string" as const },
  ],
};

test("templates: made, read by id and alias, listed, changed and deleted", async () => {
  const made = ok(
    await resend.templates.create({ ...order, alias: "order", replyTo: "support@example.net", text: "Hi" }),
  );
  expect(differences(made, reference)).toEqual([]);
  for (const name of [made.id, "order"]) {
    const got = ok(await resend.templates.get(name));
    expect(differences(got, template, superset)).toEqual([]);
    expect(got).toMatchObject({
      ...{ id: made.id, name: "Order", alias: "order", status: "draft", published_at: null, from },
      ...{ subject: order.subject, html: order.html, text: "Hi", reply_to: ["support@example.net"] },
      ...{ has_unpublished_versions: true },
      variables: [
        { key: "COUNT", type: "number", fallback_value: 1 },
        { key: "URL", type: "string", fallback_value: null },
      ],
    });
  }
  const list = ok(await resend.templates.list());
  expect(listDifferences(list, item)).toEqual([]);
  expect(list.data[0]!.id).toBe(made.id);

  const changed = ok(await resend.templates.update("order", { name: "Orders", replyTo: ["a@example.net"] }));
  expect(differences(changed, { object: is("template"), id: is(made.id) })).toEqual([]);
  expect(ok(await resend.templates.get(made.id))).toMatchObject({
    name: "Orders",
    reply_to: ["a@example.net"],
  });

  const removed = ok(await resend.templates.remove("order"));
  expect(differences(removed, { object: is("template"), id: is(made.id), deleted: is(true) })).toEqual([]);
  expect(refused(await resend.templates.get(made.id))).toBe("404 not_found: Template not found");
});

test("templates: paged", async () => {
  const ids: string[] = [];
  for (let n = 0; n < 3; n++) ids.unshift(ok(await resend.templates.create({ name: `${n}`, html: "x" })).id);
  const first = ok(await resend.templates.list({ limit: 2 }));
  expect([first.has_more, first.data.map(({ id }) => id)]).toEqual([true, ids.slice(0, 2)]);
  const next = ok(await resend.templates.list({ limit: 1, after: ids[1]! }));
  expect(next.data.map(({ id }) => id)).toEqual(ids.slice(2));
  expect(refused(await resend.templates.list({ limit: 101 }))).toMatch(
    /^422 validation_error: The pagination/,
  );
});

test("templates: published and duplicated, each in one go with its making", async () => {
  const published = ok(await resend.templates.create(order).publish());
  expect(differences(published, reference)).toEqual([]);
  const live = ok(await resend.templates.get(published.id));
  expect(differences(live, { ...template, published_at: time }, superset)).toEqual([]);
  expect(live).toMatchObject({ status: "published", has_unpublished_versions: false });

  ok(await resend.templates.update(published.id, { subject: "New" }));
  const edited = ok(await resend.templates.get(published.id));
  expect(edited).toMatchObject({ status: "published", has_unpublished_versions: true, subject: "New" });
  expect(edited.current_version_id).not.toBe(live.current_version_id);
  expect(differences(ok(await resend.templates.publish(published.id)), reference)).toEqual([]);
  expect(ok(await resend.templates.get(published.id)).has_unpublished_versions).toBeFalse();

  const copy = ok(await resend.templates.duplicate(published.id));
  expect(differences(copy, reference)).toEqual([]);
  expect(ok(await resend.templates.get(copy.id))).toMatchObject({
    status: "draft",
    subject: "New",
    alias: null,
  });
  const liveCopy = ok(await resend.templates.duplicate(published.id).publish());
  expect(ok(await resend.templates.get(liveCopy.id)).status).toBe("published");
});

test("templates: what is refused", async () => {
  const { id } = ok(await resend.templates.create({ ...order, html: "", alias: "taken" }));
  expect(refused(await resend.templates.publish(id))).toBe("422 validation_error: Template HTML is required");
  expect(refused(await resend.templates.create({ ...order, alias: "taken" }))).toMatch(
    /^409 validation_error: .*taken/,
  );
  const bad = [{ key: "FIRST_NAME", type: "string" as const }];
  expect(refused(await resend.templates.create({ ...order, variables: bad }))).toMatch(
    /^422 validation_error: .*reserved/,
  );
  expect(refused(await resend.templates.update(id, { variables: bad }))).toMatch(/^422 validation_error: /);
  const wrong = await api.post("/templates", { name: "No HTML" });
  expect(wrong.body).toEqual({
    ...{ statusCode: 422, name: "missing_required_field", message: "Missing `html` field." },
  });
  for (const [sdk, name] of [
    [resend, absent],
    [resend, "no-such-alias"],
    [stranger, id],
    [stranger, "taken"],
  ] as const) {
    for (const answer of [
      await sdk.templates.get(name),
      await sdk.templates.update(name, { name: "x" }),
      await sdk.templates.publish(name),
      await sdk.templates.duplicate(name),
      await sdk.templates.remove(name),
    ]) {
      expect(refused(answer)).toBe("404 not_found: Template not found");
    }
  }
});

test("emails.send and batch.send by template: its recipients get its published version with their values", async () => {
  const { id } = ok(await resend.templates.create({ ...order, alias: "sent" }).publish());
  ok(await resend.templates.update(id, { html: "<p>Not yet</p>" }));
  const to = "delivered@example.com";
  const variables = { NAME: "<b>Ada</b> {{{COUNT}}}", COUNT: 4, URL: "https://example.com/?a=1&b=2" };
  const sent = ok(await resend.emails.send({ to, template: { id: "sent", variables } }));
  const html =
    '<p>Hello &lt;b&gt;Ada&lt;/b&gt; {{{COUNT}}}, 4 chairs</p><a href="https://example.com/?a=1&amp;b=2">Look</a>';
  expect(ok(await resend.emails.get(sent.id))).toMatchObject({
    ...{ from, subject: "<b>Ada</b> {{{COUNT}}}, 4 chairs", html, text: null },
  });
  await lastEventOf(api, sent.id, "delivered");
  const taken: TakenMessage[] = (await api.get("/sandbox/messages")).body.data;
  const message = await api.get(
    `/sandbox/messages/${taken.find(({ email_id }) => email_id === sent.id)!.id}`,
  );
  expect(message.body.html.trim()).toBe(html);
  expect(message.body.dkim[0].result).toBe("pass");

  const batch = ok(
    await resend.batch.send([
      { to, subject: "Own", template: { id, variables: { URL: "javascript:alert(1)" } } },
      firstEmail,
    ]),
  );
  expect(ok(await resend.emails.get(batch.data[0]!.id))).toMatchObject({
    ...{ subject: "Own", html: '<p>Hello dear customer, 1 chairs</p><a href="">Look</a>' },
  });
});

test("emails.send by template: what is refused", async () => {
  const { id } = ok(await resend.templates.create(order));
  const to = "delivered@example.com";
  const send = async (variables: Record<string, string | number>, name = id) =>
    refused(await resend.emails.send({ to, template: { id: name, variables } }));
  expect(await send({ URL: "x" })).toMatch(/^422 validation_error: .*publish it/);
  ok(await resend.templates.publish(id));
  expect(await send({})).toMatch(/^422 validation_error: .*`URL` has no value/);
  expect(await send({ URL: "x", COUNT: "4" })).toMatch(/^422 validation_error: .*`COUNT` is a number/);
  expect(await send({ URL: "x", EMAIL: "y" })).toMatch(/^422 validation_error: .*`EMAIL` is reserved/);
  expect(await send({ URL: "x".repeat(2_001) })).toMatch(/^422 validation_error: .*2,000/);
  expect(await send({ URL: "x" }, absent)).toBe("404 not_found: Template not found");
  const both = await api.post("/emails", { to, html: "<p>", template: { id, variables: { URL: "x" } } });
  expect(both.body.message).toBe("The `template` field can't be used together with `html` or `text`.");
  expect(refused(await stranger.emails.send({ to, template: { id, variables: { URL: "x" } } }))).toBe(
    "404 not_found: Template not found",
  );
});

test("versions, preview and test, which are this server's own", async () => {
  const { id } = ok(await resend.templates.create(order));
  ok(await resend.templates.update(id, { subject: "Second" }));
  const { body: versions } = await api.get(`/templates/${id}/versions`);
  expect(versions.data).toMatchObject([{ number: 2, subject: "Second" }, { number: 1 }]);
  const restored = await api.post(`/templates/${id}/versions/${versions.data[1].id}/restore`);
  expect(ok(await resend.templates.get(id))).toMatchObject({
    ...{ subject: order.subject, current_version_id: restored.body.current_version_id },
  });
  const preview = await api.post(`/templates/${id}/preview`, { variables: { NAME: "Ada" } });
  expect(preview.body).toMatchObject({ subject: "Ada, 1 chairs", missing_variables: ["URL"] });
  const variables = { URL: "https://example.com/" };
  const sent = await api.post(`/templates/${id}/test`, { to: "delivered@example.com", variables });
  await lastEventOf(api, sent.body.id, "delivered");
});
