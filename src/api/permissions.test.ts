import { expect, test } from "bun:test";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { testServer } from "../../test/support/test-server.ts";
import { createKey } from "../keys/service.ts";
import { apiRoutes } from "./routes.ts";

const app = await testApp({ config: { rateLimit: { enabled: false } }, sandbox: true });
const { teamId } = await testTeam(app);
const { token: key } = await createKey(app, teamId, { name: "Sender", permission: "sending_access" });
const { ask } = testServer(app);

/** What a key that may only send can ask for; everything else is for full access. */
const sendingEndpoints = ["POST /emails", "POST /emails/batch"];
/** Registered without a caller: whoever signs in has no key yet. */
const open = /^\/(openapi|auth\/(register|login|accept-invite)$)/;
const routes = apiRoutes(app, "0").routes.filter(({ path }) => !open.test(path));
const endpoints = routes.map(({ method, path }) => `${method} ${path.replace(/(?<=.)\/$/, "")}`);
const reached = (endpoint: string, credentials: { key?: string }) => {
  const [method = "", path = ""] = endpoint.split(" ");
  const body = method === "GET" ? undefined : "{";
  return ask(method, path.replaceAll(/:\w+/g, "no-id"), { ...credentials, body });
};

test.each(endpoints.filter((endpoint) => !sendingEndpoints.includes(endpoint)))(
  "%s is not for a key that may only send, which is said before the request is read",
  async (endpoint) => {
    expect(await reached(endpoint, { key })).toMatchObject({
      status: 401,
      body: {
        statusCode: 401,
        name: "restricted_api_key",
        message: "This API key is restricted to only send emails",
      },
    });
  },
);

test.each(endpoints.filter((endpoint) => sendingEndpoints.includes(endpoint)))(
  "%s is for a key that may only send",
  async (endpoint) => {
    expect(await reached(endpoint, { key })).toMatchObject({
      status: 400,
      body: { message: "Request body must be valid JSON." },
    });
  },
);

test.each(endpoints)("%s is for nobody without a key, or with a wrong one", async (endpoint) => {
  const without = await reached(endpoint, {});
  expect(without).toMatchObject({ status: 401, body: { name: "missing_api_key" } });
  expect(without.headers.get("www-authenticate")).toContain('realm=""');
  expect(await reached(endpoint, { key: "re_wrong" })).toMatchObject({
    status: 403,
    body: { name: "invalid_api_key" },
  });
});
