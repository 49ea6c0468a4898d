import { expect, test } from "bun:test";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { testDomain } from "../../test/support/test-domain.ts";
import { eachTransport } from "../../test/support/transports.ts";
import type { App } from "../app.ts";
import { updateDomain } from "../domains/update.ts";
import { linkId, linksOf } from "../mail/html-links.ts";
import { findLink, forgetLinks } from "./links.ts";
import { emails, links } from "./schema.ts";
import { sendEmail } from "./send.ts";
import { listDeliveries } from "./store.ts";

const draft = {
  from: "ada@example.com",
  to: ["bob@recipient.test"],
  ...{ cc: [], bcc: [], replyTo: [], subject: "Hi", headers: {}, tags: [], attachments: [] },
  html: '<p><a href="https://a.test/?x=1&amp;y=2#z">Hi</a></p>',
};
const url = "https://a.test/?x=1&y=2#z";
const allLinks = (app: App) => app.db.select().from(links).all();

async function tracking(app: App, changes: Parameters<typeof testDomain>[3]) {
  const { teamId } = await testTeam(app);
  const domain = await testDomain(app, teamId, "example.com", changes);
  const send = async (html = draft.html) => {
    const { id } = await sendEmail(app, { teamId }, { ...draft, html });
    return (await listDeliveries(app.db, teamId, id))[0]!.id;
  };
  return { teamId, domain, send };
}

eachTransport((_, open) => {
  test("the links of a body are stored once for all that have it, and found by a delivery", async () => {
    const app = await testApp({ transport: await open() });
    const { send } = await tracking(app, { clickTracking: true });
    const [first, second] = [await send(), await send()];
    expect((await allLinks(app)).map((row) => [row.id, row.url])).toEqual([[linkId(url), url]]);
    expect(await findLink(app.db, first, linkId(url))).toBe(url);
    expect(await findLink(app.db, second, linkId(url))).toBe(url);
    expect(await findLink(app.db, first, linkId("https://b.test"))).toBeUndefined();
    expect(await findLink(app.db, crypto.randomUUID(), linkId(url))).toBeUndefined();
  });

  test("links are kept for retention.links, and removed a slice at a time", async () => {
    const app = await testApp({ transport: await open(), now: new Date() });
    const { send } = await tracking(app, { clickTracking: true });
    await send('<a href="https://a.test/1"><a href="https://a.test/2"><a href="https://a.test/3">');
    app.clock.advance(729 * 86_400_000); // ids are made by the real clock, which is where this one began
    await forgetLinks(app, 2);
    expect(await allLinks(app)).toHaveLength(3);
    app.clock.advance(2 * 86_400_000);
    await forgetLinks(app, 2);
    expect(await allLinks(app)).toEqual([]);
  });
});

test("without click tracking no link is stored; a body that was stored without gets its links with", async () => {
  const app = await testApp();
  const { teamId, domain, send } = await tracking(app, { openTracking: true });
  await send();
  expect(await allLinks(app)).toEqual([]);
  await updateDomain(app, teamId, domain.id, { clickTracking: true });
  const delivery = await send();
  expect(await findLink(app.db, delivery, linkId(url))).toBe(url);
});

test("the links of big HTML are found as well", async () => {
  const app = await testApp();
  const { send } = await tracking(app, { clickTracking: true });
  const big = draft.html + "<p>x</p>".repeat(20_000);
  await send(big);
  expect((await allLinks(app)).map((row) => [row.id, row.url])).toEqual(linksOf(big));
});

test.each([
  ["a domain that tracks nothing", {}, null],
  ["a host that does not lead here yet", { openTracking: true }, { opens: true, clicks: false, host: null }],
  [
    "a host that does",
    { clickTracking: true, trackingVerifiedAt: new Date(0) },
    { opens: false, clicks: true, host: "links.example.com" },
  ],
  [
    "a host of its owner's choice",
    { clickTracking: true, openTracking: true, trackingLabel: "go.mail", trackingVerifiedAt: new Date(0) },
    { opens: true, clicks: true, host: "go.mail.example.com" },
  ],
])("an email keeps what is tracked of it: %s", async (_, changes, kept) => {
  const app = await testApp();
  const { send } = await tracking(app, changes);
  await send();
  expect((await app.db.select().from(emails).get())?.tracking ?? null).toEqual(kept);
});
