import { expect, test } from "bun:test";
import type { StreamRequest } from "./hrana-stream.ts";
import { temporaryHranaServer } from "./transports.ts";

type Json = Record<string, unknown>;

async function startPipeline(version = "v3") {
  const url = await temporaryHranaServer();
  return async (requests: StreamRequest[], baton?: string) => {
    const body = JSON.stringify({ baton, requests });
    const response = await fetch(`${url}/${version}/pipeline`, { method: "POST", body });
    return (await response.json()) as {
      baton: string;
      results: { type: string; response: Json; error: Json }[];
    };
  };
}

const execute = (sql: string): StreamRequest => ({ type: "execute", stmt: { sql } });

test.each(["v2", "v3"])("the server answers a probe for %s and no other", async (version) => {
  const url = await temporaryHranaServer();
  expect((await fetch(`${url}/${version}`)).status).toBe(200);
  expect((await fetch(`${url}/${version}-protobuf`)).status).toBe(404);
});

test("a baton continues a stream and its transaction, which closing rolls back", async () => {
  const pipeline = await startPipeline("v2");
  await pipeline([execute("create table t (a)"), { type: "close" }]);
  const opened = await pipeline([execute("begin"), execute("insert into t values (1)")]);
  const seen = await pipeline([execute("select count(*) from t"), { type: "get_autocommit" }], opened.baton);
  expect(seen.results.map(({ response }) => response)).toMatchObject([
    { type: "execute", result: { rows: [[{ type: "integer", value: "1" }]] } },
    { type: "get_autocommit", is_autocommit: false },
  ]);
  await pipeline([{ type: "close" }], seen.baton);
  const after = await pipeline([execute("select count(*) from t")]);
  expect(after.results[0]!.response).toMatchObject({ result: { rows: [[{ type: "integer", value: "0" }]] } });
  expect(await pipeline([], opened.baton)).toMatchObject({ code: "BATON_INVALID" });
});

test("a step of a batch runs only where its condition holds", async () => {
  const pipeline = await startPipeline();
  const { results } = await pipeline([
    {
      type: "batch",
      batch: {
        steps: [
          { stmt: { sql: "select 0" } },
          { stmt: { sql: "select nothing" } },
          { stmt: { sql: "select 2" }, condition: { type: "ok", step: 1 } },
          { stmt: { sql: "select 3" }, condition: { type: "error", step: 1 } },
          { stmt: { sql: "select 4" }, condition: { type: "not", cond: { type: "ok", step: 2 } } },
          {
            stmt: { sql: "select 5" },
            condition: {
              type: "and",
              conds: [
                { type: "ok", step: 0 },
                { type: "ok", step: 1 },
              ],
            },
          },
          {
            stmt: { sql: "select 6" },
            condition: {
              type: "or",
              conds: [
                { type: "ok", step: 0 },
                { type: "ok", step: 1 },
              ],
            },
          },
          { stmt: { sql: "begin" }, condition: { type: "is_autocommit" } },
          { stmt: { sql: "select 8" }, condition: { type: "is_autocommit" } },
        ],
      },
    },
  ]);
  const { step_results: done, step_errors: failed } = results[0]!.response.result as Record<
    string,
    unknown[]
  >;
  expect(done!.map((result) => result !== null)).toEqual([
    true,
    false,
    false,
    true,
    true,
    false,
    true,
    true,
    false,
  ]);
  expect(failed!.map((error) => error !== null)).toEqual(Array.from({ length: 9 }, (_, step) => step === 1));
});

test("errors carry SQLite's primary code and words as sqld's do", async () => {
  const pipeline = await startPipeline();
  const { results } = await pipeline([
    { type: "sequence", sql: "create table t (a not null unique); insert into t values (1)" },
    execute("insert into t values (1)"),
    execute("select 1; select 2"),
    { type: "describe", sql: "select a from t where a = ?" },
  ]);
  expect(results).toMatchObject([
    { type: "ok" },
    { error: { code: "SQLITE_CONSTRAINT", message: "SQLite error: UNIQUE constraint failed: t.a" } },
    { error: { code: "SQL_MANY_STATEMENTS" } },
    { response: { result: { params: [{ name: null }], cols: [{ name: "a" }], is_readonly: true } } },
  ]);
});
