import { expect, test } from "bun:test";
import { Resend } from "resend";
import { type TestApp, testApp, testTeam } from "../../test/support/test-app.ts";
import { testServer } from "../../test/support/test-server.ts";
import { addUser } from "../accounts/service.ts";
import { issueToken } from "../accounts/sessions.ts";
import { listAudit } from "../audit/service.ts";
import { authenticateKey, flushKeyUse } from "../keys/authenticate.ts";
import { createKey } from "../keys/service.ts";
import { keyRoutes } from "./keys.ts";
import { makeServer } from "./server.ts";

/** Calls the door as a client with this token would; gives status and body. */
function clientOf(app: TestApp, token?: string) {
  const server = makeServer(app).use(keyRoutes(app));
  return async (method: string, path: string, body?: unknown) => {
    const response = await server.handle(
      new Request(`http://mailit.test${path}`, {
        method,
        headers: {
          "content-type": "application/json",
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        },
        body: body === undefined ? undefined : JSON.stringify(body),
      }),
    );
    return { status: response.status, headers: response.headers, body: await response.json() };
  };
}

test("a created key works at once and its token is in no later answer", async () => {
  const app = await testApp();
  const { key, teamId } = await testTeam(app);
  const call = clientOf(app, key);
  const made = await call("POST", "/api-keys", {
    name: "CI",
    permission: "sending_access",
    colour: "ignored",
  });
  expect(made.status).toBe(201);
  expect(Object.keys(made.body)).toEqual(["id", "token"]);
  expect(made.headers.get("cache-control")).toBe("no-store");
  expect(await authenticateKey(app, made.body.token)).toMatchObject({ teamId, permission: "sending_access" });
  expect(JSON.stringify((await call("GET", "/api-keys")).body)).not.toContain(made.body.token.slice(10));
});

test("keys are listed newest first, all of them unless a limit says otherwise", async () => {
  const app = await testApp();
  const { key, keyId, teamId } = await testTeam(app);
  const ids = [keyId];
  for (let index = 0; index < 24; index++)
    ids.unshift((await createKey(app, teamId, { name: `${index}` })).id);
  await authenticateKey(app, key);
  await flushKeyUse(app);

  const call = clientOf(app, key);
  const { body } = await call("GET", "/api-keys");
  expect(body).toMatchObject({ object: "list", has_more: false });
  expect(body.data.map(({ id }: { id: string }) => id)).toEqual(ids);
  expect(body.data.at(-1)).toEqual({
    id: keyId,
    name: "test",
    created_at: app.now().toISOString(),
    last_used_at: app.now().toISOString(),
    permission: "full_access",
    domain_id: null,
    allowed_ips: [],
    token_start: key.slice(0, 10),
  });
  expect((await call("GET", `/api-keys/${keyId}`)).body).toEqual({ object: "api_key", ...body.data.at(-1) });
  expect(body.data[0].last_used_at).toBeNull();

  const page = await call("GET", `/api-keys?limit=2&after=${ids[3]}`);
  expect(page.body).toMatchObject({ has_more: true, data: [{ id: ids[4] }, { id: ids[5] }] });
  const back = await call("GET", `/api-keys?limit=2&before=${ids[3]}`);
  expect(back.body).toMatchObject({ has_more: true, data: [{ id: ids[1] }, { id: ids[2] }] });
  expect((await call("GET", "/api-keys?limit=0")).status).toBe(422);
});

test("a renamed key shows its new name, and a deleted one is refused from the next request on", async () => {
  const app = await testApp();
  const { key, teamId } = await testTeam(app);
  const { id, token } = await createKey(app, teamId, { name: "Old" });
  const call = clientOf(app, key);
  expect(await call("PATCH", `/api-keys/${id}`, { name: "New" })).toMatchObject({
    status: 200,
    body: { object: "api_key", id },
  });
  expect((await clientOf(app, token)("GET", "/api-keys")).body.data[0]).toMatchObject({ id, name: "New" });
  expect(await call("DELETE", `/api-keys/${id}`)).toMatchObject({
    status: 200,
    body: { object: "api_key", id, deleted: true },
  });
  expect(await clientOf(app, token)("GET", "/api-keys")).toMatchObject({
    status: 403,
    body: { name: "invalid_api_key", message: "API key is invalid" },
  });
});

test("another team's key, an unknown one and no id at all are equally absent", async () => {
  const app = await testApp();
  const [mine, theirs] = [await testTeam(app), await testTeam(app)];
  const call = clientOf(app, mine.key);
  const absent = { status: 404, body: { statusCode: 404, name: "not_found", message: "API key not found" } };
  for (const id of [theirs.keyId, "0190d4b8-0000-7000-8000-000000000000", "no-id", "%00"]) {
    expect(await call("DELETE", `/api-keys/${id}`)).toMatchObject(absent);
    expect(await call("PATCH", `/api-keys/${id}`, { name: "Mine" })).toMatchObject(absent);
  }
  expect((await clientOf(app, theirs.key)("GET", "/api-keys")).body.data).toHaveLength(1);
});

test("a key that may only send may not even see keys", async () => {
  const app = await testApp();
  const { teamId, keyId } = await testTeam(app);
  const { token } = await createKey(app, teamId, { name: "Sender", permission: "sending_access" });
  const call = clientOf(app, token);
  for (const [method, path] of [
    ["GET", "/api-keys"],
    ["POST", "/api-keys"],
    ["PATCH", `/api-keys/${keyId}`],
    ["DELETE", `/api-keys/${keyId}`],
  ] as const) {
    const { status, body } = await call(method, path);
    expect({ status, ...body }).toEqual({
      status: 401,
      statusCode: 401,
      name: "restricted_api_key",
      message: "This API key is restricted to only send emails",
    });
  }
});

test("a key is refused from outside its networks, whoever claims to have forwarded it", async () => {
  const app = await testApp({ config: { server: { trustedProxies: ["127.0.0.1/32"] } } });
  const { key, keyId } = await testTeam(app);
  const { url } = testServer(app);
  const from = async (forwardedFor: string, method = "GET", body?: unknown) => {
    const answer = await fetch(`${url}/api-keys${method === "GET" ? "" : `/${keyId}`}`, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        "content-type": "application/json",
        "x-forwarded-for": forwardedFor,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    return { status: answer.status, body: await answer.json() };
  };
  const restricted = await from("203.0.113.7", "PATCH", { allowed_ips: ["203.0.113.0/24", "2001:db8::/32"] });
  expect(restricted).toEqual({ status: 200, body: { object: "api_key", id: keyId } });
  expect((await from("203.0.113.7")).body.data).toMatchObject([
    { name: "test", allowed_ips: ["203.0.113.0/24", "2001:db8::/32"] },
  ]);
  expect((await from("2001:db8::9")).status).toBe(200);
  for (const address of ["198.51.100.9", "2001:db9::1"]) {
    expect(await from(address)).toEqual({
      status: 403,
      body: {
        statusCode: 403,
        name: "invalid_permission",
        message: `This API key can't be used from ${address}. Add the address or its network to the key's \`allowed_ips\`, or use another key.`,
      },
    });
  }
  expect((await from("198.51.100.9, 203.0.113.7")).status).toBe(200);
  expect((await from("203.0.113.7, 198.51.100.9")).status).toBe(403);
  expect((await from("203.0.113.7", "PATCH", { allowed_ips: [] })).status).toBe(200);
  expect((await from("198.51.100.9")).status).toBe(200);
});

test("without a key nothing is told", async () => {
  const app = await testApp();
  expect(await clientOf(app)("GET", "/api-keys")).toMatchObject({
    status: 401,
    body: { name: "missing_api_key" },
  });
});

test.each([
  [{}, 422, "missing_required_field", "Missing `name` field."],
  [{ name: 5 }, 422, "validation_error", "Invalid `name` field. 1 to 50 characters."],
  [
    { name: "x".repeat(51) },
    422,
    "validation_error",
    "Invalid `name` field. A name has 1 to 50 characters, in one line.",
  ],
  [
    { name: "CI", permission: "root" },
    422,
    "invalid_access",
    'Access must be "full_access" | "sending_access"',
  ],
  [
    { name: "CI", permission: "sending_access", domain_id: "x" },
    422,
    "invalid_parameter",
    "The `domain_id` must be a valid UUID.",
  ],
  [
    { name: "CI", permission: "sending_access", domain_id: "0190d4b8-0000-7000-8000-000000000000" },
    404,
    "not_found",
    "Domain not found",
  ],
  [
    { name: "CI", allowed_ips: ["10.0.0.0/33"] },
    422,
    "validation_error",
    'Invalid `allowed_ips` field. "10.0.0.0/33" is neither an IP address, such as 203.0.113.7, nor a network, such as 203.0.113.0/24 or 2001:db8::/32.',
  ],
  [{ name: "CI", allowed_ips: "10.0.0.0/8" }, 422, "validation_error", "Invalid `allowed_ips` field."],
])("the request %j is refused", async (request, statusCode, name, message) => {
  const app = await testApp();
  const { key } = await testTeam(app);
  const call = clientOf(app, key);
  expect((await call("POST", "/api-keys", request)).body).toEqual({ statusCode, name, message });
  expect((await call("GET", "/api-keys")).body.data).toHaveLength(1);
});

test("the official SDK makes, lists, and removes keys", async () => {
  const app = await testApp();
  const { key } = await testTeam(app);
  const server = makeServer(app).use(keyRoutes(app)).listen({ hostname: "127.0.0.1", port: 0 });
  try {
    const resend = new Resend(key, { baseUrl: `http://127.0.0.1:${server.server!.port}` });
    const made = await resend.apiKeys.create({ name: "CI", permission: "sending_access" });
    expect(made.error).toBeNull();
    const listed = await resend.apiKeys.list();
    expect(listed.data?.data).toMatchObject([{ id: made.data!.id, name: "CI" }, { name: "test" }]);
    expect((await resend.apiKeys.remove(made.data!.id)).error).toBeNull();
    expect((await resend.apiKeys.remove(made.data!.id)).error).toMatchObject({ name: "not_found" });
  } finally {
    await server.stop(true);
  }
});

test("a developer leaves keys with full access alone, and what is done to keys is in the audit log", async () => {
  const app = await testApp();
  const { teamId, keyId } = await testTeam(app);
  const person = { email: "dev@example.com", password: "correct horse", name: "Dev" };
  const user = await addUser(app, { ...person, teamId, role: "developer" });
  const call = clientOf(app, await issueToken(app, user, teamId));
  const refused = { status: 403, body: { name: "invalid_permission" } };
  expect(await call("PATCH", `/api-keys/${keyId}`, { allowed_ips: [] })).toMatchObject(refused);
  expect(await call("DELETE", `/api-keys/${keyId}`)).toMatchObject(refused);
  const { id } = (await call("POST", "/api-keys", { name: "CI", permission: "sending_access" })).body;
  expect((await call("PATCH", `/api-keys/${id}`, { name: "Builds" })).status).toBe(200);
  expect((await call("DELETE", `/api-keys/${id}`)).status).toBe(200);
  expect(await listAudit(app, teamId, { limit: undefined })).toMatchObject([
    { act: "Revoked the API key “Builds”", email: person.email, subject: id },
    { act: "Changed the API key “CI”", email: person.email, subject: id },
    { act: "Created the API key “CI”", email: person.email },
  ]);
});
