import { describe, expect, test } from "bun:test";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { testDomain } from "../../test/support/test-domain.ts";
import { testServer } from "../../test/support/test-server.ts";
import { newId } from "../ids.ts";

const app = await testApp();
const { ask } = testServer(app);
const { teamId, key } = await testTeam(app);
const other = await testTeam(app, "Other");
const { id: domainId } = await testDomain(app, teamId);
const path = `/domains/${domainId}/routes`;
const endpoint = { endpoint: "https://example.com/hook", events: ["email.received"] };
const { id: webhookId } = (await ask("POST", "/webhooks", { key, body: endpoint })).body;
const { id: theirWebhookId } = (await ask("POST", "/webhooks", { key: other.key, body: endpoint })).body;

const add = async (body: object) => (await ask("POST", path, { key, body })).body;

test("routes are added, listed, read, changed, put into order and removed", async () => {
  const created = await ask("POST", path, {
    key,
    body: { match: "address", value: "Sales@Example.com", action: "webhook", webhook_id: webhookId },
  });
  const { id } = created.body;
  const first = {
    id,
    match: "address",
    value: "sales@example.com",
    action: "webhook",
    webhook_id: webhookId,
    reply: null,
    position: 0,
    created_at: app.now().toISOString(),
  };
  expect([created.status, created.body]).toEqual([201, { object: "route", ...first }]);
  const rest = await add({ match: "catch_all", action: "reject", reply: "550 5.1.1 Nobody of that name" });
  expect(rest).toMatchObject({ value: null, position: 1, reply: "550 5.1.1 Nobody of that name" });

  const { body: list } = await ask("GET", path, { key });
  expect(list).toEqual({ object: "list", has_more: false, data: [first, { ...rest, object: undefined }] });
  expect((await ask("GET", `${path}/${id}`, { key })).body).toEqual(created.body);

  const changed = await ask("PATCH", `${path}/${id}`, { key, body: { action: "drop" } });
  expect(changed.body).toEqual({ ...created.body, action: "drop", webhook_id: null });
  const same = await ask("PATCH", `${path}/${id}`, { key, body: {} });
  expect(same.body).toEqual(changed.body);

  const ordered = await ask("PUT", `${path}/order`, { key, body: { ids: [rest.id, id] } });
  expect(ordered).toMatchObject({ status: 200, body: { object: "list", data: [{ id: rest.id }, { id }] } });

  for (const each of [id, rest.id]) {
    expect(await ask("DELETE", `${path}/${each}`, { key })).toMatchObject({
      status: 200,
      body: { object: "route", id: each, deleted: true },
    });
  }
  expect((await ask("GET", `${path}/${id}`, { key })).status).toBe(404);
  expect((await ask("GET", path, { key })).body.data).toEqual([]);
});

describe("is refused in a sentence:", () => {
  test.each<[object, string]>([
    [{ action: "store" }, "Missing `match` field."],
    [{ match: "catch_all" }, "Missing `action` field."],
    [{ match: "regex", action: "store" }, 'Invalid `match` field. Allowed: "address"'],
    [{ match: "catch_all", action: "forward" }, 'Invalid `action` field. Allowed: "store"'],
    [{ match: "address", value: "a@other.test", action: "store" }, "must be an address of example.com"],
    [{ match: "plus", action: "store" }, "must be a local part"],
    [{ match: "catch_all", action: "webhook" }, "needs a `webhook_id`"],
    [{ match: "catch_all", action: "webhook", webhook_id: theirWebhookId }, "names no webhook of yours"],
    [{ match: "catch_all", action: "webhook", webhook_id: newId() }, "names no webhook of yours"],
    [{ match: "catch_all", action: "reject", reply: "250 welcome" }, "only with one that refuses"],
    [{ match: "address", value: 7, action: "store" }, "Invalid `value` field."],
  ])("%j", async (body, sentence) => {
    expect(await ask("POST", path, { key, body })).toMatchObject({
      status: 422,
      body: { message: expect.stringContaining(sentence) },
    });
  });

  test("an order that leaves a route out, names one twice or is no list", async () => {
    const { id } = await add({ match: "plus", value: "a", action: "store" });
    const { id: second } = await add({ match: "plus", value: "b", action: "store" });
    for (const ids of [[id], [id, id], [id, newId()], "x", undefined]) {
      expect((await ask("PUT", `${path}/order`, { key, body: { ids } })).status).toBe(422);
    }
    for (const each of [id, second]) await ask("DELETE", `${path}/${each}`, { key });
  });
});

test("another team's domain and routes are not there, nor another domain's route", async () => {
  const { id } = await add({ match: "plus", value: "mine", action: "store" });
  const { id: otherDomain } = await testDomain(app, teamId, "second.test");
  const { id: theirDomain } = await testDomain(app, other.teamId, "theirs.test");
  const body = { match: "catch_all", action: "drop" };
  for (const [method, at, who, asked] of [
    ["GET", path, other.key, undefined],
    ["POST", path, other.key, body],
    ["PUT", `${path}/order`, other.key, { ids: [id] }],
    ["GET", `${path}/${id}`, other.key, undefined],
    ["PATCH", `${path}/${id}`, other.key, body],
    ["DELETE", `${path}/${id}`, other.key, undefined],
    ["PATCH", `/domains/${theirDomain}/routes/${id}`, other.key, body],
    ["GET", `/domains/${otherDomain}/routes/${id}`, key, undefined],
    ["PATCH", `/domains/${otherDomain}/routes/${id}`, key, body],
    ["DELETE", `/domains/${otherDomain}/routes/${id}`, key, undefined],
    ["GET", `/domains/${newId()}/routes`, key, undefined],
    ["GET", `${path}/x`, key, undefined],
  ] as const) {
    expect([method, at, (await ask(method, at, { key: who, body: asked })).status]).toEqual([
      method,
      at,
      404,
    ]);
  }
  expect((await ask("GET", `${path}/${id}`, { key })).body.action).toBe("store");
});
