import { describe, expect, test } from "bun:test";
import { testSegment } from "../../test/support/audience-rows.ts";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { testDomain } from "../../test/support/test-domain.ts";
import { testServer } from "../../test/support/test-server.ts";
import { createBroadcast } from "../broadcasts/change.ts";
import { flushLogs } from "../logs/record.ts";

const app = await testApp({ config: { rateLimit: { enabled: false } } });
const { ask } = testServer(app);
const { teamId, key } = await testTeam(app);
const stranger = await testTeam(app);

// Three of each.
const segmentId = (await testSegment(app, teamId)).id;
for (const n of [1, 2, 3]) {
  const { name } = await testDomain(app, teamId, `d${n}.example`);
  const message = { from: `ada@${name}`, subject: "Hi", text: "Hi" };
  await ask("POST", "/emails", { key, body: { ...message, to: "bob@recipient.test" } });
  await ask("POST", "/templates", { key, body: { name: `T${n}`, html: "<p>Hi</p>" } });
  await createBroadcast(app, teamId, { segmentId, ...message });
}
await flushLogs(app);

describe.each(["/emails", "/templates", "/domains", "/broadcasts"])("GET %s", (path) => {
  const idsOf = ({ data }: { data: { id: string }[] }) => data.map(({ id }) => id);

  test("has pages with numbers, of the same rows in the same order", async () => {
    const all = (await ask("GET", `${path}?limit=100`, { key })).body;
    const around = { total: 3, per_page: 2, total_pages: 2 };
    const first = (await ask("GET", `${path}?page=1&per_page=2`, { key })).body;
    expect(first).toEqual({ data: all.data.slice(0, 2), ...around, page: 1, has_more: true });
    const second = (await ask("GET", `${path}?page=2&per_page=2`, { key })).body;
    expect(second).toEqual({ data: all.data.slice(2), ...around, page: 2, has_more: false });
    const beyond = (await ask("GET", `${path}?page=3&per_page=2`, { key })).body;
    expect(beyond).toEqual({ data: [], ...around, page: 3, has_more: false });
    expect(idsOf((await ask("GET", `${path}?per_page=x`, { key })).body)).toEqual(idsOf(all));
  });

  test("shows nothing of another team's, and leads only so far", async () => {
    expect((await ask("GET", `${path}?page=1`, { key: stranger.key })).body).toMatchObject({
      ...{ data: [], total: 0, total_pages: 0, has_more: false },
    });
    expect(await ask("GET", `${path}?page=101&per_page=100`, { key })).toMatchObject({
      status: 422,
      body: { message: expect.stringContaining("`after`") },
    });
  });
});

test("logs have pages with numbers", async () => {
  const { body } = await ask("GET", "/logs?page=2&per_page=4", { key });
  expect(body).toMatchObject({ total: 6, page: 2, total_pages: 2, has_more: false });
  expect(body.data.map(({ endpoint }: { endpoint: string }) => endpoint)).toEqual(["/templates", "/emails"]);
});

test("broadcasts of one status have pages with numbers", async () => {
  const path = (status: string) => `/broadcasts?page=2&per_page=2&status=${status}`;
  expect((await ask("GET", path("draft"), { key })).body).toMatchObject({ total: 3, has_more: false });
  expect((await ask("GET", path("sent"), { key })).body).toMatchObject({ total: 0, data: [] });
});

test.each([
  ["/templates", "name"],
  ["/broadcasts", "name"],
])("%s are searched, by cursors and by numbers", async (path, field) => {
  const owner = await testTeam(app);
  const segment = await testSegment(app, owner.teamId);
  const { name: domain } = await testDomain(app, owner.teamId, `search${path.slice(1)}.example`);
  for (const each of ["March news", "École", "May NEWS", "100% off", "News of June"]) {
    const body =
      path === "/templates"
        ? { name: each, html: "<p>Hi</p>" }
        : { name: each, segment_id: segment.id, from: `ada@${domain}`, subject: `About ${each}`, text: "Hi" };
    expect((await ask("POST", path, { key: owner.key, body })).status).toBe(201);
  }
  const get = async (query: string, asker = owner) => (await ask("GET", `${path}?${query}`, asker)).body;
  const namesOf = ({ data }: { data: Record<string, string>[] }) => data.map((each) => each[field]);
  expect(namesOf(await get("search=news"))).toEqual(["News of June", "May NEWS", "March news"]);
  expect(namesOf(await get("search=%20École%20"))).toEqual(["École"]);
  expect(namesOf(await get("search=100%25"))).toEqual(["100% off"]);
  expect(namesOf(await get("search=_"))).toEqual([]);
  const first = await get("search=news&limit=2");
  expect([namesOf(first), first.has_more]).toEqual([["News of June", "May NEWS"], true]);
  const rest = await get(`search=news&limit=2&after=${first.next}`);
  expect([namesOf(rest), rest.has_more, rest.next]).toEqual([["March news"], false, undefined]);
  expect(await get("search=news&page=2&per_page=2")).toMatchObject({
    ...{ data: [{ [field]: "March news" }], total: 3, total_pages: 2, has_more: false },
  });
  expect((await get(`search=news&before=${first.next}`)).message).toContain("`before`");
  expect((await get("search=news", stranger)).data).toEqual([]);
});

test("broadcasts are searched by subject, and within a status", async () => {
  const get = async (query: string) => (await ask("GET", `/broadcasts?search=hi&${query}`, { key })).body;
  expect((await get("status=draft")).data).toHaveLength(3);
  expect((await get("status=sent")).data).toEqual([]);
  expect((await get("status=sent&page=1")).total).toBe(0);
});

test("a page has a number or a cursor", async () => {
  const { status, body } = await ask("GET", `/emails?page=1&after=${teamId}`, { key });
  expect([status, body.name]).toEqual([422, "validation_error"]);
});

test.each(["/emails?q=hi&page=1", "/logs?method=GET&per_page=2"])(
  "GET %s is refused: a search is not counted",
  async (path) => {
    expect(await ask("GET", path, { key })).toMatchObject({
      status: 422,
      body: { name: "validation_error", message: expect.stringContaining("no `page`") },
    });
  },
);
