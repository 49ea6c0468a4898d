import { beforeEach, expect, test } from "bun:test";
import { sql } from "drizzle-orm";
import { waitFor } from "../../test/support/dispatching.ts";
import { type TestTeam, testApp, testTeam } from "../../test/support/test-app.ts";
import { type TestAnswer, testServer } from "../../test/support/test-server.ts";
import { atomically } from "../app.ts";
import { importFile } from "../contacts/import.ts";
import { recordEvent } from "../events/record.ts";
import { newId } from "../ids.ts";

const app = await testApp({ config: { server: { maxImportBytes: 300_000 }, rateLimit: { enabled: false } } });
const server = testServer(app);
let team: TestTeam;
beforeEach(async () => {
  team = await testTeam(app);
});

async function ask(method: string, path: string, body?: unknown) {
  const answer = await server.ask(method, path, { key: team.key, body });
  return { status: answer.status, body: answer.body };
}

const make = async (path: string, body: unknown): Promise<string> => (await ask("POST", path, body)).body.id;

/** A form of fields in their order, the file among them. */
async function upload(path: string, fields: [string, string | Blob][]) {
  const form = new FormData();
  for (const [name, value] of fields) form.append(name, value);
  const response = await fetch(`${server.url}${path}`, { method: "POST", body: form, headers: team.headers });
  const body: TestAnswer["body"] = await response.json();
  return { status: response.status, body };
}

async function finish(id: string) {
  const ending = await importFile(app, id, new AbortController().signal);
  await atomically(app, ending.writes);
}

const file = (csv: string): [string, Blob] => ["file", new Blob([csv], { type: "text/csv" })];

test("an address in a path may be written raw or encoded, with a plus that stays one", async () => {
  const id = await make("/contacts", { email: "a+b@example.org" });
  for (const path of ["a+b@example.org", "a%2Bb%40example.org", "A+B@EXAMPLE.org", id.toUpperCase()]) {
    expect((await ask("GET", `/contacts/${path}`)).body).toMatchObject({ id, email: "a+b@example.org" });
  }
  expect((await ask("GET", "/contacts/a%20b@example.org")).status).toBe(404);
});

test("segments of a contact are taken as objects, as ids and by the older name", async () => {
  const [one, two, three] = [
    await make("/segments", { name: "1" }),
    await make("/segments", { name: "2" }),
    await make("/audiences", { name: "3" }),
  ];
  const segments = [{ id: one }, two];
  const id = await make("/contacts", { email: "ada@example.org", segments, audience_id: three });
  const { body } = await ask("GET", `/contacts/${id}/segments`);
  expect(body.data.map((each: { id: string }) => each.id)).toEqual([three, two, one]);
});

test("all that is kept of a contact is told, and goes with them", async () => {
  const segment = await make("/segments", { name: "News" });
  const topic = await make("/topics", { name: "Offers", default_subscription: "opt_in" });
  await make("/contact-properties", { key: "plan", type: "string" });
  const email = "ada@example.org";
  const properties = { plan: "pro" };
  const id = await make("/contacts", { email, properties, segments: [segment] });
  await make("/suppressions", { email });
  const at = app.now().toISOString();
  await atomically(app, recordEvent(app, { type: "email.delivered", teamId: team.teamId, recipient: email }));
  const { events, requests, ...told } = (await ask("GET", `/contacts/${email}/data`)).body;
  expect(events.map(({ type }: { type: string }) => type)).toEqual([
    "contact.created",
    "suppression.added",
    "email.delivered",
  ]);
  expect(requests.every(({ method }: { method: string }) => method === "POST")).toBeTrue();
  expect(told).toEqual({
    object: "contact_data",
    email,
    contact: {
      ...{
        object: "contact",
        id,
        email,
        first_name: null,
        last_name: null,
        created_at: at,
        unsubscribed: false,
      },
      properties: { plan: { type: "string", value: "pro" } },
    },
    segments: [{ id: segment, name: "News", created_at: at }],
    topics: [{ id: topic, name: "Offers", description: null, subscription: "opt_in" }],
    activity: { delivered_at: at, opened_at: null, clicked_at: null, bounced_at: null },
    suppression: { reason: "manual", created_at: at },
    broadcasts: [],
    emails: [],
    received: [],
    import_errors: [],
  });
  await ask("DELETE", `/contacts/${email}`);
  expect((await ask("GET", `/contacts/${email}/data`)).body.contact).toBeNull();
  expect((await ask("GET", `/contacts/${id}/data`)).status).toBe(404);
  expect(await app.db.values(sql`select * from contact_activity where contact_id = ${id}`)).toEqual([]);
});

test("an erasure is asked for by address, worked on afterwards, and seen by its team alone", async () => {
  const { status, body } = await ask("DELETE", "/contacts/Nobody%40example.org/data");
  expect([status, body]).toMatchObject([
    202,
    { object: "contact_erasure", status: "in_progress", stage: "queued", progress: 0, completed_at: null },
  ]);
  const jobs = await app.db.values(sql`select kind from jobs where id = ${body.id}`);
  expect(jobs).toEqual([["erase_person"]]);
  expect((await ask("GET", `/contacts/erasures/${body.id}`)).body).toEqual(body);
  expect((await ask("GET", "/contacts/erasures")).body.data).toEqual([body]);
  const another = await testTeam(app);
  const seen = await server.ask("GET", `/contacts/erasures/${body.id}`, { key: another.key });
  expect([seen.status, seen.body.message]).toEqual([404, "Erasure not found"]);
  expect((await ask("DELETE", "/contacts/no-address/data")).status).toBe(404);
});

test("a search is paged", async () => {
  for (const n of [1, 2, 3]) await make("/contacts", { email: `s${n}@example.org` });
  const first = (await ask("GET", "/contacts?search=s&limit=2")).body;
  expect([first.has_more, first.data.map(({ email }: { email: string }) => email[1])]).toEqual([
    true,
    ["1", "2"],
  ]);
  const second = (await ask("GET", `/contacts?search=s&limit=2&after=${first.data[1].id}`)).body;
  expect([second.has_more, second.data.length, second.data[0].email]).toEqual([false, 1, "s3@example.org"]);
});

test("contacts are found by topic, by what they want and by several things at once, page by page", async () => {
  const segment = await make("/segments", { name: "List" });
  const topic = await make("/topics", { name: "News", default_subscription: "opt_in" });
  const ada = await make("/contacts", { email: "ada@example.org", segments: [{ id: segment }] });
  await make("/contacts", { email: "bob@example.org", unsubscribed: true });
  await make("/contacts", { email: "ada@example.com" });
  await ask("PATCH", `/contacts/${ada}/topics`, [{ id: topic, subscription: "opt_out" }]);
  const found = async (search: string) => {
    const { body } = await ask("GET", `/contacts?${search}`);
    return body.data.map(({ email }: { email: string }) => email);
  };
  expect(await found(`topic_id=${topic}`)).toEqual(["ada@example.com", "bob@example.org"]);
  expect(await found(`topic_id=${topic}&subscription=opt_out`)).toEqual(["ada@example.org"]);
  expect(await found("unsubscribed=true")).toEqual(["bob@example.org"]);
  expect(await found("unsubscribed=false&search=ada")).toEqual(["ada@example.com", "ada@example.org"]);
  expect(await found(`segment_id=${segment}&search=ada`)).toEqual(["ada@example.org"]);
  const { body } = await ask("GET", "/contacts?unsubscribed=false&limit=1");
  expect(body).toMatchObject({ has_more: true, data: [{ email: "ada@example.com" }] });
  expect(await found(`unsubscribed=false&limit=1&after=${body.next}`)).toEqual(["ada@example.org"]);
  for (const [search, status] of [
    ["subscription=opt_in", 422],
    ["unsubscribed=perhaps", 422],
    [`unsubscribed=true&before=${newId()}`, 422],
    [`topic_id=${newId()}`, 404],
    [`search=s&segment_id=${newId()}`, 404],
  ] as const) {
    expect([search, (await ask("GET", `/contacts?${search}`)).status]).toEqual([search, status]);
  }
});

test("rules are previewed, counted and listed", async () => {
  await make("/contacts", { email: "ada@example.org" });
  await make("/contacts", { email: "bob@example.com" });
  const rules = { all: [{ field: "email", operator: "ends_with", value: ".org" }] };
  const preview = await ask("POST", "/segments/preview", { rules });
  expect(preview.body).toMatchObject({ count: 1, contacts: [{ email: "ada@example.org" }] });
  const id = await make("/segments", { name: "Org", rules });
  expect((await ask("GET", `/segments/${id}`)).body).toMatchObject({ rules });
  expect((await ask("GET", `/segments/${id}/count`)).body).toMatchObject({ count: 1 });
  expect((await ask("GET", `/contacts?segment_id=${id}`)).body.data).toMatchObject([
    { email: "ada@example.org" },
  ]);
  const wrong = await ask("POST", "/segments", { name: "x", rules: { all: [{ field: "x" }] } });
  expect(wrong.body).toMatchObject({ statusCode: 422, name: "validation_error" });
});

test("contacts of an audience are listed by number, as the original had them", async () => {
  const id = await make("/audiences", { name: "News" });
  for (const n of [1, 2, 3]) await make(`/audiences/${id}/contacts`, { email: `c${n}@example.org` });
  const page = (await ask("GET", `/audiences/${id}/contacts?page=2&per_page=2`)).body;
  expect(page).toMatchObject({
    ...{
      total: 3,
      page: 2,
      per_page: 2,
      total_pages: 2,
      has_more: false,
      data: [{ email: "c1@example.org" }],
    },
  });
  const made = await ask("POST", `/audiences/${id}/contacts`, { email: "c1@example.org", first_name: "C" });
  expect(made).toMatchObject({ status: 201, body: { email: "c1@example.org", first_name: "C" } });
  expect((await ask("GET", `/audiences/${newId()}/contacts?page=1`)).status).toBe(404);
});

test("who leaves an audience is deleted unless another segment has them", async () => {
  const [news, offers] = [
    await make("/audiences", { name: "News" }),
    await make("/audiences", { name: "Offers" }),
  ];
  const id = await make(`/audiences/${news}/contacts`, { email: "ada@example.org" });
  await make(`/audiences/${offers}/contacts`, { email: "ada@example.org" });
  await ask("DELETE", `/audiences/${news}/contacts/${id}`);
  expect((await ask("GET", `/audiences/${news}/contacts/${id}`)).status).toBe(404);
  expect((await ask("GET", `/contacts/${id}`)).status).toBe(200);
  await ask("DELETE", `/audiences/${offers}/contacts/ada@example.org`);
  expect((await ask("GET", `/contacts/${id}`)).status).toBe(404);
});

test("an audience's dynamic segments have the original's conditions", async () => {
  const id = await make("/audiences", { name: "News" });
  await make(`/audiences/${id}/contacts`, { email: "in@example.org" });
  await make("/contacts", { email: "out@example.org" });
  const conditions = [{ field: "email", operator: "ends_with", value: "example.org" }];
  const made = await ask("POST", `/audiences/${id}/segments`, { name: "Org", conditions });
  expect(made).toMatchObject({ status: 201, body: { name: "Org", conditions: { all: conditions } } });
  const path = `/audiences/${id}/segments`;
  expect((await ask("GET", path)).body.data).toMatchObject([{ id: made.body.id }]);
  expect((await ask("GET", `/segments/${made.body.id}/count`)).body).toMatchObject({ count: 1 });
  const changed = await ask("PATCH", `${path}/${made.body.id}`, { name: "Organisations" });
  expect(changed.body).toMatchObject({ name: "Organisations", conditions: { all: conditions } });
  expect((await ask("DELETE", `/audiences/${newId()}/segments/${made.body.id}`)).status).toBe(404);
  expect((await ask("DELETE", `${path}/${made.body.id}`)).body).toEqual({ deleted: true });
});

test("an audience takes and gives files by the original's paths", async () => {
  const id = await make("/audiences", { name: "News" });
  const path = `/audiences/${id}/contacts`;
  const taken = await upload(`${path}/import`, [file("email,first_name\nada@example.org,Ada\nnobody,\n")]);
  expect(taken).toMatchObject({ status: 202, body: { status: "pending", total_rows: 0 } });
  await finish(taken.body.job_id);
  expect((await ask("GET", `${path}/import/${taken.body.job_id}`)).body).toMatchObject({
    ...{
      status: "completed",
      total_rows: 2,
      processed_rows: 2,
      created_rows: 1,
      failed_rows: 1,
      error: null,
    },
  });
  const exported = await fetch(`${server.url}${path}/export`, { headers: team.headers });
  expect(await exported.text()).toStartWith(
    "email,first_name,last_name,unsubscribed,created_at\r\nada@example.org,Ada,,false,",
  );
  const nowhere = await fetch(`${server.url}/audiences/${newId()}/contacts/export`, {
    headers: team.headers,
  });
  expect(nowhere.status).toBe(404);
});

test("the fields of an import may stand before or behind its file", async () => {
  const segment = await make("/segments", { name: "News" });
  const segments: [string, string] = ["segments", JSON.stringify([{ id: segment }])];
  const map: [string, string] = ["column_map", '{"email":"Mail"}'];
  const csv = file("Mail\nada@example.org\n");
  for (const fields of [
    [map, segments, csv],
    [csv, segments, map],
    [map, csv, segments],
  ]) {
    const { status, body } = await upload("/contacts/imports", fields);
    expect(status).toBe(201);
    await finish(body.id);
    expect((await ask("GET", `/contacts/imports/${body.id}`)).body).toMatchObject({
      status: "completed",
      progress: 1,
    });
  }
  expect((await ask("GET", `/segments/${segment}/count`)).body.count).toBe(1);
});

test("a file that is too large, or no form, is refused and leaves nothing behind", async () => {
  const large = await upload("/contacts/imports", [file(`email\n${"a".repeat(400_000)}`)]);
  expect(large).toMatchObject({ status: 413 });
  const plain = await ask("POST", "/contacts/imports", { file: "x" });
  expect(plain).toMatchObject({ status: 415 });
  expect((await ask("GET", "/contacts/imports")).body.data).toEqual([]);
  const files = new Bun.Glob("*.new");
  await waitFor(() => [...files.scanSync({ cwd: `${app.folder}/blobs` })].length === 0);
});

test("another team's things are not there", async () => {
  const contact = await make("/contacts", { email: "ada@example.org" });
  const segment = await make("/segments", { name: "News" });
  const topic = await make("/topics", { name: "News", default_subscription: "opt_in" });
  const property = await make("/contact-properties", { key: "plan", type: "string" });
  const imported = (await upload("/contacts/imports", [file("email\n")])).body.id;
  team = await testTeam(app);
  for (const [method, path] of [
    ["GET", `/contacts/${contact}`],
    ["GET", "/contacts/ada@example.org"],
    ["PATCH", `/contacts/${contact}`],
    ["DELETE", `/contacts/${contact}`],
    ["GET", `/contacts/${contact}/topics`],
    ["POST", `/contacts/${contact}/segments/${segment}`],
    ["GET", `/segments/${segment}`],
    ["GET", `/segments/${segment}/contacts`],
    ["PATCH", `/segments/${segment}`],
    ["GET", `/audiences/${segment}`],
    ["GET", `/topics/${topic}`],
    ["PATCH", `/topics/${topic}`],
    ["DELETE", `/topics/${topic}`],
    ["GET", `/contact-properties/${property}`],
    ["DELETE", `/contact-properties/${property}`],
    ["GET", `/contacts/imports/${imported}`],
    ["GET", `/contacts/imports/${imported}/errors`],
  ] as const) {
    const answer = await ask(method, path, method === "PATCH" ? { name: "x" } : undefined);
    expect([method, path, answer.status]).toEqual([method, path, 404]);
  }
});

test("contacts are counted, and one is told the dynamic segments that hold them", async () => {
  const rules = { all: [{ field: "first_name", operator: "equals", value: "Ada" }] };
  const segment = await make("/segments", { name: "Adas", rules });
  await make("/contacts", { email: "ada@example.com", first_name: "Ada" });
  await make("/contacts", { email: "bob@example.com", unsubscribed: true });
  expect((await ask("GET", "/contacts/count")).body).toEqual({
    ...{ object: "contact_count", total: 2, unsubscribed: 1 },
  });
  const segmentsOf = async (email: string) =>
    (await ask("GET", `/contacts/${email}/dynamic-segments`)).body.data.map(({ id }: { id: string }) => id);
  expect(await segmentsOf("ada@example.com")).toEqual([segment]);
  expect(await segmentsOf("bob@example.com")).toEqual([]);
  expect((await ask("GET", "/contacts/carol@example.com/dynamic-segments")).status).toBe(404);
});

test("an import that is begun by itself may bring people back, as one that begins at once may", async () => {
  await make("/contacts", { email: "ada@example.com", unsubscribed: true });
  const csv = "email,unsubscribed\nada@example.com,false\n";
  const { body } = await upload("/contacts/imports", [["begin", "false"], file(csv)]);
  await ask("POST", `/contacts/imports/${body.id}/begin`, { resubscribe: true });
  await finish(body.id);
  expect((await ask("GET", `/contacts/imports/${body.id}`)).body).toMatchObject({
    ...{ status: "completed", size: csv.length, counts: { updated: 1 } },
  });
  expect((await ask("GET", "/contacts/ada@example.com")).body.unsubscribed).toBe(false);
});
