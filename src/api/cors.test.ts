import { expect, test } from "bun:test";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { testServer } from "../../test/support/test-server.ts";

const page = "https://app.example.com";

/** The door of an app that lets these pages call, and a key. */
async function openTo(corsOrigins: string[]) {
  const app = await testApp({ config: { server: { corsOrigins } } });
  const { key } = await testTeam(app);
  return { ...testServer(app), key };
}

const preflightOf = (url: string, path: string, origin: string) =>
  fetch(url + path, {
    method: "OPTIONS",
    headers: {
      origin,
      "access-control-request-method": "POST",
      "access-control-request-headers": "authorization,content-type,idempotency-key",
    },
  });

const namesOf = (headers: Headers) => [...headers.keys()].filter((name) => name.startsWith("access-control"));

test.each(["/emails", "/emails/x", "/api-keys", "/nope"])(
  "a preflight for %s is answered without a key",
  async (path) => {
    const { url } = await openTo(["https://other.example", page]);
    const answer = await preflightOf(url, path, page);
    expect(answer.status).toBe(204);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      "access-control-allow-origin": page,
      "access-control-allow-methods": "GET, HEAD, POST, PUT, PATCH, DELETE",
      "access-control-allow-headers": "authorization,content-type,idempotency-key",
      "access-control-max-age": "7200",
      vary: "Origin, Access-Control-Request-Headers",
    });
    expect(answer.headers.has("access-control-allow-credentials")).toBeFalse();
  },
);

test("the page may read successes and errors alike, and the headers that matter", async () => {
  const { url, key } = await openTo([page]);
  for (const [path, authorization] of [
    ["/domains", `Bearer ${key}`],
    ["/domains/x", `Bearer ${key}`],
    ["/domains", "Bearer re_wrong"],
    ["/nope", `Bearer ${key}`],
  ] as const) {
    const { headers } = await fetch(url + path, { headers: { origin: page, authorization } });
    expect(headers.get("access-control-allow-origin")).toBe(page);
    expect(headers.get("access-control-expose-headers")).toBe(
      "ratelimit-limit, ratelimit-policy, ratelimit-remaining, ratelimit-reset, retry-after, x-request-id",
    );
    expect(headers.get("vary")).toBe("Origin");
    expect(headers.get("content-type")).toBe("application/json; charset=utf-8");
  }
});

test.each([
  "https://evil.example",
  "https://app.example.com.evil.example",
  "http://app.example.com",
  "app.example.com",
  "null",
])("the page %s is let in nowhere", async (origin) => {
  const { url } = await openTo([page]);
  const preflight = await preflightOf(url, "/emails", origin);
  expect(preflight.status).toBe(405);
  expect(namesOf(preflight.headers)).toEqual([]);
  expect(preflight.headers.get("vary")).toBe("Origin");
  expect(namesOf((await fetch(`${url}/nope`, { headers: { origin } })).headers)).toEqual([]);
});

test("* lets every page call, and none with credentials", async () => {
  const { url } = await openTo(["*"]);
  for (const { headers } of [
    await preflightOf(url, "/emails", page),
    await fetch(`${url}/emails`, { headers: { origin: "https://any.example" } }),
  ]) {
    expect(headers.get("access-control-allow-origin")).toBe("*");
    expect(headers.has("access-control-allow-credentials")).toBeFalse();
    expect(headers.get("vary") ?? "").not.toContain("Origin");
  }
});

test("without origins no page is let in, and nothing is said of it", async () => {
  const { url } = await openTo([]);
  const preflight = await preflightOf(url, "/emails", page);
  expect(preflight.status).toBe(405);
  expect(namesOf(preflight.headers)).toEqual([]);
  expect(preflight.headers.has("vary")).toBeFalse();
});
