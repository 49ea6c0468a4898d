import { expect, test } from "bun:test";
import { receivingDomain } from "../../test/support/inbound-scene.ts";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { testDomain } from "../../test/support/test-domain.ts";
import { newId } from "../ids.ts";
import { createRoute } from "./routes.ts";
import { tryAddress } from "./try-address.ts";

const app = await testApp();
const { teamId } = await testTeam(app);
const { id: domainId } = await receivingDomain(app, teamId, "example.com");
const other = await testTeam(app, "Another team");
await testDomain(app, other.teamId, "theirs.test");
await testDomain(app, teamId, "sends.test");
const hook = newId();
const sales = await createRoute(app, teamId, domainId, { match: "address", value: "sales", action: "store" });
const ads = await createRoute(app, teamId, domainId, { match: "pattern", value: "ad*", action: "drop" });
const bots = await createRoute(app, teamId, domainId, {
  ...{ match: "plus", value: "bot", action: "webhook", webhookId: hook },
});
const rest = await createRoute(app, teamId, domainId, {
  ...{ match: "catch_all", action: "reject", reply: "550 5.1.1 Nobody of that name" },
});

test("an address tells the route that decides about it, and what becomes of its mail", async () => {
  const tried = async (local: string) => {
    const { outcome, route, reply } = await tryAddress(app, teamId, `${local}@example.com`);
    return [outcome, route?.id, reply];
  };
  expect(await tried("SALES")).toEqual(["store", sales.id, undefined]);
  expect(await tried("adverts")).toEqual(["drop", ads.id, undefined]);
  expect(await tried("bot+7")).toEqual(["webhook", bots.id, undefined]);
  expect(await tried("nobody")).toEqual(["reject", rest.id, "550 5.1.1 Nobody of that name"]);
  expect(await tried("postmaster")).toEqual(["store", undefined, undefined]);
});

test("mail to a domain that takes none would be refused, and other teams' domains are not told of", async () => {
  expect(await tryAddress(app, teamId, "a@sends.test")).toMatchObject({
    ...{ outcome: "reject", route: undefined, reply: expect.stringContaining("takes no mail") },
  });
  await expect(tryAddress(app, teamId, "a@theirs.test")).rejects.toThrow("none of this team's domains");
  await expect(tryAddress(app, teamId, "not an address")).rejects.toThrow("must be an address");
});
