import { expect, test } from "bun:test";
import { testApp } from "../../test/support/test-app.ts";
import { healthRoutes } from "./health.ts";

const asked = async (routes: ReturnType<typeof healthRoutes>, path: string) => {
  const response = await routes.handle(new Request(`http://mailit.test${path}`));
  return [response.status, await response.json()];
};

test("a server whose disk takes no writes is alive but not ready, and ready again when it does", async () => {
  const app = await testApp();
  await app.transport.query("pragma query_only = on", [], "all");
  expect(await asked(healthRoutes(app, { isStopping: false }), "/readyz")).toEqual([
    503,
    { status: "unavailable", storage: "unavailable" },
  ]);
  expect(await asked(healthRoutes(app, { isStopping: false }), "/healthz")).toEqual([200, { status: "ok" }]);
  await app.transport.query("pragma query_only = off", [], "all");
  // A probe of its own each: one keeps its answer for a second.
  expect(await asked(healthRoutes(app, { isStopping: false }), "/readyz")).toEqual([
    200,
    { status: "ok", storage: "ok" },
  ]);
});

test("a server that is stopping asks for no new requests", async () => {
  const app = await testApp();
  const [status, body] = await asked(healthRoutes(app, { isStopping: true }), "/readyz");
  expect([status, body]).toEqual([503, { status: "stopping" }]);
});
