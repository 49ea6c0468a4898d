import { expect, test } from "bun:test";
import { deliveryScene } from "../../test/support/delivery-scene.ts";
import { dnsTable } from "../../test/support/dns-table.ts";
import { type TestApp, type TestAppOptions, testApp, testTeam } from "../../test/support/test-app.ts";
import { testDomain } from "../../test/support/test-domain.ts";
import { eachTransport } from "../../test/support/transports.ts";
import { atomically } from "../app.ts";
import { rawWrite } from "../db/write.ts";
import { recordComplaint } from "../delivery/complaints.ts";
import { bounceQueue, cancelQueue } from "../delivery/queue.ts";
import { findReportedDelivery } from "../delivery/report-store.ts";
import { deleteDomain } from "../domains/service.ts";
import { type NewEvent, recordEvent } from "../events/record.ts";
import { newId } from "../ids.ts";
import { suppress } from "../suppressions/suppress.ts";
import { settleVisits } from "../tracking/settle.ts";
import { type Dimension, knownDimensions, type Metric, metricNames, metricOf } from "./names.ts";
import { hourMs } from "./periods.ts";
import { getMetrics, listTop, type MetricsQuery, type MetricsRow } from "./read.ts";

const everything: MetricsQuery = {
  ...{ timezone: "UTC", granularity: "daily", metrics: [...metricNames], dimensions: [] },
  ...{ domainIds: [], emailIds: [], broadcastIds: [] },
};

/** A team, and a short way to let things happen and to ask what was counted. */
async function scene(options?: TestAppOptions) {
  const app = await testApp(options);
  const { teamId } = await testTeam(app);
  const happen = (type: NewEvent["type"], about: Partial<NewEvent> = {}) =>
    atomically(app, recordEvent(app, { teamId, emailId: newId(), ...about, type }));
  const ask = (query: Partial<MetricsQuery> = {}) => getMetrics(app, teamId, { ...everything, ...query });
  return { app, teamId, happen, ask };
}

test("real deliveries show in every metric that they are of", async () => {
  const here = await deliveryScene({
    rcpt: (line) => {
      if (line.includes("nobody")) return "550 5.1.1 No such user";
      return line.includes("busy") ? "450 4.7.1 Greylisted" : "250 ok";
    },
  });
  const { app, teamId } = here;
  await atomically(app, suppress(app, { teamId, address: "gone@recipient.test", reason: "manual" }));
  const id = await here.send({
    to: ["bob", "carol", "nobody", "busy", "gone"].map((name) => `${name}@recipient.test`),
  });
  const asked = { ...everything, metrics: metricNames.filter((name) => !name.endsWith("_rate")) };
  const counted = {
    ...{ delivered: 2, bounced: 1, bounced_permanent: 1, suppressed: 1, delivery_delayed: 1, sent: 3 },
    ...{ failed: 0, bounced_transient: 0, bounced_undetermined: 0, complained: 0, received: 0 },
    ...{ opened: 0, clicked: 0, unique_opened: 0, unique_clicked: 0, unsubscribed: 0 },
  };
  app.clock.advance(1);
  expect((await getMetrics(app, teamId, asked)).totals).toEqual(counted);
  expect((await getMetrics(app, teamId, { ...asked, emailIds: [id] })).totals).toEqual(counted);

  await bounceQueue(app, { teamId }, "the list was wrong");
  app.clock.advance(1);
  const rates: Metric[] = ["bounced", "bounced_permanent", "sent", "delivery_rate", "bounce_rate"];
  expect((await getMetrics(app, teamId, { ...everything, metrics: rates })).totals).toEqual({
    ...{ bounced: 2, bounced_permanent: 2, sent: 4, delivery_rate: 50, bounce_rate: 50 },
  });
});

test("rates are percentages of two decimals: of what was sent, or of what was delivered; of nothing they are 0", () => {
  const counts = {
    ...{ "email.delivered": 997, "email.bounced": 2, "email.failed": 1 },
    ...{ "email.opened": 900, "email.unique_opened": 500, "email.unique_clicked": 100, "email.clicked": 400 },
    ...{ "email.complained": 1, "email.unsubscribed": 3 },
  };
  const rates = metricNames.filter((name) => name.endsWith("_rate"));
  expect(Object.fromEntries(rates.map((name) => [name, metricOf(name, counts)]))).toEqual({
    ...{ delivery_rate: 99.7, bounce_rate: 0.2, open_rate: 50.15, click_rate: 10.03 },
    ...{ complaint_rate: 0.1, unsubscribe_rate: 0.3 },
  });
  expect(rates.map((name) => metricOf(name, {}))).toEqual([0, 0, 0, 0, 0, 0]);
});

test("a bounce that is reported after the delivery is of no further email", () => {
  const counts = { "email.delivered": 10, "email.bounced": 1, "email.bounced_late": 1 };
  expect(metricOf("sent", counts)).toBe(10);
  expect(metricOf("bounce_rate", counts)).toBe(10);
});

eachTransport((_name, open) => {
  test("periods are all listed, each with its own, in the time zone that was asked for", async () => {
    const { app, happen, ask } = await scene({
      transport: await open(),
      now: new Date("2026-03-08T04:59:00Z"),
    });
    await happen("email.delivered"); // still the 7th in New York
    app.clock.set(new Date("2026-03-10T03:30:00Z"));
    await happen("email.delivered"); // the 9th, the clocks being an hour ahead by now
    await happen("email.delivered");
    app.clock.set(new Date("2026-03-10T12:00:00Z"));
    const query = { dimensions: ["period" as const], metrics: ["delivered" as const] };
    const newYork = await ask({ ...query, timezone: "America/New_York", startDate: "2026-03-07" });
    expect(newYork.rows).toEqual([
      { period: "2026-03-07", values: { delivered: 1 } },
      { period: "2026-03-08", values: { delivered: 0 } },
      { period: "2026-03-09", values: { delivered: 2 } },
      { period: "2026-03-10", values: { delivered: 0 } },
    ]);
    expect((await ask({ ...query, startDate: "2026-03-08" })).rows).toMatchObject([
      { period: "2026-03-08", values: { delivered: 1 } },
      { period: "2026-03-09", values: { delivered: 0 } },
      { period: "2026-03-10", values: { delivered: 2 } },
    ]);
    const weekly = { ...query, granularity: "weekly" as const, startDate: "2026-03-02" };
    expect((await ask(weekly)).rows).toMatchObject([
      { period: "2026-03-02", values: { delivered: 1 } },
      { period: "2026-03-09", values: { delivered: 2 } },
    ]);
    expect((await ask({ ...query, startDate: "1990-01-01", granularity: "monthly" })).rows).toHaveLength(435);
  });

  test("what is no metric of emails has no row", async () => {
    const { app, happen, ask } = await scene({ transport: await open() });
    await happen("email.delivered", { domainId: newId() });
    await happen("suppression.added", { emailId: undefined }); // is counted too, for no domain
    app.clock.advance(1);
    const { rows } = await ask({ dimensions: ["domain"], metrics: ["delivered"] });
    expect(rows).toHaveLength(1);
  });

  test("what happened before the start or at the end is left out", async () => {
    const { app, happen, ask } = await scene({
      transport: await open(),
      now: new Date("2026-03-01T09:59:59Z"),
    });
    const happened: string[] = ["2026-03-01T09:59:59Z", "2026-03-01T10:00:00Z", "2026-03-01T11:00:00Z"];
    for (const at of happened) {
      app.clock.set(new Date(at));
      await happen("email.delivered");
    }
    app.clock.set(new Date("2026-03-02T00:00:00Z"));
    const range = { startDate: "2026-03-01T10:00:00Z", endDate: "2026-03-01T11:00:00Z" };
    const metrics: Metric[] = ["delivered"];
    expect((await ask({ ...range, metrics })).totals).toEqual({ delivered: 1 });
    const ofEmails = await ask({ ...range, metrics, dimensions: ["email"] });
    expect(ofEmails).toMatchObject({ totals: { delivered: 1 }, rows: [{ values: { delivered: 1 } }] });
  });

  test("domains and broadcasts are told apart and filtered by; what is of no broadcast stands in the totals", async () => {
    const { app, teamId, happen, ask } = await scene({ transport: await open() });
    const [kept, removed] = [
      await testDomain(app, teamId, "kept.test"),
      await testDomain(app, teamId, "old.test"),
    ];
    const [first, second] = [newId(), newId()];
    await happen("email.delivered", { domainId: kept.id, broadcastId: first });
    await happen("email.delivered", { domainId: kept.id, broadcastId: second });
    await happen("email.delivered", { domainId: removed.id });
    await happen("email.delivered");
    await deleteDomain(app, teamId, removed.id);
    app.clock.advance(1);

    const delivered = (count: number) => ({ values: { delivered: count } });
    const metrics: Metric[] = ["delivered"];
    const byDomain = await ask({ metrics, dimensions: ["domain"] });
    expect(byDomain.rows).toEqual([
      { domain: null, ...delivered(1) },
      { domain: { id: kept.id, name: "kept.test" }, ...delivered(2) },
      { domain: { id: removed.id, name: null }, ...delivered(1) },
    ]);
    expect(byDomain.totals).toEqual({ delivered: 4 });
    expect((await ask({ metrics, dimensions: ["broadcast"] })).rows).toEqual([
      { broadcast: { id: first, name: null }, ...delivered(1) },
      { broadcast: { id: second, name: null }, ...delivered(1) },
    ]);
    expect((await ask({ metrics, dimensions: ["domain", "period", "broadcast"] })).rows).toHaveLength(2);

    const narrowed = async (query: Partial<MetricsQuery>) =>
      (await ask({ metrics, ...query })).totals.delivered;
    expect(await narrowed({ domainIds: [kept.id] })).toBe(2);
    expect(await narrowed({ domainIds: [kept.id, removed.id] })).toBe(3);
    expect(await narrowed({ broadcastIds: [second] })).toBe(1);
    expect(await narrowed({ domainIds: [removed.id], broadcastIds: [second] })).toBe(0);
    expect(await narrowed({ domainIds: [newId()] })).toBe(0);
  });

  test("single emails are told apart, by domain and period too", async () => {
    const { app, teamId, happen, ask } = await scene({ transport: await open() });
    const domain = await testDomain(app, teamId);
    const [one, two, foreign] = [newId(), newId(), newId()];
    await insertEmails(app, teamId, { [one]: domain.id, [two]: null });
    await happen("email.delivered", { emailId: one, domainId: domain.id });
    app.clock.advance(24 * hourMs);
    await happen("email.opened", { emailId: one, domainId: domain.id, counts: ["email.unique_opened"] });
    await happen("email.delivered", { emailId: two });
    const other = await testTeam(app, "Another team");
    await happen("email.delivered", { emailId: foreign, teamId: other.teamId });
    app.clock.advance(1);

    const metrics: Metric[] = ["delivered", "unique_opened"];
    const row = (emailId: string, delivered: number, opened: number) => ({
      emailId,
      values: { delivered, unique_opened: opened },
    });
    const all = await ask({ metrics, dimensions: ["email"] });
    expect(all.rows).toEqual([row(one, 1, 1), row(two, 1, 0)]);
    expect(all.totals).toEqual({ delivered: 2, unique_opened: 1 });
    expect((await ask({ metrics, dimensions: ["email"], emailIds: [two, foreign] })).rows).toEqual([
      row(two, 1, 0),
    ]);
    expect(
      (await ask({ metrics, dimensions: ["email", "domain"], domainIds: [domain.id] })).rows,
    ).toMatchObject([{ domain: { id: domain.id, name: "example.com" }, emailId: one }]);
    expect((await ask({ metrics, emailIds: [one], dimensions: ["period"] })).rows!.slice(-2)).toMatchObject([
      { values: { delivered: 1, unique_opened: 0 } },
      { values: { delivered: 0, unique_opened: 1 } },
    ]);
    expect((await ask({ metrics, dimensions: ["period", "email"] })).rows).toHaveLength(3);
  });

  test("the emails of many slices are all there, and of more than 10,000 none", async () => {
    const { app, teamId, ask } = await scene({ transport: await open() });
    const fill = (from: number, to: number) =>
      rawWrite(
        `insert into email_counters (email_id, hour, event, team_id, total)
         select printf('%08d', value), ?1, 'email.delivered', ?2, 1 from
         (with recursive n (value) as (select ?3 union all select value + 1 from n where value < ?4) select value from n)`,
        [app.now().getTime() - hourMs, teamId, from, to],
      );
    await atomically(app, [fill(1, 10_000)]);
    const query = { dimensions: ["email" as const], metrics: ["delivered" as const] };
    const full = await ask(query);
    expect(full.rows).toHaveLength(10_000);
    expect(full.totals).toEqual({ delivered: 10_000 });
    await atomically(app, [fill(10_001, 10_001)]);
    await expect(ask(query)).rejects.toThrow("The answer would have more than 10000 rows");
  });

  test("more emails than can be read are refused before they are", async () => {
    const { app, teamId, ask } = await scene({ transport: await open() });
    await atomically(app, [
      rawWrite(
        `insert into email_counters (email_id, hour, event, team_id, total)
         with recursive n(i) as (select 1 union all select i + 1 from n where i < 100001)
         select printf('%04d', i % 1000), ?1 - i / 1000 * ${hourMs}, 'email.delivered', ?2, 1 from n`,
        [app.now().getTime() - hourMs, teamId],
      ),
    ]);
    await expect(ask({ dimensions: ["email"] })).rejects.toThrow("take too much reading");
  });

  test("large providers have rows of their own; of the others the totals tell", async () => {
    const { app, happen, ask } = await scene({ transport: await open() });
    await happen("email.delivered", { provider: "gmail" });
    await happen("email.delivered", { provider: "microsoft" });
    await happen("email.delivered");
    app.clock.advance(200 * hourMs);
    await happen("email.bounced", { provider: "gmail" });
    app.clock.advance(1);
    const query = { metrics: ["delivered" as const, "bounced" as const], startDate: "2026-02-28" };
    const { rows, totals } = await ask({ ...query, dimensions: ["provider"] });
    expect(totals).toEqual({ delivered: 3, bounced: 1 });
    expect(rows).toEqual([
      { provider: "gmail", values: { delivered: 1, bounced: 1 } },
      { provider: "microsoft", values: { delivered: 1, bounced: 0 } },
    ]);
    const byDay = (await ask({ ...query, dimensions: ["provider", "period"] })).rows;
    expect(byDay!.map(({ period, provider }) => `${period} ${provider}`)).toEqual([
      ...["2026-03-01 gmail", "2026-03-01 microsoft", "2026-03-09 gmail"],
    ]);
  });

  test("tags have rows of their own; what has none, or several, stands once in the totals", async () => {
    const { app, happen, ask } = await scene({ transport: await open() });
    const tagged = (...tags: [string, string][]) => ({
      tags: tags.map(([name, value]) => ({ name, value })),
    });
    await happen("email.delivered", tagged(["kind", "invoice"], ["plan", "pro"]));
    await happen("email.delivered", tagged(["kind", "welcome"]));
    await happen("email.delivered");
    app.clock.advance(200 * hourMs);
    await happen("email.bounced", tagged(["kind", "invoice"]));
    app.clock.advance(1);
    const query = { metrics: ["delivered" as const, "bounced" as const], startDate: "2026-02-28" };
    const seen = await ask({ ...query, dimensions: ["tag"] });
    expect(seen.totals).toEqual({ delivered: 3, bounced: 1 });
    expect(seen.rows).toEqual([
      { tag: { name: "kind", value: "invoice" }, values: { delivered: 1, bounced: 1 } },
      { tag: { name: "kind", value: "welcome" }, values: { delivered: 1, bounced: 0 } },
      { tag: { name: "plan", value: "pro" }, values: { delivered: 1, bounced: 0 } },
    ]);
    const kind = await ask({ ...query, dimensions: ["tag", "period"], tag: { name: "kind" } });
    expect(kind.totals).toEqual({ delivered: 2, bounced: 1 });
    expect(kind.rows!.map(({ period, tag }) => `${period} ${tag?.value}`)).toEqual([
      ...["2026-03-01 invoice", "2026-03-01 welcome", "2026-03-09 invoice"],
    ]);
    const invoice = await ask({ ...query, tag: { name: "kind", value: "invoice" } });
    expect(invoice).toMatchObject({ totals: { delivered: 1, bounced: 1 } });
    const days = (await ask({ ...query, dimensions: ["period"], tag: { name: "kind", value: "invoice" } }))
      .rows;
    expect(days!.filter(({ values }) => values.delivered || values.bounced)).toEqual([
      { period: "2026-03-01", values: { delivered: 1, bounced: 0 } },
      { period: "2026-03-09", values: { delivered: 0, bounced: 1 } },
    ]);
    expect((await ask({ ...query, tag: { name: "kin" } })).totals).toEqual({ delivered: 0, bounced: 0 });
  });

  test("what most was sent of comes first; the others are added up by the name of their tag, rates as well", async () => {
    const { app, teamId, happen } = await scene({ transport: await open() });
    const tags = (name: string, value: string) => ({ tags: [{ name, value }] });
    for (let n = 0; n < 3; n++) await happen("email.delivered", tags("kind", "invoice"));
    for (const value of ["reset", "welcome"]) await happen("email.delivered", tags("kind", value));
    await happen("email.bounced", tags("kind", "reset"));
    await happen("email.bounced", tags("plan", "pro"));
    app.clock.advance(1);
    const metrics: Metric[] = ["sent", "delivery_rate"];
    const query = { ...everything, metrics, dimensions: ["tag" as const] };
    expect(await listTop(app, teamId, query, 1)).toEqual({
      rows: [{ tag: { name: "kind", value: "invoice" }, values: { sent: 3, delivery_rate: 100 } }],
      others: [
        { tagName: "kind", rows: 2, values: { sent: 3, delivery_rate: 66.67 } },
        { tagName: "plan", rows: 1, values: { sent: 1, delivery_rate: 0 } },
      ],
      total: 4,
    });
  });

  test("by period the newest come first, and nothing is added up", async () => {
    const { app, teamId, happen } = await scene({ transport: await open() });
    for (let n = 0; n < 3; n++) {
      await happen("email.delivered", { provider: "gmail" });
      await happen("email.bounced", { provider: "microsoft" });
      await happen("email.bounced", { provider: "microsoft" });
      app.clock.advance(24 * hourMs);
    }
    const query = {
      ...everything,
      metrics: ["sent" as const],
      dimensions: ["period", "provider"] as Dimension[],
    };
    const { rows, others, total } = await listTop(app, teamId, query, 3);
    expect(rows.map(({ period, provider }) => `${period} ${provider}`)).toEqual([
      ...["2026-03-03 microsoft", "2026-03-03 gmail", "2026-03-02 microsoft"],
    ]);
    expect({ others, total }).toEqual({ others: [], total: undefined }); // older days were not read
    expect(await listTop(app, teamId, query, 6)).toMatchObject({ rows: { length: 6 }, total: 6 });
  });

  test("a tag with thousands of values is walked to its end, and refused where its rows are too many", async () => {
    const { app, teamId, happen, ask } = await scene({ transport: await open() });
    await happen("email.delivered"); // by now there is an hour that anything was counted in
    const fill = (from: number, to: number) =>
      rawWrite(
        `insert into tag_counters (team_id, name, hour, value, event, total)
         with recursive n(i) as (select ?1 union all select i + 1 from n where i < ?2)
         select ?3, 'order', ?4, printf('%05d', i), 'email.delivered', 1 from n`,
        [from, to, teamId, app.now().getTime() - (app.now().getTime() % hourMs)],
      );
    await atomically(app, [fill(1, 5_000)]);
    app.clock.advance(1);
    const query = { metrics: ["delivered" as const], tag: { name: "order" } };
    expect((await ask(query)).totals).toEqual({ delivered: 5_000 });
    expect((await ask({ ...query, dimensions: ["tag"] })).rows).toHaveLength(5_000);
    await atomically(app, [fill(5_001, 10_001)]);
    expect((await ask(query)).totals).toEqual({ delivered: 10_001 });
    await expect(ask({ ...query, dimensions: ["tag"] })).rejects.toThrow("more than 10000 rows");
    await atomically(app, [fill(10_002, 40_000)]); // two slices to the last counter
    expect((await ask(query)).totals).toEqual({ delivered: 40_000 });
    await atomically(app, [fill(40_001, 40_001)]);
    expect((await ask(query)).totals).toEqual({ delivered: 40_001 });
    const one = await ask({ ...query, tag: { name: "order", value: "09999" }, dimensions: ["tag"] });
    expect(one.rows).toEqual([{ tag: { name: "order", value: "09999" }, values: { delivered: 1 } }]);
  });

  test("tags come to the same by whole days as hour by hour", async () => {
    const { app, happen, ask } = await scene({ transport: await open() });
    const values = ["invoice", "welcome", "reset"];
    for (let n = 0; n < 40; n++) {
      await happen("email.delivered", { tags: [{ name: "kind", value: values[n % 3]! }] });
      if (n % 2 === 0) await happen("email.opened", { tags: [{ name: "kind", value: values[n % 3]! }] });
      app.clock.advance(5 * 3_600_000);
    }
    const start = app.now().getTime() - 180 * 3_600_000;
    const query = {
      ...{ startDate: new Date(start).toISOString(), dimensions: ["tag", "period"] as Dimension[] },
      metrics: ["delivered", "opened"] as Metric[],
    };
    const { rows: hours, totals } = await ask({ ...query, granularity: "hourly" });
    const { rows: days } = await ask({ ...query, granularity: "daily" });
    const { rows: kinds } = await ask({ ...query, dimensions: ["tag"] });
    expect(totals).toEqual({ delivered: 36, opened: 18 });
    expect(addedUp(days!, ({ period, tag }) => `${period} ${tag!.value}`)).toEqual(
      addedUp(hours!, ({ period, tag }) => `${period!.slice(0, 10)} ${tag!.value}`),
    );
    expect(addedUp(kinds!, ({ tag }) => tag!.value)).toEqual(addedUp(hours!, ({ tag }) => tag!.value));
    const one = { ...query, tag: { name: "kind", value: "reset" }, dimensions: [] };
    expect((await ask(one)).totals).toEqual(addedUp(hours!, ({ tag }) => tag!.value).get("reset")!);
    const { rows: abroad } = await ask({ ...query, timezone: "Asia/Kolkata", dimensions: ["period", "tag"] });
    expect(addedUp(abroad!, () => "all")).toEqual(addedUp(hours!, () => "all"));
  });

  test("more names of tags than an answer tells apart are refused, unless one is asked for", async () => {
    const { app, happen, ask } = await scene({ transport: await open() });
    for (let n = 0; n < 21; n++) {
      const tags = Array.from({ length: 10 }, (_, m) => ({ name: `n${n}-${m}`, value: "x" }));
      await happen("email.delivered", { tags });
    }
    app.clock.advance(1);
    await expect(ask({ dimensions: ["tag"] })).rejects.toThrow("more than 200 names");
    expect((await ask({ dimensions: ["tag"], tag: { name: "n3-4" } })).rows).toHaveLength(1);
  });

  test("a team sees nothing of another", async () => {
    const { app, happen } = await scene({ transport: await open() });
    await happen("email.delivered");
    const other = await testTeam(app, "Another team");
    app.clock.advance(1);
    for (const dimension of [...knownDimensions].filter((name) => name !== "period")) {
      const seen = await getMetrics(app, other.teamId, { ...everything, dimensions: [dimension] });
      expect(seen).toMatchObject({ totals: { sent: 0 }, rows: [] });
    }
  });
});

test("a message to a large provider is counted there: its outcome, and what comes of it later", async () => {
  const dns = dnsTable({
    "recipient.test MX": ["10 aspmx.l.google.com"],
    "aspmx.l.google.com A": "127.0.0.1",
  });
  const here = await deliveryScene(
    { rcpt: (line) => (line.includes("nobody") ? "550 5.1.1 No such user" : "250 ok") },
    { dns },
  );
  const { app, teamId } = here;
  const id = await here.send({ to: ["bob@recipient.test", "nobody@recipient.test"] });
  const [bob] = (await here.deliveries(id)).filter(({ state }) => state === "delivered");
  await recordComplaint(app, { ...bob!, domainId: null, broadcastId: null, tags: [], job: null });
  const userAgent = "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/128.0";
  const at = new Date(app.now().getTime() + 60_000);
  const visit = { kind: "opened" as const, deliveryId: bob!.id, address: "198.51.100.7", userAgent, at };
  await settleVisits(app, new Map([[bob!.id, [visit]]]));
  app.clock.advance(1);
  const metrics: Metric[] = ["delivered", "bounced", "complained", "opened"];
  const query = { ...everything, metrics, dimensions: ["provider" as const] };
  expect((await getMetrics(app, teamId, query)).rows).toEqual([
    { provider: "gmail", values: { delivered: 1, bounced: 1, complained: 1, opened: 1 } },
  ]);
});

test("an email counts by its tags: its outcomes, what comes of them later, and what was never sent", async () => {
  const here = await deliveryScene({
    rcpt: (line) => {
      if (line.includes("nobody")) return "550 5.1.1 No such user";
      return line.includes("busy") ? "450 4.7.1 Greylisted" : "250 ok";
    },
  });
  const { app, teamId } = here;
  await atomically(app, suppress(app, { teamId, address: "gone@recipient.test", reason: "manual" }));
  const id = await here.send({
    to: ["bob", "nobody", "busy", "gone"].map((name) => `${name}@recipient.test`),
    tags: [{ name: "kind", value: "invoice" }],
  });
  await here.send({ to: ["bob@recipient.test"] });
  const [bob] = (await here.deliveries(id)).filter(({ state }) => state === "delivered");
  await recordComplaint(app, (await findReportedDelivery(app.db, bob!.id))!);
  const at = new Date(app.now().getTime() + 60_000);
  const userAgent = "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/128.0";
  const visit = { kind: "opened" as const, deliveryId: bob!.id, address: "198.51.100.7", userAgent, at };
  await settleVisits(app, new Map([[bob!.id, [visit]]]));
  await cancelQueue(app, { teamId, state: "deferred" });
  app.clock.advance(1);
  const metrics: Metric[] = [
    "delivered",
    "bounced",
    "delivery_delayed",
    "suppressed",
    "complained",
    "opened",
  ];
  const query = { ...everything, metrics, dimensions: ["tag" as const] };
  const seen = await getMetrics(app, teamId, query);
  expect(seen.totals).toMatchObject({ delivered: 2 });
  expect(seen.rows).toEqual([
    {
      tag: { name: "kind", value: "invoice" },
      values: { delivered: 1, bounced: 1, delivery_delayed: 1, suppressed: 1, complained: 1, opened: 1 },
    },
  ]);
});

test("tags go with periods alone", async () => {
  const { ask } = await scene();
  const tag = { name: "kind" };
  const refused: Partial<MetricsQuery>[] = [
    { dimensions: ["tag", "domain"] },
    { dimensions: ["tag", "provider"] },
    { dimensions: ["provider"], tag },
    { dimensions: ["email"], tag },
    { tag, domainIds: [newId()] },
  ];
  for (const query of refused)
    await expect(ask(query)).rejects.toThrow("can be combined with `period` alone");
});

test("emails and broadcasts are refused together", async () => {
  const { ask } = await scene();
  const ids = [newId()];
  const both: Partial<MetricsQuery>[] = [
    { dimensions: ["email", "broadcast"] },
    { emailIds: ids, broadcastIds: ids },
    { dimensions: ["email"], broadcastIds: ids },
    { dimensions: ["broadcast"], emailIds: ids },
  ];
  for (const query of both) await expect(ask(query)).rejects.toThrow("ask for emails or for broadcasts");
});

async function insertEmails(
  app: TestApp,
  teamId: string,
  domainOf: Record<string, string | null>,
): Promise<void> {
  await atomically(app, [
    rawWrite("insert into contents (id, created_at) values ('c', 0)"),
    ...Object.entries(domainOf).map(([id, domainId]) =>
      rawWrite(
        `insert into emails (id, team_id, domain_id, message_id, sender, recipients, cc, bcc, reply_to, subject,
           content_id, headers, tags, last_event, created_at)
         values (?, ?, ?, '<1@example.com>', 'a@example.com', '[]', '[]', '[]', '[]', 'Hi', 'c', '{}', '[]', 'queued', 0)`,
        [id, teamId, domainId],
      ),
    ),
  ]);
}

/** What rows come to, by what they are called. */
function addedUp(rows: MetricsRow[], nameOf: (row: MetricsRow) => string): Map<string, MetricsRow["values"]> {
  const sums = new Map<string, MetricsRow["values"]>();
  for (const row of rows) {
    const { delivered = 0, opened = 0 } = sums.get(nameOf(row)) ?? {};
    const { values } = row;
    sums.set(nameOf(row), { delivered: delivered + values.delivered!, opened: opened + values.opened! });
  }
  return sums;
}
