import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type RawAnswer as Answer, sendRaw } from "../../test/support/raw-http.ts";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { testDomain } from "../../test/support/test-domain.ts";
import { testServer } from "../../test/support/test-server.ts";
import { apiRoutes } from "./routes.ts";

const app = await testApp({
  config: {
    server: { maxBodyBytes: 100_000 },
    rateLimit: { enabled: false },
    auth: { registration: "closed" },
  },
});
const { teamId, key } = await testTeam(app);
const domain = await testDomain(app, teamId);
const { url } = testServer(app);
const port = Number(new URL(url).port);
const routes = apiRoutes(app, "0").routes.filter(({ path }) => !path.startsWith("/openapi"));

function request(
  method: string,
  path: string,
  { body = "", headers = {} }: { body?: string; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const fields = {
    host: "mailit.test",
    connection: "close",
    authorization: `Bearer ${key}`,
    "content-type": "application/json",
    "content-length": String(Buffer.byteLength(body)),
    ...headers,
  };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  return sendRaw(port, `${method} ${path} HTTP/1.1\r\n${lines.join("")}\r\n${body}`);
}

/** What every answer but a success must be: the contract's JSON, without a word of what is inside. */
function expectRefusal({ status, type, body }: Answer, wanted?: number): void {
  expect(status).toBeWithin(400, 500);
  if (wanted !== undefined) expect(status).toBe(wanted);
  expect(type).toBe("application/json; charset=utf-8");
  expect(JSON.parse(body)).toEqual({
    statusCode: status,
    name: expect.stringMatching(/^[a-z_]+$/),
    message: expect.stringMatching(/^[^\n]{5,500}$/),
  });
  expect(body).not.toMatch(/sqlite|elysia|node_modules|\.ts\b|select |stack|RangeError|TypeError/i);
}

const deep = `${"[".repeat(20_000)}${"]".repeat(20_000)}`;
const email = { from: `a@${domain.name}`, to: "b@example.org", subject: "s", text: "t" };
const withField = (field: string, json: string) =>
  `${JSON.stringify(email).slice(0, -1)},"${field}":${json}}`;

describe("any JSON to any route", () => {
  const fields = [...Object.keys(email), "headers", "tags", "attachments", "scheduled_at", "topic_id"];
  const more = ["name", "region", "capabilities", "tls", "permission", "domain_id", "password", "team_name"];
  const value = fc.oneof(
    fc.jsonValue({ maxDepth: 3 }),
    fc.string({ unit: "binary" }),
    fc.constantFrom("\ud800", "\0", "a\r\nBcc: x@y.z", "__proto__", 1e308, -0, [], {}, [null], [[]]),
  );
  const objects = fc.dictionary(fc.constantFrom(...fields, ...more, "__proto__", "constructor"), value);
  const bodies = fc.oneof(
    objects.map((o) => JSON.stringify(o)),
    fc.json(),
    fc.string({ unit: "binary" }),
  );

  test.each(routes.map(({ method, path }) => [method, path] as const))(
    "%s %s never fails",
    async (method, path) => {
      const target = path.replace(":id", domain.id.replace(/.$/, "x"));
      await fc.assert(
        fc.asyncProperty(bodies, async (body) => {
          const answer = await request(method, target, { body });
          if (answer.status < 300) return;
          expectRefusal(answer);
        }),
        { numRuns: 25, seed: 7 },
      );
    },
  );
});

test("any path and query is answered in JSON", async () => {
  const piece = fc.oneof(
    fc.constantFrom(
      "%",
      "%zz",
      "%00",
      "%ff",
      "%2F",
      "..",
      "//",
      "a+b@c.d",
      "emails",
      "domains",
      "?",
      "limit=",
      "&",
    ),
    fc.string({ unit: fc.constantFrom(..."abc/?&=%@+:;,.~[]'*()!$_-") }),
  );
  const known = fc.constantFrom("/emails", "/emails/", "/domains/", "/api-keys/", "/nope/", "/");
  await fc.assert(
    fc.asyncProperty(known, fc.array(piece, { maxLength: 6 }), async (start, pieces) => {
      const answer = await request("GET", start + pieces.join(""));
      if (answer.status !== 200) expectRefusal(answer);
    }),
    { numRuns: 150, seed: 7 },
  );
});

test.each([
  ["an unknown path", "GET", "/nope", 404],
  ["a double slash", "GET", "//emails", 404],
  ["a path in capitals", "GET", "/EMAILS", 404],
  ["PUT", "PUT", "/emails", 405],
  ["TRACE", "TRACE", "/emails", 405],
  ["OPTIONS on an item", "OPTIONS", `/emails/${domain.id}`, 405],
])("%s is refused", async (_, method, path, status) => {
  expectRefusal(await request(method, path), status);
});

test("HEAD answers the status of GET, and no body", async () => {
  expect(await request("HEAD", "/emails")).toMatchObject({ status: 200, body: "" });
  expect(await request("HEAD", "/nope")).toMatchObject({ status: 404, body: "" });
});

test.each([
  ["deeply nested JSON in a field nobody reads, under an idempotency key", withField("x", deep), 400],
  ["a deeply nested field", withField("subject", deep), 400],
  ["no JSON", "{", 400],
  ["a thousand attachments", withField("attachments", `[${Array(1000).fill('{"content":""}')}]`), 422],
  [
    "an endless file name",
    withField("attachments", `[{"content":"","filename":"${"a".repeat(2000)}"}]`),
    422,
  ],
  ["a topic that is no id", withField("topic_id", '"\\u0000"'), 422],
  ["a doubled field, of which the last counts", withField("to", "5"), 422],
  ["ten thousand recipients", withField("to", `[${Array(9_000).fill('"a@b.cc"')}]`), 422],
  ["a body over the limit", withField("text", `"${"a".repeat(100_000)}"`), 413],
])("an email with %s is refused", async (_, body, status) => {
  expectRefusal(await request("POST", "/emails", { body, headers: { "idempotency-key": "k" } }), status);
});

test("validation meets deeply nested JSON without overflowing the stack", async () => {
  expectRefusal(await request("POST", "/domains", { body: `{"name":${deep}}` }), 400);
});

test.each(["text/plain", "multipart/form-data; boundary=x", "application/jsonp"])(
  "a body of type %s is refused",
  async (type) => {
    const body = JSON.stringify(email);
    expectRefusal(await request("POST", "/emails", { body, headers: { "content-type": type } }), 415);
  },
);

test("a compressed body is refused as such", async () => {
  const headers = { "content-encoding": "gzip" };
  expectRefusal(await request("POST", "/emails", { body: "\x1f\x8b", headers }), 415);
});

test("a chunked body is cut off where it passes the limit", async () => {
  const chunk = `4e20\r\n${"a".repeat(20_000)}\r\n`;
  const head = `POST /emails HTTP/1.1\r\nhost: m\r\nauthorization: Bearer ${key}\r\ntransfer-encoding: chunked\r\n`;
  expectRefusal(await sendRaw(port, `${head}connection: close\r\n\r\n${chunk.repeat(6)}0\r\n\r\n`), 413);
});

test("an authorization without a word in it is none", async () => {
  expectRefusal(await request("GET", "/emails", { headers: { authorization: "" } }), 401);
});

test.each(["Bearer", "Basic eDp4", "Bearer a b", "Bearer re_", "Bearer a.b.c"])(
  "the authorization %p lets nobody in",
  async (authorization) =>
    expectRefusal(await request("GET", "/emails", { headers: { authorization } }), 403),
);

test("an extremely long key lets nobody in", async () => {
  const authorization = `Bearer re_${"a".repeat(9_000)}`;
  expectRefusal(await request("GET", "/emails", { headers: { authorization } }), 403);
});

test("names hold no half characters", async () => {
  expectRefusal(await request("POST", "/api-keys", { body: '{"name":"\\ud800"}' }), 422);
});

// Bun makes a request's URL from the host the client wrote, and Elysia looks for the path behind it.
test.each(["m", "api"])("the host %p changes no answer", async (host) => {
  const headers = { host };
  expectRefusal(await request("PUT", "/emails", { headers }), 405);
  expectRefusal(await request("GET", "/nope", { headers }), 404);
  expect(await request("GET", "/emails/", { headers })).toMatchObject({ status: 200 });
});

test.each(["", "a b", "[::", "/@:99999", "?", "#"])(
  "the host %p, which is none, is no fault of ours",
  async (host) => {
    for (const path of ["/nope", "/emails//", "/emails/x"]) {
      expectRefusal(await request("GET", path, { headers: { host } }));
    }
    expectRefusal(await request("PUT", "/emails", { headers: { host } }));
  },
);

test("another team's ids are as unknown as ids that never were", async () => {
  const other = await testTeam(app);
  const headers = { authorization: `Bearer ${other.key}` };
  for (const method of ["GET", "PATCH", "DELETE"]) {
    expectRefusal(await request(method, `/domains/${domain.id}`, { body: "{}", headers }), 404);
  }
  expectRefusal(await request("POST", "/emails", { body: JSON.stringify(email), headers }), 403);
});
