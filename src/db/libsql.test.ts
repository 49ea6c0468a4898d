import { expect, test } from "bun:test";
import { closedAfterwards, temporaryHranaServer } from "../../test/support/transports.ts";
import { ConfigFault, StorageUnavailable } from "../errors.ts";
import { type LibsqlOptions, openLibsql } from "./libsql.ts";
import type { SqlValue, Statement } from "./transport.ts";

const write = (sql: string, ...params: SqlValue[]): Statement => ({ sql, params });
const createNotes = write("create table notes (id integer primary key, text text)");
const addNote = (id: number, text = "note") => write("insert into notes values (?, ?)", id, text);

const open = (options: LibsqlOptions) => closedAfterwards(openLibsql(options));

test("a batch is one request, however many statements it has", async () => {
  let requests = 0;
  const transport = open({
    url: await temporaryHranaServer(),
    fetch: (request, init) => {
      requests++;
      return fetch(request, init);
    },
  });
  await transport.batch([createNotes]);
  requests = 0;
  await transport.batch(Array.from({ length: 50 }, (_, id) => addNote(id)));
  expect(requests).toBe(1);
});

test("the token goes with every request", async () => {
  const tokens: (string | null)[] = [];
  const transport = open({
    url: await temporaryHranaServer(),
    authToken: "secret",
    fetch: (request, init) => {
      tokens.push(request.headers.get("authorization"));
      return fetch(request, init);
    },
  });
  await transport.query("select 1", [], "get");
  expect(new Set(tokens)).toEqual(new Set(["Bearer secret"]));
});

test("a server out of reach is storage that is not available, and is asked again the next time", async () => {
  let isUp = false;
  const transport = open({
    url: await temporaryHranaServer(),
    fetch: (request, init) => (isUp ? fetch(request, init) : fetch("http://127.0.0.1:1/", init)),
  });
  await expect(transport.query("select 1", [], "get")).rejects.toBeInstanceOf(StorageUnavailable);
  await expect(transport.batch([createNotes])).rejects.toBeInstanceOf(StorageUnavailable);
  isUp = true;
  await transport.batch([createNotes]);
  isUp = false;
  await expect(transport.batch([addNote(1)])).rejects.toBeInstanceOf(StorageUnavailable);
});

test.each([500, 502, 503, 429])("an answer of %i is storage that is not available", async (status) => {
  const transport = open({
    url: "http://libsql.test",
    fetch: async () => Response.json({ message: "not now", code: "INTERNAL" }, { status }),
  });
  await expect(transport.batch([createNotes])).rejects.toBeInstanceOf(StorageUnavailable);
});

test("a token the server refuses is a fault, which waiting does not cure", async () => {
  const transport = open({
    url: "http://libsql.test",
    fetch: async () => new Response("unauthorized", { status: 401 }),
  });
  const error = await transport.batch([createNotes]).catch((fault) => fault);
  expect(error).not.toBeInstanceOf(StorageUnavailable);
  expect(error.message).toContain("401");
});

test("a batch whose answer is lost may have been applied, and its second try says so", async () => {
  let losesAnswers = false;
  const transport = open({
    url: await temporaryHranaServer(),
    fetch: async (request, init) => {
      const response = await fetch(request, init);
      if (losesAnswers) throw new Error("ECONNRESET");
      return response;
    },
  });
  await transport.batch([createNotes]);
  losesAnswers = true;
  await expect(transport.batch([addNote(1)])).rejects.toBeInstanceOf(StorageUnavailable);
  losesAnswers = false;
  await expect(transport.batch([addNote(1)])).rejects.toMatchObject({ kind: "unique", subject: "notes.id" });
});

test("an answer that breaks off is as good as none", async () => {
  const url = await temporaryHranaServer();
  let breaksOff = false;
  const transport = open({
    url,
    fetch: async (request, init) => {
      const response = await fetch(request, init);
      if (!breaksOff) return response;
      const half = (await response.text()).slice(0, 20);
      const body = new ReadableStream({
        start(controller) {
          controller.enqueue(new TextEncoder().encode(half));
          controller.error(new Error("socket closed"));
        },
      });
      return new Response(body, response);
    },
  });
  await transport.batch([createNotes]);
  breaksOff = true;
  await expect(transport.query("select 1", [], "get")).rejects.toBeInstanceOf(StorageUnavailable);
});

test("a write that meets another's transaction is told to try later", async () => {
  const url = await temporaryHranaServer();
  const transport = open({ url });
  await transport.batch([createNotes]);
  const begin = { type: "execute", stmt: { sql: "begin immediate" } };
  const other = await fetch(`${url}/v2/pipeline`, {
    method: "POST",
    body: JSON.stringify({ requests: [begin] }),
  });
  const { baton } = (await other.json()) as { baton: string };
  await expect(transport.batch([addNote(1)])).rejects.toBeInstanceOf(StorageUnavailable);
  await expect(transport.query(addNote(1).sql, addNote(1).params, "run")).rejects.toBeInstanceOf(
    StorageUnavailable,
  );
  await fetch(`${url}/v2/pipeline`, {
    method: "POST",
    body: JSON.stringify({ baton, requests: [{ type: "close" }] }),
  });
  await transport.batch([addNote(1)]);
});

test("a server whose disk is full keeps nothing of the batch", async () => {
  const transport = open({ url: await temporaryHranaServer({ setUp: ["pragma max_page_count = 8"] }) });
  await transport.batch([createNotes]);
  const filling = transport.batch([addNote(1), addNote(2, "x".repeat(100_000))]);
  await expect(filling).rejects.toBeInstanceOf(StorageUnavailable);
  expect((await transport.query("select id from notes", [], "values")).rows).toEqual([]);
});

test("a server that does not enforce foreign keys is refused", async () => {
  const transport = open({ url: await temporaryHranaServer({ setUp: ["pragma foreign_keys = off"] }) });
  const error = await transport.query("select 1", [], "get").catch((fault) => fault);
  expect(error).toBeInstanceOf(ConfigFault);
  expect(error.message).toContain("foreign keys");
});

test.each(["wss://host", "libsql://host?tls=0&authToken=secret", "nonsense", "http://host?token=secret"])(
  "%s is refused in a sentence that does not repeat it",
  (url) => {
    const opening = () => openLibsql({ url });
    expect(opening).toThrow(ConfigFault);
    expect(opening).toThrow(/^database\.url is not the address of a libSQL server: [^?]*$/);
  },
);
