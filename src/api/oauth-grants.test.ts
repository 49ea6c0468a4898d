import { expect, test } from "bun:test";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { testServer } from "../../test/support/test-server.ts";

const app = await testApp();
const { key } = await testTeam(app);
const { ask, sdk } = testServer(app);

test("the official SDK sees that nobody was let in by OAuth", async () => {
  const resend = sdk(key);
  expect((await resend.oauthGrants.list()).data).toEqual({ object: "list", has_more: false, data: [] });
  expect((await resend.oauthGrants.revoke("49a3999c-0ce1-4ea6-ab68-afcd6dc2e794")).error).toEqual({
    statusCode: 404,
    name: "not_found",
    message: "OAuth grant not found. Perhaps it was already revoked?",
  });
});

test("the list reads its page as every list does", async () => {
  expect((await ask("GET", "/oauth/grants?limit=0", { key })).status).toBe(422);
  expect((await ask("GET", "/oauth/grants?limit=5", { key })).body.data).toEqual([]);
});
