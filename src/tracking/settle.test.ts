import { expect, test } from "bun:test";
import { type TestApp, testApp, testTeam } from "../../test/support/test-app.ts";
import { eachTransport } from "../../test/support/transports.ts";
import { addWaiting } from "../../test/support/waiting.ts";
import { atomically } from "../app.ts";
import { rawWrite } from "../db/write.ts";
import { insertLinks } from "../emails/links.ts";
import { emails } from "../emails/schema.ts";
import { counters, emailCounters, events } from "../events/schema.ts";
import { metersOf } from "../meters.ts";
import type { Visit } from "./classify.ts";
import { engagements } from "./schema.ts";
import { settleVisits } from "./settle.ts";

const now = new Date("2026-03-01T12:00:00Z");
const browser = "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/128.0";

/** An email that was delivered a minute ago. */
async function delivered(app: TestApp, lastEvent = "delivered") {
  const { teamId } = await testTeam(app);
  const [{ id, emailId }] = (await addWaiting(app, teamId, { domainId: "d" })) as [
    { id: string; emailId: string },
  ];
  await atomically(app, [
    rawWrite("update deliveries set state = 'delivered', attempts = 1, settled_at = ?", [
      now.getTime() - 60_000,
    ]),
    rawWrite("update emails set last_event = ?", [lastEvent]),
  ]);
  const visit = (changes: Partial<Visit> = {}): Visit => ({
    ...{ kind: "opened", deliveryId: id, address: "198.51.100.7", userAgent: browser, at: app.now() },
    ...changes,
  });
  const click = (changes: Partial<Visit> = {}) =>
    visit({ kind: "clicked", url: "https://a.test/", ...changes });
  return {
    ...{ teamId, id, emailId, visit, click },
    settle: (...visits: Visit[]) => settleVisits(app, new Map([[id, visits]])),
    lastEvent: async () => (await app.db.select().from(emails).get())!.lastEvent,
    told: async () =>
      (await app.db.select().from(events).orderBy(events.id).all()).map(
        ({ type, data }) => `${type} ${data.is_bot ? data.bot_reason : "person"}`,
      ),
  };
}

/** What was counted in all; of the team's emails the same as of its one email. */
async function countsOf(app: TestApp): Promise<Record<string, number>> {
  const sum = (rows: { event: string; total: number }[]) => {
    const totals: Record<string, number> = {};
    for (const { event, total } of rows) totals[event] = (totals[event] ?? 0) + total;
    return totals;
  };
  const totals = sum(await app.db.select().from(counters).all());
  expect(sum(await app.db.select().from(emailCounters).all())).toEqual(totals);
  return totals;
}

eachTransport((_, open) => {
  test("a person's first open and click are unique, later ones count on, and a machine's are counted apart", async () => {
    const app = await testApp({ transport: await open(), now });
    const { settle, visit, click, told, lastEvent } = await delivered(app);
    await settle(visit({ userAgent: "Mozilla/5.0" }));
    expect(await lastEvent()).toBe("delivered");
    await settle(visit());
    expect(await lastEvent()).toBe("opened");
    app.clock.advance(60_000);
    await settle(visit(), click(), click({ url: "https://b.test/" }));
    expect(await lastEvent()).toBe("clicked");
    expect(await told()).toEqual([
      ...["email.opened prefetch", "email.opened person", "email.opened person"],
      ...["email.clicked person", "email.clicked person"],
    ]);
    expect(await countsOf(app)).toEqual({
      ...{ "email.opened_machine": 1, "email.opened": 2, "email.unique_opened": 1 },
      ...{ "email.clicked": 2, "email.unique_clicked": 1 },
    });
    expect(await app.db.select().from(engagements).get()).toMatchObject({
      openedAt: now,
      byPeople: 4,
      byMachines: 1,
    });
  });

  test("two nodes that are told of the first open at once count one unique open", async () => {
    const transport = await open();
    const [app, other] = [
      await testApp({ transport, now }),
      await testApp({ transport: transport.another(), now }),
    ];
    const { id, visit, told } = await delivered(app);
    const group = (address: string) => new Map([[id, [visit({ address })]]]);
    const unsettled = await Promise.all([
      settleVisits(app, group("198.51.100.1")),
      settleVisits(other, group("198.51.100.2")),
    ]);
    expect(unsettled).toEqual([[], []]);
    expect(await told()).toEqual(["email.opened person", "email.opened person"]);
    expect(await countsOf(app)).toEqual({ "email.opened": 2, "email.unique_opened": 1 });
  });

  test("what is worse than delivered stays the last event, and a click is not undone by an open", async () => {
    const app = await testApp({ transport: await open(), now });
    const { settle, visit, click, lastEvent } = await delivered(app, "complained");
    await settle(visit(), click());
    expect(await lastEvent()).toBe("complained");
    await atomically(app, [rawWrite("update emails set last_event = 'clicked'")]);
    app.clock.advance(60_000);
    await settle(visit());
    expect(await lastEvent()).toBe("clicked");
  });
});

test("an event says who, where from, with what and where to", async () => {
  const app = await testApp({ now });
  const { settle, visit, click, id, emailId, teamId } = await delivered(app);
  const userAgent = "Mozilla/5.0 (via ggpht.com GoogleImageProxy)";
  await settle(visit({ userAgent }), click({ address: "209.222.82.5" }));
  const about = { teamId, emailId, deliveryId: id, recipient: "bob@recipient.test" };
  const timestamp = now.toISOString();
  expect(await app.db.select().from(events).orderBy(events.id).all()).toMatchObject([
    {
      ...about,
      type: "email.opened",
      data: {
        open: { ipAddress: "198.51.100.7", timestamp, userAgent },
        ...{ is_bot: false, bot_reason: null, via: "Gmail image proxy" },
      },
    },
    {
      ...about,
      type: "email.clicked",
      data: {
        click: { ipAddress: "209.222.82.5", timestamp, userAgent: browser, link: "https://a.test/" },
        ...{ is_bot: true, bot_reason: "scanner", bot_name: "Barracuda" },
      },
    },
  ]);
});

test("the same from the same is told once a minute, from however many addresses it comes", async () => {
  const app = await testApp({ now });
  const { settle, visit, told } = await delivered(app);
  await settle(visit(), visit({ address: "198.51.100.8" }));
  await settle(visit({ address: "198.51.100.9" }));
  expect(await told()).toHaveLength(1);
  app.clock.advance(60_000);
  await settle(visit());
  expect(await told()).toHaveLength(2);
});

test("a delivery has a hundred events of machines and of people at most, but its first click always", async () => {
  const app = await testApp({ now });
  const { settle, visit, click, told } = await delivered(app);
  for (let n = 0; n < 110; n++) {
    await settle(visit(), visit({ userAgent: "curl/8" }));
    app.clock.advance(60_000);
  }
  await settle(click(), click({ url: "https://b.test/" }));
  const all = await told();
  expect(all.filter((each) => each === "email.opened person")).toHaveLength(100);
  expect(all.filter((each) => each === "email.opened automated_client")).toHaveLength(100);
  expect(all.filter((each) => each === "email.clicked person")).toHaveLength(1);
  expect(await countsOf(app)).toMatchObject({
    "email.opened": 100,
    "email.opened_machine": 100,
    "email.unique_clicked": 1,
  });
  const measured = await metersOf(app).registry.metrics();
  expect(measured).toContain('mailit_visits_total{kind="opened",by="person"} 100\n');
  expect(measured).toContain('mailit_visits_total{kind="opened",by="machine"} 100\n');
  expect(measured).toContain('mailit_visits_total{kind="clicked",by="person"} 1\n');
});

test("who has clicked every link at once is a machine, and stays one for a minute", async () => {
  const app = await testApp({ now });
  const { settle, visit, click, told, lastEvent } = await delivered(app);
  const links = [1, 2, 3].map((n): [string, string] => [`l${n}`, `https://a.test/${n}`]);
  const { contentId } = (await app.db.select().from(emails).get())!;
  await atomically(app, [insertLinks(contentId, links)]);
  await settle(...links.map(([, url]) => click({ url })));
  await settle(visit());
  expect(await told()).toEqual([
    ...Array(3).fill("email.clicked all_links_at_once"),
    "email.opened all_links_at_once",
  ]);
  expect(await lastEvent()).toBe("delivered");
  await settle(visit({ address: "198.51.100.99" }));
  expect(await lastEvent()).toBe("opened");
});

test("of a delivery that is gone nothing is told", async () => {
  const app = await testApp({ now });
  const { visit, told } = await delivered(app);
  const gone = crypto.randomUUID();
  expect(await settleVisits(app, new Map([[gone, [visit({ deliveryId: gone })]]]))).toEqual([]);
  expect(await told()).toEqual([]);
});
