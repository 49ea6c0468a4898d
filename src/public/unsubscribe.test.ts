import { expect, test } from "bun:test";
import { toldOf } from "../../test/support/audience.ts";
import { choose, testContact, testTopic } from "../../test/support/audience-rows.ts";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { addWaiting } from "../../test/support/waiting.ts";
import { makeServer } from "../api/server.ts";
import { atomically } from "../app.ts";
import { findContactByEmail } from "../contacts/store.ts";
import { listTopicsOf } from "../contacts/subscriptions.ts";
import { rawWrite } from "../db/write.ts";
import { leavingUrl } from "../emails/unsubscribe.ts";
import { newId } from "../ids.ts";
import { unsubscribeRoutes } from "./unsubscribe.ts";

const app = await testApp();
const server = makeServer(app).use(unsubscribeRoutes(app));
const email = "ada@recipient.test";

async function scene({ isContact = true } = {}) {
  const { teamId } = await testTeam(app);
  const [news, offers] = [
    await testTopic(app, teamId, { name: "News" }),
    await testTopic(app, teamId, { name: "Offers" }),
  ];
  const contact = isContact ? await testContact(app, teamId, email) : undefined;
  const [delivery] = await addWaiting(app, teamId, {});
  app.clock.advance(1_000);
  const deliveryId = delivery!.id;
  const urlFor = (topicId: string | null = news.id) =>
    leavingUrl(app, { teamId, deliveryId, topicId, address: email });
  const get = (url: string) => server.handle(new Request(url));
  const post = (url: string, form: Record<string, string | string[]> | string) => {
    const body =
      typeof form === "string"
        ? form
        : new URLSearchParams(
            Object.entries(form).flatMap(([name, values]) =>
              [values].flat().map((value) => [name, value] as [string, string]),
            ),
          ).toString();
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    return server.handle(new Request(url, { method: "POST", headers, body }));
  };
  const state = async (): Promise<Record<string, unknown> | undefined> => {
    const found = await findContactByEmail(app.db, teamId, email);
    if (!found) return undefined;
    const topics = await listTopicsOf(app, teamId, email, { limit: undefined });
    return {
      unsubscribed: found.unsubscribed,
      ...Object.fromEntries(topics.map(({ name, subscription }) => [name, subscription])),
    };
  };
  return { teamId, news, offers, contact, deliveryId, urlFor, get, post, state };
}

const oneClick = "List-Unsubscribe=One-Click";

test("GET shows the page and changes nothing, however often a scanner asks", async () => {
  const { urlFor, get, state, teamId } = await scene();
  const before = await state();
  for (const method of ["GET", "HEAD", "GET"]) {
    const answer = method === "HEAD" ? undefined : await get(urlFor());
    expect(answer?.status ?? 200).toBe(200);
  }
  const page = await (await get(urlFor())).text();
  expect(page).toContain("Unsubscribe from News");
  expect(page).toContain(email);
  expect(await state()).toEqual(before);
  expect(await toldOf(app, teamId, "%unsub%")).toEqual([]);
});

test("one click leaves the topic of the message and keeps the others", async () => {
  const { urlFor, post, state, teamId, news } = await scene();
  const answer = await post(urlFor(), oneClick);
  expect(answer.status).toBe(200);
  expect(await answer.text()).toContain("You are unsubscribed.");
  expect(await state()).toEqual({ unsubscribed: false, News: "opt_out", Offers: "opt_in" });
  expect(await toldOf(app, teamId, "contact.%")).toEqual([
    ["contact.topics.updated", { email, topics: [{ id: news.id, subscription: "opt_out" }] }],
  ]);
});

test("one click leaves one topic of hundreds", async () => {
  const { urlFor, post, get, state, teamId } = await scene();
  for (let n = 0; n < 200; n++) await testTopic(app, teamId, { name: `Topic ${n}` });
  const last = await testTopic(app, teamId, { name: "The last" });
  expect(await (await get(urlFor(last.id))).text()).toContain("Unsubscribe from The last");
  await post(urlFor(last.id), oneClick);
  expect(await state()).toMatchObject({ unsubscribed: false, "The last": "opt_out", "Topic 7": "opt_in" });
});

test("one click in a multipart form does the same", async () => {
  const { urlFor, state } = await scene();
  const body = new FormData();
  body.set("List-Unsubscribe", "One-Click");
  expect((await server.handle(new Request(urlFor(), { method: "POST", body }))).status).toBe(200);
  expect(await state()).toMatchObject({ News: "opt_out", Offers: "opt_in" });
});

test("one click on mail without a topic leaves everything", async () => {
  const { urlFor, post, state, teamId } = await scene();
  await post(urlFor(null), oneClick);
  expect(await state()).toEqual({ unsubscribed: true, News: "opt_in", Offers: "opt_in" });
  expect((await toldOf(app, teamId, "contact.%")).map(([type]) => type)).toEqual(["contact.updated"]);
});

test("one click on mail of a topic that was deleted leaves everything", async () => {
  const { urlFor, post, state } = await scene();
  await post(urlFor(newId()), oneClick);
  expect(await state()).toMatchObject({ unsubscribed: true });
});

test("a message makes its recipient leave once, however often they click", async () => {
  const { urlFor, post, teamId } = await scene();
  for (let click = 0; click < 3; click++) await post(urlFor(), oneClick);
  expect(await toldOf(app, teamId, "email.unsubscribed")).toHaveLength(1);
  expect(await toldOf(app, teamId, "contact.topics.updated")).toHaveLength(1);
  await atomically(app, [rawWrite("delete from events where team_id = ?", [teamId])]); // kept for a time alone
  await post(urlFor(), oneClick);
  expect(await toldOf(app, teamId, "email.unsubscribed")).toEqual([]);
});

test("that somebody left and that it is told are one write: neither stands without the other", async () => {
  const { urlFor, post, state, teamId } = await scene();
  const before = await state();
  const trigger = `refuse_${teamId.replaceAll("-", "")}`;
  await atomically(app, [
    rawWrite(`create trigger ${trigger} before insert on events
      when new.type = 'email.unsubscribed' and new.team_id = '${teamId}'
      begin select raise(abort, 'the disk is full'); end`),
  ]);
  expect((await post(urlFor(), oneClick)).status).toBe(500);
  expect(await state()).toEqual(before);
  await atomically(app, [rawWrite(`drop trigger ${trigger}`)]);
  expect((await post(urlFor(), oneClick)).status).toBe(200);
  expect(await state()).toMatchObject({ News: "opt_out" });
  expect(await toldOf(app, teamId, "email.unsubscribed")).toHaveLength(1);
});

test("who is no contact is remembered by becoming one", async () => {
  const { urlFor, post, state } = await scene({ isContact: false });
  expect(await state()).toBeUndefined();
  await post(urlFor(), oneClick);
  expect(await state()).toEqual({ unsubscribed: false, News: "opt_out", Offers: "opt_in" });
});

test("the page's choice joins and leaves what was shown, and nothing else", async () => {
  const { urlFor, post, state, news, offers, contact, teamId } = await scene();
  const hidden = await testTopic(app, teamId, { name: "Hidden", visibility: "private" });
  await choose(app, contact!, news, "opt_out");
  await post(urlFor(), { action: "save", shown: [news.id, offers.id], topic: [news.id] });
  expect(await state()).toEqual({ unsubscribed: false, News: "opt_in", Offers: "opt_out", Hidden: "opt_in" });
  await post(urlFor(), { action: "save", shown: [hidden.id, newId()], topic: [] });
  expect(await state()).toMatchObject({ Hidden: "opt_out", News: "opt_in" });
});

test("a topic that is not public is shown to who is in it, or comes from its mail", async () => {
  const { urlFor, get, contact, teamId } = await scene();
  const hidden = await testTopic(app, teamId, { name: "Hidden", visibility: "private" });
  expect(await (await get(urlFor())).text()).toContain("Hidden");
  await choose(app, contact!, hidden, "opt_out");
  expect(await (await get(urlFor())).text()).not.toContain("Hidden");
  expect(await (await get(urlFor(hidden.id))).text()).toContain("Hidden");
});

test("everything is left by its own button, and taken back by another", async () => {
  const { urlFor, get, post, state } = await scene();
  await post(urlFor(), { action: "leave_all" });
  expect(await state()).toEqual({ unsubscribed: true, News: "opt_in", Offers: "opt_in" });
  expect(await (await get(urlFor())).text()).toContain("Subscribe again");
  await post(urlFor(), { action: "join" });
  expect(await state()).toMatchObject({ unsubscribed: false });
});

test("a forged token changes nothing, and one without a token is told so", async () => {
  const { urlFor, post, get, state } = await scene();
  const forged = `${urlFor().slice(0, -2)}AA`;
  expect((await post(forged, oneClick)).status).toBe(404);
  expect((await get(forged)).status).toBe(404);
  expect((await get("http://mailit.test/unsubscribe")).status).toBe(400);
  expect(await state()).toMatchObject({ unsubscribed: false, News: "opt_in" });
});

test("what is too large for a form is one click, and no fault", async () => {
  const { urlFor, post, state } = await scene();
  expect((await post(urlFor(), `action=save&x=${"x".repeat(100_000)}`)).status).toBe(200);
  expect(await state()).toMatchObject({ News: "opt_out" });
});

test("the page has a strict policy, no scripts, and its address stays private", async () => {
  const { urlFor, get } = await scene();
  const answer = await get(urlFor());
  expect(answer.headers.get("content-security-policy")).toContain("form-action 'self'");
  expect(answer.headers.get("referrer-policy")).toBe("no-referrer");
  const page = await answer.text();
  expect(page).not.toContain("<script");
  expect(page).not.toContain("style=");
  // Every box is named by a label.
  const boxes = [...page.matchAll(/type="checkbox" id="([^"]+)"/g)].map(([, id]) => id!);
  expect(boxes).toHaveLength(2);
  for (const id of boxes) expect(page).toContain(`<label for="${id}">`);
});
