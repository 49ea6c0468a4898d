import { expect, spyOn, test } from "bun:test";
import { testApp } from "../../test/support/test-app.ts";
import { eachTransport } from "../../test/support/transports.ts";
import { type App, atomically } from "../app.ts";
import { newId, newIdAt } from "../ids.ts";
import { getLog, getLogs } from "./read.ts";
import type { Log } from "./schema.ts";
import { insertLogs, type LogFilter } from "./store.ts";

const start = new Date("2026-03-01T12:00:00Z").getTime();

/** Logs of a team, a second apart, the oldest first. */
async function write(
  app: App,
  teamId: string,
  count: number,
  more: (n: number) => Partial<Log> = () => ({}),
) {
  const logs = Array.from({ length: count }, (_, n): Log => {
    const createdAt = new Date(start + n * 1_000);
    return {
      teamId,
      id: newIdAt(createdAt),
      keyId: null,
      method: "GET",
      path: "/emails",
      status: 200,
      durationMs: 1,
      userAgent: null,
      address: null,
      requestBody: null,
      responseBody: null,
      createdAt,
      ...more(n),
    };
  });
  await atomically(app, insertLogs(logs));
  return logs.map(({ id }) => id);
}

/** Every page from the newest on, by `next`. */
async function walk(app: App, teamId: string, filter: LogFilter, limit: number) {
  const pages: string[][] = [];
  let after: string | undefined;
  do {
    const { rows, next } = await getLogs(app, teamId, filter, { limit, after });
    pages.push(rows.map(({ id }) => id));
    after = next;
  } while (after !== undefined);
  return pages;
}

eachTransport((_, open) => {
  test("pages hold a team's own logs, newest first, in both directions", async () => {
    const app = await testApp({ transport: await open() });
    const [mine, theirs] = [newId(), newId()];
    await write(app, theirs, 3);
    const [e, d, c, b, a] = await write(app, mine, 5);
    expect(await walk(app, mine, {}, 2)).toEqual([[a!, b!], [c!, d!], [e!]]);
    const back = await getLogs(app, mine, {}, { limit: 2, before: d });
    expect(back.rows.map(({ id }) => id)).toEqual([b!, c!]);
    expect(back.next).toBe(b!);
    expect((await getLogs(app, mine, {}, { limit: 3, before: d })).next).toBeUndefined();
  });

  test.each<[string, LogFilter, number[]]>([
    ["a method", { method: "POST" }, [3, 1]],
    ["a status", { status: { least: 404, end: 405 } }, [2]],
    ["a class of statuses", { status: { least: 500, end: 600 } }, [4]],
    ["errors", { status: { least: 400, end: 600 } }, [4, 2]],
    ["successes", { status: { least: 200, end: 300 } }, [5, 3, 1, 0]],
    ["a path", { path: "/emails" }, [5, 4, 3, 2, 0]],
    ["the beginning of a path", { path: "/emails*" }, [5, 4, 3, 2, 1, 0]],
    ["a beginning that is no pattern", { path: "/%*" }, []],
    ["a key", { keyId: "k" }, [0]],
    ["a time to begin at", { from: new Date(start + 4_000) }, [5, 4]],
    ["a time to end before", { to: new Date(start + 2_000) }, [1, 0]],
    ["everything together", { method: "POST", path: "/e*", from: new Date(start + 2_000) }, [3]],
  ])("by %s", async (_name, filter, wanted) => {
    const app = await testApp({ transport: await open() });
    const teamId = newId();
    const ids = await write(app, teamId, 6, (n) => ({
      method: n === 1 || n === 3 ? "POST" : "GET",
      status: n === 2 ? 404 : n === 4 ? 503 : 200,
      path: n === 1 ? "/emails/batch" : "/emails",
      keyId: n === 0 ? "k" : null,
    }));
    expect((await walk(app, teamId, filter, 10)).flat()).toEqual(wanted.map((n) => ids[n]!));
    expect((await walk(app, teamId, filter, 1)).flat()).toEqual(wanted.map((n) => ids[n]!));
  });
});

test("a filter that finds nothing gives up for now after ten thousand logs, and can be continued", async () => {
  const app = await testApp();
  const teamId = newId();
  const ids = await write(app, teamId, 45_000, (n) => ({ method: n % 25_000 === 10 ? "POST" : "GET" }));
  const pages = await walk(app, teamId, { method: "POST" }, 20);
  expect(pages.map((page) => page.map((id) => ids.indexOf(id)))).toEqual([[], [25_010], [], [], [10]]);

  const up = await getLogs(app, teamId, { method: "POST" }, { limit: 20, before: ids[100] });
  expect(up.rows).toEqual([]);
  expect(up.next).toBe(ids[10_100]!);
});

test("a filter with times is walked in both directions, and no further than they say", async () => {
  const app = await testApp();
  const teamId = newId();
  const ids = await write(app, teamId, 5_000, (n) => ({ method: n % 1_000 === 0 ? "POST" : "GET" }));
  const filter = { method: "POST", from: new Date(start + 1_000_000), to: new Date(start + 4_000_000) };
  const numbers = (rows: { id: string }[]) => rows.map(({ id }) => ids.indexOf(id));
  expect(numbers((await getLogs(app, teamId, filter, { limit: 20 })).rows)).toEqual([3_000, 2_000, 1_000]);
  const up = await getLogs(app, teamId, filter, { limit: 2, before: ids[10] });
  expect(numbers(up.rows)).toEqual([2_000, 1_000]);
  const onward = await getLogs(app, teamId, filter, { limit: 2, before: up.next });
  expect(numbers(onward.rows)).toEqual([3_000]);
  expect(onward.next).toBeUndefined();
});

test("errors among a great many successes are found by their index", async () => {
  const app = await testApp();
  const teamId = newId();
  const ids = await write(app, teamId, 45_000, (n) => ({ status: n === 5 ? 422 : 200 }));
  for (const status of [
    { least: 400, end: 600 },
    { least: 422, end: 423 },
  ]) {
    const { rows, next } = await getLogs(app, teamId, { status }, { limit: 20 });
    expect(rows.map(({ id }) => id)).toEqual([ids[5]!]);
    expect(next).toBeUndefined();
  }
});

test("every query is answered by an index", async () => {
  const app = await testApp();
  const query = spyOn(app.transport, "query");
  const cursor = { limit: 20, after: newId() };
  for (const [filter, index] of [
    [{}, "PRIMARY KEY"],
    [{ method: "POST", from: new Date(start) }, "PRIMARY KEY"],
    [{ status: { least: 400, end: 600 } }, "logs_refused"],
    [{ status: { least: 404, end: 405 }, path: "/emails*" }, "logs_refused"],
  ] as const) {
    query.mockClear();
    await getLogs(app, newId(), filter, cursor);
    for (const [sql, params] of [...query.mock.calls]) {
      const { rows } = await app.transport.query(`explain query plan ${sql}`, params, "all");
      const plan = JSON.stringify(rows);
      expect(plan).toContain(index);
      expect(plan).toContain("team_id=? AND id");
      expect(plan).not.toContain("TEMP B-TREE");
    }
  }
});

test("another team's log is as unknown as one that never was", async () => {
  const app = await testApp();
  const [mine, theirs] = [newId(), newId()];
  const [id] = await write(app, mine, 1);
  expect(await getLog(app, mine, id!.toUpperCase())).toMatchObject({ id, path: "/emails" });
  for (const [team, unknown] of [
    [theirs, id!],
    [mine, newId()],
    [mine, "no-id"],
  ] as const) {
    await expect(getLog(app, team, unknown)).rejects.toMatchObject({
      code: "not_found",
      message: "Log not found",
    });
  }
});
