import { expect, spyOn, test } from "bun:test";
import { type TestApp, testApp } from "../../test/support/test-app.ts";
import { StorageUnavailable } from "../errors.ts";
import { newId, newIdAt } from "../ids.ts";
import { getLogs } from "./read.ts";
import { type Asked, flushLogs, noteRequest } from "./record.ts";

const teamId = newId();
const asked = (app: TestApp, more: Partial<Asked> = {}): Asked => ({
  teamId,
  id: newIdAt(app.now()),
  keyId: null,
  method: "GET",
  path: "/domains",
  userAgent: "curl/8",
  address: "203.0.113.7",
  createdAt: app.now(),
  ...more,
});
const answered = { status: 200, body: { ok: true } };
const logsOf = async (app: TestApp) => (await getLogs(app, teamId, {}, { limit: 100 })).rows;

test("a request is written by the flush, with what it took", async () => {
  const app = await testApp();
  const request = asked(app);
  app.clock.advance(25);
  noteRequest(app, request, answered);
  expect(await logsOf(app)).toEqual([]);
  await flushLogs(app);
  expect(await logsOf(app)).toEqual([
    {
      id: request.id,
      keyId: null,
      method: "GET",
      path: "/domains",
      status: 200,
      durationMs: 25,
      userAgent: "curl/8",
      address: "203.0.113.7",
      createdAt: request.createdAt,
    },
  ]);
});

test("many are written together, and none twice", async () => {
  const app = await testApp();
  const batch = spyOn(app.transport, "batch");
  for (let index = 0; index < 199; index++) noteRequest(app, asked(app), answered);
  expect(batch).not.toHaveBeenCalled();
  noteRequest(app, asked(app), answered);
  for (let index = 0; index < 3; index++) noteRequest(app, asked(app), answered);
  await flushLogs(app);
  expect(batch).toHaveBeenCalledTimes(2);
  const { rows } = await getLogs(app, teamId, {}, { limit: 1_000 });
  expect(rows).toHaveLength(203);
});

test("an endless path and user agent are cut", async () => {
  const app = await testApp();
  noteRequest(app, asked(app, { path: `/${"a".repeat(9_000)}`, userAgent: "u".repeat(9_000) }), answered);
  await flushLogs(app);
  const [log] = await logsOf(app);
  expect([log!.path.length, log!.userAgent!.length]).toEqual([512, 512]);
});

test("what the store refuses is lost with one warning, until it takes logs again", async () => {
  const app = await testApp();
  const warn = spyOn(app.log, "warn");
  const { batch } = app.transport;
  const fail = async () => {
    app.transport.batch = () => Promise.reject(new StorageUnavailable("disk full"));
    noteRequest(app, asked(app), answered);
    await flushLogs(app);
    app.transport.batch = batch;
  };
  await fail();
  await fail();
  expect(warn).toHaveBeenCalledTimes(1);
  noteRequest(app, asked(app), answered);
  await flushLogs(app);
  expect(await logsOf(app)).toHaveLength(1);
  await fail();
  expect(warn).toHaveBeenCalledTimes(2);
});

test("while the store hangs no more than ten thousand requests wait", async () => {
  const app = await testApp();
  const warn = spyOn(app.log, "warn");
  const held = Promise.withResolvers<void>();
  const { batch } = app.transport;
  const written: number[] = [];
  app.transport.batch = async (statements, options) => {
    await held.promise;
    const results = await batch(statements, options);
    written.push(results.reduce((sum, { changes }) => sum + changes, 0));
    return results;
  };
  for (let index = 0; index < 12_000; index++) noteRequest(app, asked(app), answered);
  expect(warn).toHaveBeenCalledTimes(1);
  held.resolve();
  await flushLogs(app);
  expect(written.reduce((sum, rows) => sum + rows, 0)).toBe(10_200); // with those under way
});
