/** Sections 8, 9 and 10 of the contract by the official SDK against the executable: every method, success and refusal. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { newId } from "../../src/ids.ts";
import {
  count,
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
import { storyMs, until } from "./story.ts";

setDefaultTimeout(storyMs);

const server = await startContractServer();
const { resend, stranger } = server;
const absent = newId();

const segment: Shape = { id: uuid, name: filled, created_at: time };

test("segments: made, listed, read, renamed and deleted", async () => {
  const made = ok(await resend.segments.create({ name: "Contract" }));
  expect(differences(made, { object: is("segment"), id: uuid, name: is("Contract") })).toEqual([]);
  const list = ok(await resend.segments.list());
  expect(listDifferences(list, segment)).toEqual([]);
  expect(list.data[0]!.id).toBe(made.id);
  expect(ok(await stranger.segments.list()).data).toEqual([]);
  const got = ok(await resend.segments.get(made.id));
  expect(differences(got, { object: is("segment"), ...segment }, ["rules", "audience_id"])).toEqual([]);
  const renamed = ok(await resend.segments.update(made.id, { name: "Renamed" }));
  expect(differences(renamed, { object: is("segment"), id: is(made.id) })).toEqual([]);
  expect(ok(await resend.segments.get(made.id)).name).toBe("Renamed");
  const gone = { object: is("segment"), id: is(made.id), deleted: is(true) };
  expect(differences(ok(await resend.segments.remove(made.id)), gone)).toEqual([]);
  expect(differences(ok(await resend.segments.remove(made.id)), gone)).toEqual([]); // and once more
});

test("segments: what is refused", async () => {
  expect((await server.api.post("/segments", {})).body).toEqual({
    statusCode: 422,
    name: "missing_required_field",
    message: "Missing `name` field.",
  });
  expect(refused(await resend.segments.create({ name: "" }))).toMatch(/^422 validation_error: /);
  expect(refused(await resend.segments.get(absent))).toBe("404 not_found: Audience not found");
  expect(refused(await resend.segments.update(absent, { name: "x" }))).toBe(
    "404 not_found: Audience not found",
  );
  const { id } = ok(await resend.segments.create({ name: "Ours" }));
  expect(refused(await stranger.segments.get(id))).toBe("404 not_found: Audience not found");
  ok(await stranger.segments.remove(id));
  ok(await resend.segments.get(id));
});

test("audiences: the SDK's are segments, and the older paths answer with their own word", async () => {
  const { id } = ok(await resend.audiences.create({ name: "Audience" }));
  expect(ok(await resend.segments.get(id)).name).toBe("Audience");
  const made = await server.api.post("/audiences", { name: "Older" });
  expect(made.status).toBe(201);
  const audience = { object: is("audience"), ...segment };
  expect(differences(made.body, audience)).toEqual([]);
  const path = `/audiences/${(made.body as { id: string }).id}`;
  expect(differences((await server.api.get(path)).body, audience)).toEqual([]);
  expect(listDifferences((await server.api.get("/audiences")).body, segment)).toEqual([]);
});

const contact: Shape = {
  id: uuid,
  email: filled,
  first_name: orNull(text),
  last_name: orNull(text),
  created_at: time,
  unsubscribed: flag,
};
const contactReference = { object: is("contact"), id: uuid };

test("contacts: made, read by id and by address, listed, changed and deleted", async () => {
  ok(await resend.contactProperties.create({ key: "company", type: "string" }));
  const email = "Ada+List@Example.org";
  const made = ok(await resend.contacts.create({ email, firstName: "Ada", properties: { company: "Acme" } }));
  expect(differences(made, contactReference)).toEqual([]);
  const again = ok(await resend.contacts.create({ email: email.toLowerCase(), lastName: "Lovelace" }));
  expect(again.id).toBe(made.id);

  for (const which of [made.id, { id: made.id }, { email }, { email: email.toLowerCase() }]) {
    const got = ok(await resend.contacts.get(which));
    const properties = like({ company: like({ type: is("string"), value: is("Acme") }) });
    expect(differences(got, { object: is("contact"), ...contact, properties })).toEqual([]);
    expect(got).toMatchObject({ id: made.id, first_name: "Ada", last_name: "Lovelace", unsubscribed: false });
  }
  const encoded = await server.api.get(`/contacts/${encodeURIComponent(email)}`);
  expect(encoded.body).toMatchObject({ id: made.id });

  const list = ok(await resend.contacts.list());
  expect(listDifferences(list, contact)).toEqual([]);
  expect(list.data[0]!.id).toBe(made.id);
  expect(ok(await stranger.contacts.list()).data).toEqual([]);
  expect(refused(await stranger.contacts.get(made.id))).toBe("404 not_found: Contact not found");

  const changed = ok(
    await resend.contacts.update({
      email,
      firstName: null,
      unsubscribed: true,
      properties: { company: null },
    }),
  );
  expect(differences(changed, contactReference)).toEqual([]);
  expect(ok(await resend.contacts.get(made.id))).toMatchObject({
    ...{ first_name: null, last_name: "Lovelace", unsubscribed: true, properties: {} },
  });

  const removed = ok(await resend.contacts.remove({ email }));
  expect(removed).toEqual({ object: "contact", contact: made.id, deleted: true });
  expect(refused(await resend.contacts.get(made.id))).toBe("404 not_found: Contact not found");
});

test("contacts: what is refused", async () => {
  expect((await server.api.post("/contacts", {})).body).toEqual({
    statusCode: 422,
    name: "missing_required_field",
    message: "Missing `email` field.",
  });
  expect(refused(await resend.contacts.create({ email: "nobody" }))).toMatch(
    /^422 validation_error: Invalid `email` field/,
  );
  const unknown = { email: "x@example.org", properties: { nope: "x" } };
  expect(refused(await resend.contacts.create(unknown))).toMatch(
    /^422 validation_error: .*contact-properties/,
  );
  const nowhere = { email: "x@example.org", segments: [{ id: absent }] };
  expect(refused(await resend.contacts.create(nowhere))).toBe("404 not_found: Audience not found");
  expect(refused(await resend.contacts.update({ id: absent, firstName: "x" }))).toBe(
    "404 not_found: Contact not found",
  );
  expect(refused(await resend.contacts.remove(absent))).toBe("404 not_found: Contact not found");
  expect(refused(await resend.contacts.remove("nobody@example.org"))).toBe(
    "404 not_found: Contact not found",
  );
});

test("contacts: put into segments, listed by them and taken out", async () => {
  const { id: segmentId } = ok(await resend.segments.create({ name: "Members" }));
  const { id: contactId } = ok(
    await resend.contacts.create({ email: "member@example.org", segments: [{ id: segmentId }] }),
  );
  const email = "member@example.org";
  const list = ok(await resend.contacts.list({ segmentId }));
  expect(listDifferences(list, contact)).toEqual([]);
  expect(list.data.map(({ id }) => id)).toEqual([contactId]);
  expect(ok(await resend.contacts.list({ audienceId: segmentId })).data).toHaveLength(1);
  const byQuery = await server.api.get(`/contacts?segment_id=${segmentId}`);
  expect(byQuery.body).toMatchObject({ data: [{ id: contactId }] });

  const segments = ok(await resend.contacts.segments.list({ email }));
  expect(listDifferences(segments, segment)).toEqual([]);
  expect(segments.data.map(({ id }) => id)).toEqual([segmentId]);

  const pair = {
    object: is("contact_segment"),
    id: uuid,
    contact_id: is(contactId),
    segment_id: is(segmentId),
  };
  const removed = ok(await resend.contacts.segments.remove({ email, segmentId }));
  expect(differences(removed, { ...pair, deleted: is(true), audienceId: is(segmentId) })).toEqual([]);
  expect(ok(await resend.contacts.segments.list({ contactId })).data).toEqual([]);
  expect(differences(ok(await resend.contacts.segments.add({ contactId, segmentId })), pair)).toEqual([]);
  expect(ok(await resend.contacts.list({ segmentId })).data).toHaveLength(1);

  expect(refused(await resend.contacts.segments.add({ contactId, segmentId: absent }))).toBe(
    "404 not_found: Audience not found",
  );
  expect(refused(await resend.contacts.segments.list({ contactId: absent }))).toBe(
    "404 not_found: Contact not found",
  );
});

test("contacts: of an audience, as older clients have them", async () => {
  const { id: audienceId } = ok(await resend.audiences.create({ name: "Legacy" }));
  const { id: outside } = ok(await resend.contacts.create({ email: "outside@example.org" }));
  const email = "legacy@example.org";
  const made = ok(await resend.contacts.create({ audienceId, email, firstName: "Leg" }));
  const more = ["email", "first_name", "last_name", "created_at", "unsubscribed"];
  expect(differences(made, contactReference, more)).toEqual([]);
  expect(ok(await resend.contacts.get({ audienceId, email })).id).toBe(made.id);
  expect(refused(await resend.contacts.get({ audienceId, id: outside }))).toBe(
    "404 not_found: Contact not found",
  );
  ok(await resend.contacts.update({ audienceId, id: made.id, unsubscribed: true }));
  expect(ok(await resend.contacts.get(made.id)).unsubscribed).toBe(true);
  const removed = ok(await resend.contacts.remove({ audienceId, email }));
  expect(removed).toEqual({ object: "contact", contact: email, deleted: true });
  ok(await resend.contacts.remove({ audienceId, id: absent }));
  expect(ok(await resend.contacts.list({ audienceId })).data).toEqual([]);
  expect(refused(await resend.contacts.list({ audienceId: absent }))).toBe(
    "404 not_found: Audience not found",
  );
});

const topic: Shape = {
  id: uuid,
  name: filled,
  description: orNull(text),
  default_subscription: is("opt_in", "opt_out"),
  visibility: is("public", "private"),
  created_at: time,
};

test("topics: made, listed, read, changed and deleted", async () => {
  const wish = { name: "Offers", description: "Monthly", defaultSubscription: "opt_in" } as const;
  const made = ok(await resend.topics.create(wish));
  expect(differences(made, { object: is("topic"), id: uuid })).toEqual([]);
  const list = ok(await resend.topics.list());
  expect(listDifferences(list, topic)).toEqual([]);
  expect(list.data[0]).toMatchObject({ id: made.id, name: "Offers", visibility: "private" });
  const got = ok(await resend.topics.get(made.id));
  expect(differences(got, { object: is("topic"), ...topic })).toEqual([]);
  expect(got).toMatchObject({ description: "Monthly", default_subscription: "opt_in" });
  const changed = ok(await resend.topics.update({ id: made.id, name: "News" }));
  expect(differences(changed, { object: is("topic"), id: is(made.id) })).toEqual([]);
  expect(ok(await resend.topics.get(made.id))).toMatchObject({ name: "News", description: "Monthly" });
  const gone = { object: is("topic"), id: is(made.id), deleted: is(true) };
  expect(differences(ok(await resend.topics.remove(made.id)), gone)).toEqual([]);
  expect(refused(await resend.topics.get(made.id))).toBe("404 not_found: Topic not found");
});

test("topics: what is refused", async () => {
  const wish = { name: "x", default_subscription: "opt_in" };
  for (const [body, says] of [
    [{ ...wish, name: undefined }, "Missing `name` field."],
    [{ ...wish, default_subscription: undefined }, "Missing `default_subscription` field."],
    [{ ...wish, default_subscription: "maybe" }, "Invalid `default_subscription` field."],
    [{ ...wish, name: "x".repeat(51) }, "Invalid `name` field."],
    [{ ...wish, description: "x".repeat(201) }, "Invalid `description` field."],
    [{ ...wish, visibility: "secret" }, "Invalid `visibility` field."],
  ] as const) {
    const { status, body: answer } = await server.api.post("/topics", body);
    expect([status, (answer as { message: string }).message]).toEqual([422, expect.stringContaining(says)]);
  }
  expect(refused(await resend.topics.update({ id: absent, name: "x" }))).toBe(
    "404 not_found: Topic not found",
  );
  expect(refused(await resend.topics.remove(absent))).toBe("404 not_found: Topic not found");
});

test("topics: what a contact wants to hear of", async () => {
  const { id } = ok(await resend.topics.create({ name: "Choices", defaultSubscription: "opt_out" }));
  const { id: contactId } = ok(await resend.contacts.create({ email: "chooser@example.org" }));
  const list = ok(await resend.contacts.topics.list({ id: contactId }));
  const shape = { id: uuid, name: filled, description: orNull(text), subscription: is("opt_in", "opt_out") };
  expect(listDifferences(list, shape)).toEqual([]);
  expect(list.data.find((each) => each.id === id)).toMatchObject({ subscription: "opt_out" });

  const topics = [{ id, subscription: "opt_in" as const }];
  const changed = ok(await resend.contacts.topics.update({ email: "chooser@example.org", topics }));
  const whole = {
    ...{ object: is("contact_topics"), id: is(contactId), contact_id: is(contactId) },
    topics: each(like({ id: is(id), subscription: is("opt_in") })),
  };
  expect(differences(changed, whole)).toEqual([]);
  const after = ok(await resend.contacts.topics.list({ email: "chooser@example.org" }));
  expect(after.data.find((each) => each.id === id)).toMatchObject({ subscription: "opt_in" });
  const wrapped = await server.api.patch(`/contacts/${contactId}/topics`, { topics });
  expect(wrapped.status).toBe(200);

  const unknown = [{ id: absent, subscription: "opt_in" as const }];
  expect(refused(await resend.contacts.topics.update({ id: contactId, topics: unknown }))).toBe(
    "404 not_found: Topic not found",
  );
  expect((await server.api.patch(`/contacts/${contactId}/topics`, [{ id }])).status).toBe(422);
});

test("contactProperties: defined, listed, read, changed and deleted", async () => {
  const made = ok(await resend.contactProperties.create({ key: "seats", type: "number", fallbackValue: 1 }));
  expect(differences(made, { object: is("contact_property"), id: uuid })).toEqual([]);
  const property = {
    id: uuid,
    key: filled,
    type: is("string", "number"),
    createdAt: time,
    fallbackValue: () => true,
  };
  const list = ok(await resend.contactProperties.list());
  expect(listDifferences(list, property)).toEqual([]);
  const got = ok(await resend.contactProperties.get(made.id));
  expect(differences(got, { object: is("contact_property"), ...property })).toEqual([]);
  expect(got).toMatchObject({ key: "seats", type: "number", fallbackValue: 1 });
  const changed = ok(await resend.contactProperties.update({ id: made.id, fallbackValue: null }));
  expect(differences(changed, { object: is("contact_property"), id: is(made.id) })).toEqual([]);
  expect(ok(await resend.contactProperties.get(made.id)).fallbackValue).toBeNull();
  const gone = { object: is("contact_property"), id: is(made.id), deleted: is(true) };
  expect(differences(ok(await resend.contactProperties.remove(made.id)), gone)).toEqual([]);
  expect(refused(await resend.contactProperties.get(made.id))).toBe(
    "404 not_found: Contact property not found",
  );
});

test("contactProperties: what is refused", async () => {
  for (const body of [
    { key: "a b", type: "string" },
    { key: "x".repeat(51), type: "string" },
    { key: "email", type: "string" },
    { key: "ok", type: "list" },
    { key: "ok", type: "number", fallback_value: "one" },
  ]) {
    expect((await server.api.post("/contact-properties", body)).body).toMatchObject({
      ...{ statusCode: 422, name: "validation_error" },
    });
  }
  expect((await server.api.post("/contact-properties", { type: "string" })).body).toMatchObject({
    message: "Missing `key` field.",
  });
  ok(await resend.contactProperties.create({ key: "twice", type: "string" }));
  expect(refused(await resend.contactProperties.create({ key: "twice", type: "string" }))).toMatch(
    /^409 validation_error: /,
  );
  expect(refused(await resend.contactProperties.remove(absent))).toBe(
    "404 not_found: Contact property not found",
  );
});

const imported: Shape = {
  object: is("contact_import"),
  id: uuid,
  status: is("queued", "in_progress", "completed", "failed"),
  created_at: time,
  completed_at: orNull(time),
  counts: like({ total: count, created: count, updated: count, skipped: count, failed: count }),
};
const importSuperset = ["progress", "error", "size"];

test("contacts.imports: a file is taken, worked on, listed and told of", async () => {
  const { id: segmentId } = ok(await resend.segments.create({ name: "Imported" }));
  const csv =
    "Mail,Vorname,Plan\r\nimported1@example.org,Ada,pro\r\nnobody,,\r\nimported2@example.org,Bob,\r\n";
  const made = ok(
    await resend.contacts.imports.create({
      file: new Blob([csv], { type: "text/csv" }),
      columnMap: {
        email: "Mail",
        firstName: "Vorname",
        properties: { plan: { column: "Plan", type: "string" } },
      },
      onConflict: "upsert",
      segments: [{ id: segmentId }],
    }),
  );
  expect(differences(made, { object: is("contact_import"), id: uuid })).toEqual([]);
  const got = await until("the import is done", async () => {
    const row = ok(await resend.contacts.imports.get(made.id));
    return row.status === "completed" ? row : undefined;
  });
  expect(differences(got, imported, importSuperset)).toEqual([]);
  expect(got.counts).toEqual({ total: 3, created: 2, updated: 0, skipped: 0, failed: 1 });
  const list = ok(await resend.contacts.imports.list({ status: "completed" }));
  expect(listDifferences(list, imported, importSuperset)).toEqual([]);
  expect(ok(await resend.contacts.imports.list({ status: "failed" })).data).toEqual([]);
  expect(ok(await stranger.contacts.imports.list()).data).toEqual([]);
  expect(ok(await resend.contacts.list({ segmentId })).data).toHaveLength(2);
  expect(ok(await resend.contacts.get({ email: "imported1@example.org" }))).toMatchObject({
    ...{ first_name: "Ada", properties: { plan: { type: "string", value: "pro" } } },
  });
  const headers = { authorization: `Bearer ${server.setup.api_key}` };
  const errors = await fetch(`${server.url}/contacts/imports/${made.id}/errors`, { headers });
  expect(await errors.text()).toBe(
    'line,message\r\n3,"`nobody` is not an email address: it must follow `email@example.com`."\r\n',
  );
  const exported = await fetch(`${server.url}/contacts/export?segment_id=${segmentId}`, { headers });
  expect(await exported.text()).toMatch(/^email,first_name,.*\r\nimported2@example\.org,Bob,,false,/);
});

test("contacts.imports: what is refused", async () => {
  const file = new Blob(["name\nAda\n"], { type: "text/csv" });
  expect(refused(await resend.contacts.imports.create({ file }))).toBe(
    "422 validation_error: CSV missing required email column",
  );
  expect(refused(await resend.contacts.imports.get(absent))).toBe("404 not_found: Contact import not found");
  const form = new FormData();
  form.set("on_conflict", "skip");
  const without = await fetch(`${server.url}/contacts/imports`, {
    ...{ method: "POST", body: form, headers: { authorization: `Bearer ${server.setup.api_key}` } },
  });
  expect(await without.json()).toEqual({
    statusCode: 422,
    name: "missing_required_field",
    message: "Missing `file` field.",
  });
});
