import { expect, test } from "bun:test";
import fc from "fast-check";
import { inboundScene } from "../../test/support/inbound-scene.ts";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { testDomain } from "../../test/support/test-domain.ts";
import { eachTransport } from "../../test/support/transports.ts";
import { newId } from "../ids.ts";
import { findRoute } from "./route-match.ts";
import {
  changeRoute,
  createRoute,
  getRoute,
  getRoutes,
  type RouteWishes,
  removeRoute,
  reorderRoutes,
} from "./routes.ts";
import type { InboundRoute } from "./schema.ts";

const webhookId = newId();

eachTransport((_name, open) => {
  test("routes are kept in the order they were made, changed, put into another order and removed", async () => {
    const app = await testApp({ transport: await open() });
    const { teamId } = await testTeam(app);
    const { id: domainId } = await testDomain(app, teamId);
    const add = (wishes: RouteWishes) => createRoute(app, teamId, domainId, wishes);
    const a = await add({ match: "address", value: "Sales@EXAMPLE.com", action: "store" });
    const b = await add({ match: "plus", value: "support", action: "webhook", webhookId });
    const c = await add({ match: "catch_all", action: "reject", reply: "No such person" });
    expect(a).toMatchObject({ position: 0, value: "sales@example.com", webhookId: null, reply: null });
    expect(await getRoutes(app, teamId, domainId)).toEqual([a, b, c]);

    const changed = await changeRoute(app, teamId, b.id, { action: "drop" });
    expect(changed).toMatchObject({ match: "plus", value: "support", action: "drop", webhookId: null });
    expect(await getRoute(app, teamId, b.id)).toEqual(changed);

    const order = [c.id, a.id, b.id];
    expect((await reorderRoutes(app, teamId, domainId, order)).map(({ id }) => id)).toEqual(order);
    await expect(reorderRoutes(app, teamId, domainId, [c.id, a.id, a.id])).rejects.toThrow("every route");
    await expect(reorderRoutes(app, teamId, domainId, [c.id, a.id])).rejects.toThrow("every route");

    await removeRoute(app, teamId, a.id);
    expect((await getRoutes(app, teamId, domainId)).map(({ id }) => id)).toEqual([c.id, b.id]);
    const last = await add({ match: "pattern", value: "x*", action: "drop" });
    expect((await getRoutes(app, teamId, domainId)).at(-1)).toEqual(last);
  });

  test("a domain has at most two hundred", async () => {
    const app = await testApp({ transport: await open() });
    const { teamId } = await testTeam(app);
    const { id: domainId } = await testDomain(app, teamId);
    const add = (n: number) =>
      createRoute(app, teamId, domainId, { match: "address", value: `a${n}`, action: "drop" });
    for (let n = 0; n < 200; n++) await add(n);
    await expect(add(200)).rejects.toThrow("at most 200 routes");
  });
});

test("another team's routes are not there", async () => {
  const app = await testApp();
  const { teamId } = await testTeam(app);
  const other = await testTeam(app, "Other");
  const { id: domainId } = await testDomain(app, teamId);
  const wishes: RouteWishes = { match: "catch_all", action: "drop" };
  const { id } = await createRoute(app, teamId, domainId, wishes);
  await expect(createRoute(app, other.teamId, domainId, wishes)).rejects.toThrow("Domain not found");
  await expect(getRoutes(app, other.teamId, domainId)).rejects.toThrow("Domain not found");
  await expect(reorderRoutes(app, other.teamId, domainId, [id])).rejects.toThrow("Domain not found");
  await expect(getRoute(app, other.teamId, id)).rejects.toThrow("Route not found");
  await expect(changeRoute(app, other.teamId, id, { action: "store" })).rejects.toThrow("Route not found");
  await expect(removeRoute(app, other.teamId, id)).rejects.toThrow("Route not found");
  expect(await getRoute(app, teamId, id)).toMatchObject({ action: "drop" });
});

test.each<[Partial<RouteWishes>, string]>([
  [{ match: "address", value: "a@other.test" }, "must be an address of example.com"],
  [{ match: "address", value: "" }, "must be an address of example.com"],
  [{ match: "address", value: "Ada <a@example.com>" }, "must be an address of example.com"],
  [{ match: "pattern", value: "" }, "must be a local part"],
  [{ match: "pattern", value: "a*@example.com" }, "must be a local part"],
  [{ match: "pattern", value: "*".repeat(65) }, "must be a local part"],
  [{ match: "plus", value: "a+b" }, "before the plus"],
  [{ match: "plus", value: "a*b c" }, "must be a local part"],
  [{ match: "catch_all", value: "x" }, "leave its `value` out"],
  [{ action: "webhook" }, "needs a `webhook_id`"],
  [{ action: "webhook", webhookId: "mine" }, "needs a `webhook_id`"],
  [{ action: "store", webhookId }, 'with the action "webhook" only'],
  [{ action: "drop", reply: "no" }, 'with the action "reject" only'],
  [{ action: "reject", reply: "no\r\n250 yes" }, "one line"],
  [{ action: "reject", reply: "x".repeat(501) }, "at most 500"],
  [{ action: "reject", reply: "250 welcome" }, "only with one that refuses"],
])("%j is refused in a sentence", async (wishes, sentence) => {
  const app = await testApp();
  const { teamId } = await testTeam(app);
  const { id } = await testDomain(app, teamId);
  await expect(
    createRoute(app, teamId, id, { match: "catch_all", action: "store", ...wishes }),
  ).rejects.toThrow(sentence);
});

const route = (match: InboundRoute["match"], value: string): InboundRoute => ({
  ...{ id: `${match} ${value}`, teamId: "", domainId: "", position: 0, match, value, action: "store" },
  ...{ webhookId: null, reply: null, createdAt: new Date(0) },
});

test("the first route that matches decides", () => {
  const routes = [
    route("address", "ada@example.com"),
    route("pattern", "a?a*"),
    route("plus", "ada"),
    route("catch_all", ""),
  ];
  const found = (local: string) => findRoute(routes, { local, domain: "example.com" })?.match;
  expect(found("ADA")).toBe("address");
  expect(found("ada.lovelace")).toBe("pattern");
  expect(found("bob")).toBe("catch_all");
  expect(findRoute([route("plus", "ada")], { local: "Ada+x+y", domain: "example.com" })?.match).toBe("plus");
  expect(findRoute([route("plus", "ada")], { local: "ada", domain: "example.com" })?.match).toBe("plus");
  expect(findRoute([route("plus", "ada")], { local: "adam", domain: "example.com" })).toBeUndefined();
  expect(findRoute([], { local: "ada", domain: "example.com" })).toBeUndefined();
});

test("a pattern fits what a regular expression of the same meaning fits, and takes no longer for a hostile one", () => {
  const letters = fc.string({ unit: fc.constantFrom("a", "b", "*", "?"), maxLength: 8 });
  fc.assert(
    fc.property(letters, fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 8 }), (value, local) => {
      const meaning = new RegExp(`^${value.replaceAll("*", ".*").replaceAll("?", ".")}$`);
      const found = findRoute([route("pattern", value)], { local, domain: "d" });
      expect(found !== undefined).toBe(meaning.test(local));
    }),
  );
  const hostile = route("pattern", `${"*a".repeat(31)}b`);
  expect(findRoute([hostile], { local: "a".repeat(64), domain: "d" })).toBeUndefined();
});

test("mail goes as routes say: refused at RCPT, taken and never kept, kept, or for one endpoint alone", async () => {
  const scene = await inboundScene();
  const { app, teamId, domain } = scene;
  const add = (wishes: RouteWishes) => createRoute(app, teamId, domain.id, wishes);
  await add({ match: "address", value: "old", action: "reject" });
  await add({ match: "address", value: "busy", action: "reject", reply: "450 4.2.1 On holiday" });
  await add({ match: "pattern", value: "noreply*", action: "drop" });
  await add({ match: "plus", value: "hook", action: "webhook", webhookId });
  await add({ match: "pattern", value: "in-*", action: "store" });
  await add({ match: "catch_all", action: "reject", reply: "Nobody of that name" });

  expect(await scene.hand("hi", "old@example.com")).toStartWith("550 5.1.1 There is no such mailbox");
  expect(await scene.hand("hi", "busy@example.com")).toBe("450 4.2.1 On holiday");
  expect(await scene.hand("hi", "bob@example.com")).toBe("550 5.1.1 Nobody of that name");
  expect(await scene.hand("hi", "noreply-1@example.com")).toStartWith("250 2.0.0 Taken as ");
  expect(await scene.rows()).toEqual([]);
  // RFC 2142: a catch-all that refuses keeps these open.
  expect(await scene.hand("Subject: to postmaster\r\n\r\nhi", "postmaster@example.com")).toStartWith("250 ");

  const to = ["in-1@example.com", "noreply@example.com", "hook+7@example.com"];
  expect(await scene.hand("Subject: both\r\n\r\nhi", to)).toStartWith("250 ");
  await scene.read();
  expect((await scene.rows()).map(({ subject, receivedFor }) => [subject, receivedFor])).toEqual([
    ["to postmaster", ["postmaster@example.com"]],
    ["both", ["in-1@example.com"]],
    ["both", ["hook+7@example.com"]],
  ]);
  expect(await scene.received()).toHaveLength(3);
});

test("a route that comes between RCPT and the message makes the sender try again", async () => {
  const scene = await inboundScene();
  const client = await scene.connect();
  await client.say("EHLO mx.sender.test\r\n");
  await client.say("MAIL FROM:<a@sender.test>\r\n");
  expect(await client.say("RCPT TO:<a@example.com>\r\n")).toStartWith("250 ");
  await createRoute(scene.app, scene.teamId, scene.domain.id, { match: "catch_all", action: "reject" });
  await client.say("DATA\r\n");
  expect(await client.say("hi\r\n.\r\n")).toStartWith("451 4.3.0 ");
  expect(await scene.rows()).toEqual([]);
});
