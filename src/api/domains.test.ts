import { afterAll, describe, expect, test } from "bun:test";
import { Resend } from "resend";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { verifyingDomain } from "../domains/jobs.ts";
import { sealingPurpose } from "../domains/service.ts";
import { listKeys } from "../domains/store.ts";
import { newId } from "../ids.ts";
import { startDispatcher } from "../jobs/dispatcher.ts";
import { createKey } from "../keys/service.ts";
import { domainRoutes } from "./domains.ts";
import { makeServer } from "./server.ts";

const app = await testApp();
const team = await testTeam(app);
const other = await testTeam(app);
const server = makeServer(app).use(domainRoutes(app));
const dispatcher = await startDispatcher(app, [verifyingDomain], { node: "a" });
afterAll(() => dispatcher.stop());

/** What the tests reach into; the rest is compared as a whole. */
interface Body {
  id: string;
  name: string;
  records: {
    record: string;
    name: string;
    host: string;
    type: string;
    value: string;
    status: string;
    priority?: number;
  }[];
  data: { id: string; name: string }[];
}

interface Answered {
  status: number;
  text: string;
  body: Body;
}

async function call(
  method: string,
  path: string,
  body?: unknown,
  headers: { authorization?: string } = team.headers,
): Promise<Answered> {
  const response = await server.handle(
    new Request(`http://mailit.test/domains${path}`, {
      method,
      headers: { "content-type": "application/json", ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
    }),
  );
  const text = await response.text();
  return { status: response.status, text, body: JSON.parse(text) };
}

describe("POST /domains", () => {
  test("answers the domain and the records to publish, in the contract's shape", async () => {
    const { status, body } = await call("POST", "", { name: "Shop.Example.com" });
    expect(status).toBe(201);
    expect<unknown>(body).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      name: "shop.example.com",
      status: "not_started",
      created_at: "2026-03-01T12:00:00.000Z",
      region: "us-east-1",
      open_tracking: false,
      click_tracking: false,
      tracking_subdomain: "links",
      tls: "opportunistic",
      capabilities: { sending: "enabled", receiving: "disabled" },
      ...{ checked_at: null, checked_until: null },
      records: [
        {
          record: "SPF",
          name: "send.shop",
          host: "send.shop.example.com",
          type: "MX",
          ttl: "Auto",
          status: "not_started",
          reason: "",
          found: [],
          value: "mail.mailit.test",
          priority: 10,
        },
        {
          record: "SPF",
          name: "send.shop",
          host: "send.shop.example.com",
          type: "TXT",
          ttl: "Auto",
          status: "not_started",
          reason: "",
          found: [],
          value: "v=spf1 a:mail.mailit.test ~all",
        },
        dkim("mailit", "rsa"),
        dkim("mailit-ed25519", "ed25519"),
      ],
      recommended_records: [
        expect.objectContaining({ record: "DMARC", name: "_dmarc.shop", value: "v=DMARC1; p=none;" }),
        expect.objectContaining({ record: "Receiving", name: "shop", type: "MX", priority: 10 }),
      ],
    });
  });

  function dkim(selector: string, algorithm: string) {
    return {
      record: "DKIM",
      name: `${selector}._domainkey.shop`,
      host: `${selector}._domainkey.shop.example.com`,
      type: "TXT",
      ttl: "Auto",
      status: "not_started",
      reason: "",
      found: [],
      value: expect.stringMatching(new RegExp(`^v=DKIM1; k=${algorithm}; p=[A-Za-z0-9+/]+=*$`)),
    };
  }

  test("takes every option, and nulls and unknown fields with them", async () => {
    const { status, body } = await call("POST", "", {
      name: "options.example.com",
      region: "eu-west-1",
      custom_return_path: "bounce",
      open_tracking: true,
      click_tracking: null,
      tracking_subdomain: "links",
      tls: "enforced",
      capabilities: { receiving: "enabled" },
      colour: "red",
    });
    expect(status).toBe(201);
    expect(body).toMatchObject({
      region: "eu-west-1",
      open_tracking: true,
      click_tracking: false,
      tracking_subdomain: "links",
      tls: "enforced",
      capabilities: { sending: "enabled", receiving: "enabled" },
    });
    expect(body.records.map(({ record, name }) => `${record} ${name}`)).toEqual([
      "SPF bounce.options",
      "SPF bounce.options",
      "DKIM mailit._domainkey.options",
      "DKIM mailit-ed25519._domainkey.options",
      "Receiving options",
      "Tracking links.options",
    ]);
    expect<unknown>(body.records.at(-1)).toEqual({
      record: "Tracking",
      name: "links.options",
      host: "links.options.example.com",
      type: "CNAME",
      ttl: "Auto",
      status: "not_started",
      reason: "",
      found: [],
      value: "mail.mailit.test",
    });
  });

  test.each([
    [{}, 422, "missing_required_field", "Missing `name` field."],
    [{ name: "" }, 422, "missing_required_field", "Missing `name` field."],
    [{ name: 5 }, 422, "validation_error", "Invalid `name` field."],
    [{ name: "com" }, 422, "validation_error", "Invalid `name` field."],
    [{ name: "a.example", region: "mars" }, 422, "invalid_region", "Allowed: us-east-1, eu-west-1"],
    [{ name: "a.example", custom_return_path: "1" }, 422, "validation_error", "custom_return_path"],
    [
      { name: "a.example", tracking_subdomain: "links.b.example" },
      422,
      "validation_error",
      "a host under the domain such as `links.a.example`",
    ],
    [{ name: "a.example", tls: "none" }, 422, "validation_error", 'Allowed: "opportunistic", "enforced".'],
    [
      { name: "a.example", capabilities: { sending: "disabled" } },
      422,
      "validation_error",
      "At least one of sending and receiving must be enabled.",
    ],
    [{ name: "Shop.example.com" }, 409, "validation_error", "The domain shop.example.com is already added."],
  ])("refuses %j", async (request, status, name, message) => {
    const { body, ...answer } = await call("POST", "", request);
    expect(answer.status).toBe(status);
    expect<unknown>(body).toEqual({ statusCode: status, name, message: expect.stringContaining(message) });
  });
});

describe("a domain of another team", () => {
  test.each([
    ["GET", ""],
    ["PATCH", ""],
    ["DELETE", ""],
    ["POST", "/verify"],
    ["POST", "/dkim/rotate"],
  ])("is not found by %s /domains/{id}%s", async (method, path) => {
    const { body: theirs } = await call("POST", "", { name: `${newId()}.example.com` }, other.headers);
    const missing = { statusCode: 404, name: "not_found", message: "Domain not found" };
    for (const id of [theirs.id, newId(), "nonsense", "%00"]) {
      expect<unknown>((await call(method, `/${id}${path}`, {})).body).toEqual(missing);
    }
    expect((await call("GET", `/${theirs.id}`, undefined, other.headers)).body).toMatchObject({
      status: "not_started",
    });
  });
});

test("a key that may only send has no business here", async () => {
  const { token } = await createKey(app, team.teamId, { name: "sends", permission: "sending_access" });
  const { status, body } = await call("GET", "", undefined, { authorization: `Bearer ${token}` });
  expect([status, body.name]).toEqual([401, "restricted_api_key"]);
  expect((await call("GET", "", undefined, {})).body.name).toBe("missing_api_key");
});

test("GET /domains lists all without a limit, and pages with one", async () => {
  const owner = await testTeam(app);
  const names = ["1", "2", "3"].map((label) => `list${label}.example.com`);
  for (const name of names) await call("POST", "", { name }, owner.headers);
  const list = async (query: string) => (await call("GET", query, undefined, owner.headers)).body;
  const all = await list("");
  expect(all).toMatchObject({ object: "list", has_more: false });
  expect(all.data.map(({ name }) => name)).toEqual(names.toReversed());
  expect(Object.keys(all.data[0]!)).not.toContain("records");

  expect(await list("?limit=1")).toMatchObject({ has_more: true, data: [{ name: names[2] }] });
  const rest = await list(`?limit=2&after=${all.data[0]!.id}`);
  expect(rest).toMatchObject({ has_more: false, data: [{ name: names[1] }, { name: names[0] }] });
});

test("PATCH /domains/{id} changes what is named and leaves the rest", async () => {
  const { body: created } = await call("POST", "", {
    name: "patch.example.com",
    open_tracking: true,
    tracking_subdomain: "links",
  });
  const path = `/${created.id}`;
  const changed = await call("PATCH", path, { click_tracking: true, tls: "enforced" });
  expect(changed).toMatchObject({ status: 200, body: { object: "domain", id: created.id } });
  expect<unknown>((await call("GET", path)).body).toEqual({
    ...created,
    object: "domain",
    click_tracking: true,
    tls: "enforced",
  });

  await call("PATCH", path, { tracking_subdomain: null, capabilities: { receiving: "enabled" } });
  const { body } = await call("GET", path);
  expect(body).toMatchObject({ status: "not_started", open_tracking: true, tracking_subdomain: "links" });
  expect(body.records.slice(-2)).toMatchObject([
    { record: "Receiving", status: "not_started" },
    { record: "Tracking", name: "links.patch" },
  ]);
  await call("PATCH", path, { tracking_subdomain: "go.to.patch.example.com" });
  expect((await call("GET", path)).body).toMatchObject({ tracking_subdomain: "go.to" });

  const neither = await call("PATCH", path, { capabilities: { sending: "disabled", receiving: "disabled" } });
  expect(neither).toMatchObject({ status: 422, body: { name: "validation_error" } });
  expect((await call("PATCH", path, { tracking_subdomain: "send" })).status).toBe(422);
  expect((await call("PATCH", path, {})).status).toBe(200);
});

test("POST /domains/{id}/dkim/rotate answers the domain with the records of old and new keys", async () => {
  const { body: created } = await call("POST", "", { name: "rotate.example.com" });
  for (const { host, type, value, priority } of created.records)
    app.dns.set(`${host} ${type}`, priority === undefined ? value : `${priority} ${value}`);
  await call("POST", `/${created.id}/verify`);
  await dispatcher.drained();

  const { status, body } = await call("POST", `/${created.id}/dkim/rotate`);
  expect(status).toBe(200);
  expect(body).toMatchObject({ object: "domain", id: created.id, status: "verified" });
  const said = ({ name, status }: { name: string; status: string }) => `${name.split(".")[0]} ${status}`;
  expect(body.records.filter(({ record }) => record === "DKIM").map(said)).toEqual([
    "mailit verified",
    "mailit-ed25519 verified",
    "mailit-2 pending",
    "mailit-2-ed25519 pending",
  ]);
  expect((await call("POST", `/${created.id}/dkim/rotate`, {})).body).toEqual(body);
});

test("no answer carries a private key, sealed or not", async () => {
  const created = await call("POST", "", { name: "secret.example.com" });
  const { id } = created.body;
  const answers = [created.text];
  for (const [method, path] of [
    ["GET", ""],
    ["GET", `/${id}`],
    ["POST", `/${id}/dkim/rotate`],
    ["POST", `/${id}/verify`],
  ] as const) {
    answers.push((await call(method, path)).text);
  }
  const keys = await listKeys(app.db, id);
  expect(keys).toHaveLength(2);
  answers.push((await call("DELETE", `/${id}`)).text);
  for (const text of answers) {
    expect(text).not.toContain("PRIVATE");
    for (const { id, sealedPrivateKey } of keys) {
      expect(text).not.toContain(sealedPrivateKey);
      const [, firstLine] = app.secrets.open(sealedPrivateKey, sealingPurpose(id)).split("\n");
      expect(text).not.toContain(firstLine!);
    }
  }
});

test("the official SDK creates, lists, gets, verifies, updates and removes a domain", async () => {
  const listening = makeServer(app).use(domainRoutes(app)).listen({ port: 0, hostname: "127.0.0.1" });
  const { domains } = new Resend(team.key, { baseUrl: `http://127.0.0.1:${listening.server!.port}` });
  const said = async <T>(asked: Promise<{ data: T | null; error: unknown }>): Promise<T> => {
    const { data, error } = await asked;
    expect(error).toBeNull();
    return data!;
  };

  const created = await said(domains.create({ name: "sdk.example.com", customReturnPath: "out" }));
  const { id } = created;
  for (const record of created.records) {
    const value =
      "priority" in record && record.priority ? `${record.priority} ${record.value}` : record.value;
    app.dns.set(`${record.name}.example.com ${record.type}`, value);
  }
  expect((await said(domains.list())).data).toContainEqual(
    expect.objectContaining({ id, status: "not_started" }),
  );

  expect(await said(domains.verify(id))).toEqual({ object: "domain", id });
  await dispatcher.drained();
  const got = await said(domains.get(id));
  expect(got).toMatchObject({ object: "domain", name: "sdk.example.com", status: "verified" });
  expect(got.records.map(({ status }) => status)).toEqual(["verified", "verified", "verified", "verified"]);

  expect(await said(domains.update({ id, openTracking: true }))).toEqual({ object: "domain", id });
  expect(await said(domains.remove(id))).toEqual({ object: "domain", id, deleted: true });
  expect((await domains.get(id)).error).toMatchObject({ name: "not_found", message: "Domain not found" });
  await listening.stop(true);
});
