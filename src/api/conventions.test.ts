import { describe, expect, test } from "bun:test";
import { Elysia } from "elysia";
import { sendRaw } from "../../test/support/raw-http.ts";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { testDomain } from "../../test/support/test-domain.ts";
import { testServer } from "../../test/support/test-server.ts";
import { StorageUnavailable } from "../errors.ts";
import { authenticated } from "./auth.ts";
import { apiRoutes } from "./routes.ts";
import { makeServer } from "./server.ts";

const json = "application/json; charset=utf-8";
const app = await testApp({ config: { rateLimit: { enabled: false } }, sandbox: true });
const { teamId, key } = await testTeam(app);
const domain = await testDomain(app, teamId);
const { ask, url } = testServer(app);
const port = Number(new URL(url).port);

/** A request as SDKs in other languages write it: a body and its type on any method. */
function send(method: string, path: string, body: string, more = "") {
  const head = `${method} ${path} HTTP/1.1\r\nhost: m\r\nconnection: close\r\nauthorization: Bearer ${key}\r\n`;
  const fields = `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n${more}`;
  return sendRaw(port, `${head}${fields}\r\n${body}`);
}

describe("a segment of a path", () => {
  const echo = makeServer(app)
    .get("/things/:name/parts", ({ params }) => ({ name: params.name }))
    .listen({ hostname: "127.0.0.1", port: 0 });
  const base = `http://127.0.0.1:${echo.server!.port}/things`;
  test.each([
    ["a+b@c.d", "a+b@c.d"],
    ["a%2Bb%40c.d", "a+b@c.d"],
    ["a%2bb%40c.d", "a+b@c.d"],
    ["a%2Bb@c.d", "a+b@c.d"],
    ["j%C3%B6rg%20x", "jörg x"],
    ["a%2Fb", "a/b"],
    ["100%25", "100%"],
  ])("%s arrives as %s", async (written, name) => {
    const answer = await fetch(`${base}/${written}/parts`);
    expect(await answer.json()).toEqual({ name });
  });

  test.each(["%", "%zz", "a%2", "%ff", "%c3%28"])(
    "%s, which says nothing, is a client's mistake",
    async (bad) => {
      const answer = await fetch(`${base}/${bad}/parts`);
      expect(answer.status).toBeWithin(400, 500);
      expect(answer.headers.get("content-type")).toBe(json);
      expect(await answer.json()).toMatchObject({ statusCode: answer.status, name: expect.any(String) });
    },
  );
});

test("a plus in a query is a space, and a percent-encoded one a plus", async () => {
  const echo = makeServer(app).get("/q", ({ query }) => ({ q: query.q }));
  const ask = async (q: string) => (await echo.handle(new Request(`http://mailit.test/q?q=${q}`))).json();
  expect(await ask("a+b")).toEqual({ q: "a b" });
  expect(await ask("a%2Bb")).toEqual({ q: "a+b" });
});

describe("what SDKs send with a request that needs no body", () => {
  const item = `/domains/${domain.id}`;
  test.each([
    ["GET", "/domains", ""],
    ["GET", "/domains", "{}"],
    ["GET", item, "{}"],
    ["POST", `${item}/verify`, ""],
    ["POST", `${item}/verify`, "{}"],
    ["POST", `${item}/verify`, '{"id":"x","unknown":[1]}'],
  ])("%s %s with the body %p is taken", async (method, path, body) => {
    expect(await send(method, path, body)).toMatchObject({ status: 200, type: json });
  });

  test.each(["", "{}"])("DELETE with the body %p is taken", async (body) => {
    const { id } = await testDomain(app, teamId, `a${body.length}.example.net`);
    const { status, body: answer } = await send("DELETE", `/domains/${id}`, body);
    expect(status).toBe(200);
    expect(JSON.parse(answer)).toMatchObject({ id, deleted: true });
  });
});

test.each([
  ["application/json; charset=utf-8", 200],
  ["APPLICATION/JSON", 200],
  ["application/vnd.api+json", 200],
  ["application/x-www-form-urlencoded", 415],
])("a body of the type %s is answered %d", async (type, status) => {
  const body = JSON.stringify({
    from: `a@${domain.name}`,
    to: "b@example.org",
    subject: "s",
    text: "t",
    x: 1,
  });
  const answer = await ask("POST", "/emails", { key, body, headers: { "content-type": type } });
  expect(answer.status).toBe(status);
  expect(answer.headers.get("content-type")).toBe(json);
});

test("one slash at the end changes nothing; two anywhere are no path of ours", async () => {
  for (const path of ["/domains/", `/domains/${domain.id}/`]) {
    expect((await ask("GET", path, { key })).status).toBe(200);
  }
  for (const path of ["//domains", "/domains//", `/domains//${domain.id}`]) {
    expect(await ask("GET", path, { key })).toMatchObject({
      status: 404,
      body: { statusCode: 404, name: "not_found" },
    });
  }
});

test("a wrong method is told which ones there are", async () => {
  const { status, headers, body } = await ask("PUT", `/domains/${domain.id}`, { key });
  expect({ status, body }).toEqual({
    status: 405,
    body: {
      statusCode: 405,
      name: "method_not_allowed",
      message: "Method is not allowed for the requested path.",
    },
  });
  expect(headers.get("allow")?.split(", ").sort()).toEqual(["DELETE", "GET", "PATCH"]);
});

test("an unknown path says so with and without a key", async () => {
  for (const options of [{}, { key }]) {
    const { status, headers, body } = await ask("GET", "/nope", options);
    expect({ status, body }).toEqual({
      status: 404,
      body: { statusCode: 404, name: "not_found", message: "The requested endpoint does not exist" },
    });
    expect(headers.get("content-type")).toBe(json);
    expect(headers.has("allow")).toBeFalse();
  }
});

test.each([
  [new Error("select secret from somewhere"), 500, "internal_server_error", "An unexpected error occurred."],
  [
    new StorageUnavailable("disk full"),
    503,
    "service_unavailable",
    "The server can't store anything right now. Nothing was sent; try again later.",
  ],
])("%s is answered as JSON that tells nothing of the inside", async (fault, statusCode, name, message) => {
  const server = makeServer(app).use(
    new Elysia().use(authenticated(app, "full_access")).get("/fault", () => Promise.reject(fault)),
  );
  const answer = await server.handle(
    new Request("http://mailit.test/fault", { headers: { authorization: `Bearer ${key}` } }),
  );
  expect(answer.status).toBe(statusCode);
  expect(answer.headers.get("content-type")).toBe(json);
  expect(await answer.json()).toEqual({ statusCode, name, message });
});

const isJson = ({ path }: { path: string }) =>
  !path.startsWith("/openapi") && path !== "/suppressions/export" && path !== "/contacts/export";
const routes = apiRoutes(app, "0").routes.filter(isJson);
test.each(routes.map(({ method, path }) => [method, path] as const))(
  "%s %s answers JSON with something in it, whoever asks",
  async (method, path) => {
    const target = path.replaceAll(/:\w+/g, "no-id");
    for (const options of [{}, { key: "re_wrong" }, { key }, { key, body: "{}" }, { key, body: "[]" }]) {
      if (method === "GET" && "body" in options) continue; // `Request` has none there; the socket has its own test
      const { status, headers, body } = await ask(method, target, options);
      expect(status).not.toBe(204);
      expect(headers.get("content-type")).toBe(json);
      expect(headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
      expect(body).toBeObject();
      if (status >= 400) expect(Object.keys(body).sort()).toEqual(["message", "name", "statusCode"]);
    }
  },
);
