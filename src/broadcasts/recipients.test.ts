import { expect, test } from "bun:test";
import { testContact, testSegment } from "../../test/support/audience-rows.ts";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { testDomain } from "../../test/support/test-domain.ts";
import { eachTransport } from "../../test/support/transports.ts";
import { atomically } from "../app.ts";
import { deleteContact } from "../contacts/save.ts";
import type { Contact } from "../contacts/schema.ts";
import { rawWrite } from "../db/write.ts";
import { recordEvent } from "../events/record.ts";
import type { EventType } from "../events/schema.ts";
import { begin } from "./begin.ts";
import { createBroadcast } from "./change.ts";
import { expand } from "./expand.ts";
import { getBroadcastsTo } from "./person.ts";
import { getBroadcast } from "./read.ts";
import { getClickedLinks, getRecipients, type RecipientFilter } from "./recipients.ts";
import { sendBroadcast } from "./send.ts";

const all = { limit: undefined };
const link = (url: string) => ({ click: { link: url } });

eachTransport((_, open) => {
  async function scene({ subject = "News" } = {}) {
    const app = await testApp({ transport: await open() });
    const { teamId } = await testTeam(app);
    await testDomain(app, teamId, "example.com", { clickTracking: true });
    const contacts: Contact[] = [];
    for (const name of ["ada", "bob", "eve"]) {
      contacts.push(await testContact(app, teamId, `${name}@recipient.test`));
    }
    const segment = await testSegment(app, teamId, contacts);
    const { id } = await createBroadcast(app, teamId, {
      ...{ segmentId: segment.id, from: "ada@example.com", subject },
      html: '<a href="https://a.test/">A</a><a href="https://b.test/">B</a>',
    });
    await sendBroadcast(app, { teamId }, id);
    await begin(app, await getBroadcast(app, teamId, id));
    await expand(app, await getBroadcast(app, teamId, id));
    const { emailId } = await getBroadcast(app, teamId, id);
    const everybody = await app.db.values<[string, string]>("select recipient, id from deliveries");
    const ids = new Map(everybody);
    const happen = (name: string, type: EventType, data: Record<string, unknown> = {}) =>
      atomically(
        app,
        recordEvent(app, {
          ...{ type, teamId, emailId: emailId!, deliveryId: ids.get(`${name}@recipient.test`)! },
          ...{ recipient: `${name}@recipient.test`, broadcastId: id, data },
        }),
      );
    const list = async (filter: RecipientFilter, page: Parameters<typeof getRecipients>[4] = all) =>
      (await getRecipients(app, teamId, id, filter, page)).map(
        ({ id: _id, state: _state, lastReply: _said, contactId, ...rest }) => ({
          ...rest,
          isContact: contacts.some((contact) => contact.id === contactId && contact.email === rest.email),
        }),
      );
    const settle = (name: string, state: string) =>
      atomically(app, [
        rawWrite("update deliveries set state = ? where recipient = ?", [state, `${name}@recipient.test`]),
      ]);
    return { app, teamId, id, ids, happen, list, settle };
  }
  test("who got it is found among thousands who are still waiting, page by page in both directions", async () => {
    const { app, teamId, id } = await scene();
    const { emailId } = await getBroadcast(app, teamId, id);
    await atomically(app, [
      rawWrite(
        `with recursive n (i) as (select 1 union all select i + 1 from n where i < 11000)
         insert into deliveries (id, team_id, email_id, recipient, domain, state, attempts, created_at, contact_id)
         select printf('z%05d', i), ?1, ?2, i || '@many.test', 'many.test',
           iif(i in (1, 5500, 11000), 'delivered', 'queued'), 0, 1, i from n`,
        [teamId, emailId],
      ),
    ]);
    const page = async (keyset: Parameters<typeof getRecipients>[4]) =>
      (await getRecipients(app, teamId, id, { type: "delivered" }, keyset)).map((row) => row.id);
    const [newest, middle, oldest] = ["z11000", "z05500", "z00001"];
    expect(await page({ limit: 1 })).toEqual([newest, middle]);
    expect(await page({ limit: 1, after: middle })).toEqual([oldest]);
    expect(await page({ limit: 1, before: oldest })).toEqual([newest, middle]);
    expect(await page({ limit: 2, before: "z00000" })).toEqual([newest, middle, oldest]);
    expect(await page(all)).toEqual([newest, middle, oldest]);
  });

  test("all are listed, each with where their delivery is now", async () => {
    const { app, teamId, id, settle } = await scene();
    await settle("ada", "delivered");
    const rows = await getRecipients(app, teamId, id, { type: "all" }, all);
    expect(rows.map(({ email, state }) => `${email} ${state}`).sort()).toEqual([
      "ada@recipient.test delivered",
      "bob@recipient.test queued",
      "eve@recipient.test queued",
    ]);
  });

  test("who asks what is known of them is told of their broadcasts, and of nobody else's doings", async () => {
    const { app, teamId, id, ids, happen, settle } = await scene({ subject: "Hi {{{contact.email}}}" });
    await happen("ada", "email.opened", { is_bot: false });
    await happen("bob", "email.bounced");
    await settle("ada", "delivered");
    const email = "ada@recipient.test";
    const at = app.now();
    expect(await getBroadcastsTo(app, { teamId, email })).toEqual([
      {
        ...{ id, deliveryId: ids.get(email)!, name: "Untitled", state: "delivered", createdAt: at },
        values: { email },
        events: [{ type: "email.opened", createdAt: at, data: { is_bot: false } }],
      },
    ]);
    expect(await getBroadcastsTo(app, { teamId, email: "nobody@recipient.test" })).toEqual([]);
    expect(await getBroadcastsTo(app, { teamId: "another", email })).toEqual([]);
  });

  test("what was filled in of a contact goes with the contact, and the others' stays", async () => {
    const { app, teamId } = await scene({ subject: "Hi {{{contact.email}}}" });
    const filled = () => app.db.values("select recipient, merge_values from deliveries order by recipient");
    const of = (name: string) => [
      `${name}@recipient.test`,
      JSON.stringify({ email: `${name}@recipient.test` }),
    ];
    expect(await filled()).toEqual([of("ada"), of("bob"), of("eve")]);
    await deleteContact(app, teamId, "bob@recipient.test");
    expect(await filled()).toEqual([of("ada"), ["bob@recipient.test", null], of("eve")]);
  });

  const of = (name: string, more = {}) => ({ email: `${name}@recipient.test`, isContact: true, ...more });

  test("who was sent to and who got it, newest first, page by page and by address", async () => {
    const { app, teamId, id, list, settle } = await scene();
    expect(await list({ type: "sent" })).toEqual([]);
    await settle("ada", "delivered");
    await settle("bob", "deferred");
    await settle("eve", "delivered");
    expect(await list({ type: "sent" })).toEqual([of("eve"), of("bob"), of("ada")]);
    expect(await list({ type: "delivered" })).toEqual([of("eve"), of("ada")]);
    expect(await list({ type: "delivered", email: "ADA@recipient.test" })).toEqual([of("ada")]);
    const [eve, bob] = await getRecipients(app, teamId, id, { type: "sent" }, { limit: 1 });
    expect(await list({ type: "sent" }, { limit: 5, after: eve!.id })).toEqual([of("bob"), of("ada")]);
    expect(await list({ type: "sent" }, { limit: 5, before: bob!.id })).toEqual([of("eve")]);
  });

  test("bounces by their type, complaints and who left", async () => {
    const { happen, list } = await scene();
    await happen("ada", "email.bounced", { bounce: { type: "Permanent" } });
    await happen("bob", "email.bounced", { bounce: { type: "Transient" } });
    await happen("eve", "email.complained");
    await happen("eve", "email.unsubscribed");
    expect(await list({ type: "bounced" })).toEqual([
      of("bob", { bounceType: "transient" }),
      of("ada", { bounceType: "permanent" }),
    ]);
    expect(await list({ type: "bounced", bounceType: "permanent" })).toEqual([
      of("ada", { bounceType: "permanent" }),
    ]);
    expect(await list({ type: "complained" })).toEqual([of("eve")]);
    expect(await list({ type: "unsubscribed" })).toEqual([of("eve")]);
    expect(await list({ type: "suppressed" })).toEqual([]);
  });

  test("opens and clicks are people's, each recipient once with how often", async () => {
    const { app, teamId, id, happen, list } = await scene();
    await happen("ada", "email.opened", { is_bot: false });
    await happen("ada", "email.opened", { is_bot: false });
    await happen("bob", "email.opened", { is_bot: true });
    for (const url of ["https://a.test/", "https://a.test/", "https://b.test/"]) {
      await happen("ada", "email.clicked", { ...link(url), is_bot: false });
    }
    await happen("bob", "email.clicked", { ...link("https://a.test/"), is_bot: false });
    await happen("eve", "email.clicked", { ...link("https://b.test/"), is_bot: true });
    expect(await list({ type: "opened" })).toEqual([of("ada", { count: 2 })]);
    expect(await list({ type: "clicked" })).toEqual([
      of("bob", { count: 1, clickedLinks: [{ url: "https://a.test/", clicks: 1 }] }),
      of("ada", {
        count: 3,
        clickedLinks: [
          { url: "https://a.test/", clicks: 2 },
          { url: "https://b.test/", clicks: 1 },
        ],
      }),
    ]);
    const clicked = async (email: string) =>
      (await list({ type: "clicked", email })).map((row) => [row.email, row.count]);
    expect(await clicked(" BOB@recipient.test")).toEqual([["bob@recipient.test", 1]]);
    expect(await clicked("eve@recipient.test")).toEqual([]);
    expect(await clicked("nobody@recipient.test")).toEqual([]);
    const links = await getClickedLinks(app, teamId, id, all);
    expect(links.toSorted((a, b) => b.clicks - a.clicks)).toMatchObject([
      { url: "https://a.test/", clicks: 3, uniqueClicks: 2 },
      { url: "https://b.test/", clicks: 1, uniqueClicks: 1 },
    ]);
    const [first, second] = links;
    expect(await getClickedLinks(app, teamId, id, { limit: 1 })).toHaveLength(2); // one more than the page
    expect(await getClickedLinks(app, teamId, id, { limit: 5, after: first!.id })).toEqual([second!]);
    expect(await getClickedLinks(app, teamId, id, { limit: 5, before: second!.id })).toEqual([first!]);
  });

  test("a broadcast that was not sent has none, and another team's is not found", async () => {
    const { app, teamId, id } = await scene();
    const [{ id: segmentId }] = [await testSegment(app, teamId)];
    const draft = await createBroadcast(app, teamId, {
      ...{ segmentId, from: "ada@example.com", subject: "News", text: "Hi" },
    });
    expect(await getRecipients(app, teamId, draft.id, { type: "sent" }, all)).toEqual([]);
    expect(await getClickedLinks(app, teamId, draft.id, all)).toEqual([]);
    const { teamId: other } = await testTeam(app);
    expect(getRecipients(app, other, id, { type: "sent" }, all)).rejects.toThrow("Broadcast not found");
    expect(getClickedLinks(app, other, id, all)).rejects.toThrow("Broadcast not found");
  });
});
