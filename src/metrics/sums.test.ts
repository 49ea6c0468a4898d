import { expect, test } from "bun:test";
import { sql } from "drizzle-orm";
import { type TestApp, type TestAppOptions, testApp, testTeam } from "../../test/support/test-app.ts";
import { eachTransport } from "../../test/support/transports.ts";
import { atomically } from "../app.ts";
import { rawWrite } from "../db/write.ts";
import { recordEvent } from "../events/record.ts";
import { newId } from "../ids.ts";
import type { Dimension } from "./names.ts";
import { dayMs, hourMs } from "./periods.ts";
import { getMetrics, type MetricsQuery } from "./read.ts";
import { sumCounters } from "./sums.ts";

const delivered: MetricsQuery = {
  ...{ timezone: "UTC", granularity: "daily", metrics: ["delivered"], dimensions: ["period"] },
  ...{ domainIds: [], emailIds: [], broadcastIds: [], startDate: "2026-02-01", endDate: "2026-04-01" },
};

/** A team on the first of March at noon, and a short way to let things happen and to ask what was counted. */
async function scene(options?: TestAppOptions) {
  const app = await testApp(options);
  const { teamId } = await testTeam(app);
  app.clock.advance(1); // what is counted in this hour lies before now
  const deliver = (about: object = {}) =>
    atomically(app, recordEvent(app, { teamId, emailId: newId(), ...about, type: "email.delivered" }));
  const ask = (query: Partial<MetricsQuery>) => getMetrics(app, teamId, { ...delivered, ...query });
  /** Of the days that have some: `03-01: 2`. */
  const days = async () =>
    (await ask({})).rows!.flatMap(({ period, values }) =>
      values.delivered ? [`${period!.slice(5)}: ${values.delivered}`] : [],
    );
  return { app, deliver, ask, days };
}

const tables = ["counter_hours", "counter_days", "provider_days"] as const;

async function summed({ db }: TestApp): Promise<number[]> {
  const rows = tables.map((table) => db.values<[number | null]>(sql.raw(`select sum(total) from ${table}`)));
  return (await Promise.all(rows)).map(([row]) => row![0] ?? 0);
}

/** Makes all that is summed up a thousand times as much: whoever reads it is told so. */
const inflate = (app: TestApp) =>
  atomically(
    app,
    tables.map((table) => rawWrite(`update ${table} set total = total * 1000`)),
  );

eachTransport((name, open) => {
  test(`days of a zone come to what their hours do, whatever they are broken down by (${name})`, async () => {
    const { app, deliver, ask } = await scene({ transport: await open() });
    const [one, two] = [newId(), newId()];
    for (let n = 0; n < 50; n++) {
      await deliver(n % 3 ? { domainId: one, provider: "gmail" } : { domainId: two, broadcastId: one });
      app.clock.advance(((n % 5) + 1) * 45 * 60_000);
    }
    await sumCounters(app);
    for (const timezone of ["UTC", "Europe/Berlin", "America/Los_Angeles"]) {
      for (const by of ["domain", "broadcast", "provider"] as const) {
        const query = { timezone, dimensions: ["period", by] as Dimension[] };
        const byDay = async (granularity: "hourly" | "daily") => {
          const totals: Record<string, number> = {};
          for (const row of (await ask({ ...query, granularity })).rows!) {
            const of = row.domain?.id ?? row.broadcast?.id ?? row.provider;
            const key = `${row.period!.slice(0, 10)} ${of}`;
            totals[key] = (totals[key] ?? 0) + row.values.delivered!;
          }
          return totals;
        };
        const days = await byDay("daily");
        expect(Object.keys(days).length).toBeGreaterThan(3);
        expect(days).toEqual(await byDay("hourly"));
      }
    }
  });

  test(`metrics are the same whether their counters are summed up or not (${name})`, async () => {
    const { app, deliver, ask } = await scene({ transport: await open() });
    const [one, two] = [newId(), newId()];
    const abouts = [
      ...[{ domainId: one, provider: "gmail" }, { domainId: two }, { domainId: one, broadcastId: two }, {}],
    ];
    for (let n = 0; n < 60; n++) {
      await deliver(abouts[n % 4]);
      if (n % 7 === 0) await deliver(abouts[n % 4]);
      app.clock.advance(((n % 5) + 1) * 45 * 60_000);
    }
    const broken: Dimension[][] = [
      ...[[], ["period"], ["domain"], ["period", "broadcast"], ["provider"], ["provider", "period"]],
    ] as Dimension[][];
    const asked: Partial<MetricsQuery>[] = (["hourly", "daily", "weekly", "monthly"] as const).flatMap(
      (granularity) =>
        ["UTC", "Asia/Kolkata"].flatMap((timezone) =>
          broken.map((dimensions) => ({ granularity, timezone, dimensions })),
        ),
    );
    asked.push({ domainIds: [one] }, { domainIds: [one], broadcastIds: [two], dimensions: [] });
    asked.push({ startDate: "2026-03-01T18:30:00Z", endDate: "2026-03-04T07:10:00Z" });
    asked.push({ startDate: "2026-03-03T00:00:00Z", dimensions: ["domain"] });
    const answers = () => Promise.all(asked.map(ask));

    const before = await answers();
    await sumCounters(app);
    expect(await answers()).toEqual(before);
    await inflate(app);
    const inflated = await Promise.all([
      ask({ granularity: "hourly" }),
      ask({ dimensions: ["domain"] }),
      ask({ dimensions: ["provider"] }),
    ]);
    for (const { totals, rows } of inflated) {
      expect(Math.max(...rows!.map(({ values }) => values.delivered!), totals.delivered!)).toBeGreaterThan(
        1000,
      );
    }
  });
});

test("an hour is summed up once it is over, and what is counted meanwhile is told as well", async () => {
  const { app, deliver, days } = await scene();
  await deliver({ provider: "gmail" });
  app.clock.advance(hourMs);
  await sumCounters(app);
  expect(await summed(app)).toEqual([0, 0, 0]);
  app.clock.advance(600_000);
  await sumCounters(app);
  expect(await summed(app)).toEqual([1, 1, 1]);
  await deliver();
  expect(await days()).toEqual(["03-01: 2"]);
  app.clock.advance(dayMs);
  for (let n = 0; n < 2; n++) {
    await sumCounters(app);
    expect(await summed(app)).toEqual([2, 2, 1]);
  }
  await deliver();
  expect(await days()).toEqual(["03-01: 2", "03-02: 1"]);
});

test("what is counted in an hour after it was summed up is added", async () => {
  const { app, deliver, days, ask } = await scene();
  const [domainId, broadcastId] = [newId(), newId()];
  await deliver({ domainId, provider: "gmail" });
  app.clock.advance(2 * hourMs);
  await sumCounters(app);
  app.clock.advance(-2 * hourMs); // a node whose clock is late
  for (let n = 0; n < 2; n++) {
    await deliver({ domainId, provider: "gmail" });
    await deliver({ domainId, broadcastId, provider: "yahoo" });
  }
  app.clock.advance(2 * dayMs);
  await sumCounters(app);
  expect(await summed(app)).toEqual([5, 5, 5]);
  expect(await days()).toEqual(["03-01: 5"]);
  const { rows } = await ask({ dimensions: ["broadcast"] });
  expect(rows).toEqual([{ broadcast: { id: broadcastId, name: null }, values: { delivered: 2 } }]);
  const { rows: providers } = await ask({ dimensions: ["provider"] });
  expect(providers).toEqual([
    { provider: "gmail", values: { delivered: 3 } },
    { provider: "yahoo", values: { delivered: 2 } },
  ]);
});

test("a clock that was wrong for a while leaves nothing out", async () => {
  const { app, deliver, days } = await scene();
  await deliver();
  const right = app.now();
  for (const wrong of ["2026-03-09T10:00:00Z", "2020-01-01T00:00:00Z"]) {
    app.clock.set(new Date(wrong));
    await sumCounters(app);
    app.clock.set(right);
    await deliver();
    expect(await days()).toEqual([`03-01: ${wrong.startsWith("2026") ? 2 : 3}`]);
  }
  for (let n = 0; n < 13; n++) {
    app.clock.advance(hourMs);
    await deliver();
    await sumCounters(app);
  }
  expect(await days()).toEqual(["03-01: 14", "03-02: 2"]);
  app.clock.advance(30 * dayMs);
  await sumCounters(app);
  expect(await summed(app)).toEqual([16, 16, 0]);
});

test("what there is to do after an upgrade is done some hours at a time, an hour whole", async () => {
  const { app, deliver, days } = await scene();
  await deliver();
  const { teamId } = await testTeam(app, "Many domains");
  await atomically(app, [
    rawWrite(
      `with recursive n(i) as (select 1 union all select i + 1 from n where i < 5000)
       insert into counters (team_id, hour, domain_id, broadcast_id, event, total)
       select ?, ? - i / 1500 * ${hourMs}, i, '', 'email.delivered', 1 from n`,
      [teamId, app.now().getTime() - (app.now().getTime() % hourMs)],
    ),
  ]);
  app.clock.advance(40 * dayMs);
  await sumCounters(app);
  expect(await summed(app)).toEqual([5_001, 5_001, 0]);
  expect(await days()).toEqual(["03-01: 1"]);
});

test("two nodes that sum up at once do it once", async () => {
  const { app, deliver, days } = await scene();
  await deliver();
  app.clock.advance(2 * dayMs);
  await Promise.all([sumCounters(app), sumCounters(app)]);
  expect(await summed(app)).toEqual([1, 1, 0]);
  expect(await days()).toEqual(["03-01: 1"]);
});
