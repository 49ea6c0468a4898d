import { beforeEach, describe, expect, test } from "bun:test";
import { connect } from "node:net";
import { setImmediate } from "node:timers/promises";
import { waitFor } from "../../test/support/dispatching.ts";
import { type TestTeam, testApp, testTeam } from "../../test/support/test-app.ts";
import { testServer } from "../../test/support/test-server.ts";
import { createKey } from "../keys/service.ts";
import { addSuppressions } from "../suppressions/add.ts";
import { suppressions } from "../suppressions/schema.ts";
import { apiRoutes } from "./routes.ts";

const app = await testApp({ config: { server: { maxBodyBytes: 200_000 } } });
const { url } = testServer(app);
let team: TestTeam;
beforeEach(async () => {
  team = await testTeam(app);
});

interface Upload {
  path?: string;
  type?: string;
  key?: string;
  headers?: Record<string, string>;
}

async function upload(body: BodyInit | undefined, { path = "", type, key = team.key, headers }: Upload = {}) {
  const response = await fetch(`${url}/suppressions/import${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, ...(type && { "content-type": type }), ...headers },
    body,
  });
  return { status: response.status, body: await response.json() };
}

const csv = { type: "text/csv" };
const download = (key = team.key) =>
  fetch(`${url}/suppressions/export`, { headers: { authorization: `Bearer ${key}` } });
const addresses = async () =>
  (await app.db.select().from(suppressions))
    .filter(({ teamId }) => teamId === team.teamId)
    .map(({ address }) => address)
    .sort();

/** A body of many pieces without an announced length. */
const inPieces = (text: string, size: number) =>
  new ReadableStream({
    start(controller) {
      for (let at = 0; at < text.length; at += size)
        controller.enqueue(Buffer.from(text.slice(at, at + size)));
      controller.close();
    },
  });

test("a CSV file is imported as the body itself, and told of line by line", async () => {
  expect(await upload("email\na@x.test\nA@x.test\nnobody\n", csv)).toEqual({
    status: 200,
    body: {
      object: "suppression_import",
      counts: { total: 3, created: 1, existing: 1, failed: 1 },
      errors: [{ line: 4, message: "`nobody` is not an email address: it must follow `email@example.com`." }],
    },
  });
  expect(await addresses()).toEqual(["a@x.test"]);
});

test("a CSV file is imported as the field of a form", async () => {
  const form = new FormData();
  form.set("note", "not read");
  form.set("file", new File(["\ufeffemail\r\na@x.test\r\nb@x.test\r\n"], "list.csv", { type: "text/csv" }));
  form.set("more", "x".repeat(100_000)); // not read either
  expect(await upload(form)).toMatchObject({ status: 200, body: { counts: { total: 2, created: 2 } } });
  expect(await addresses()).toEqual(["a@x.test", "b@x.test"]);
});

test.each([1, 3, 17, 10_000])("a form is read as well in pieces of %d bytes", async (size) => {
  const part = (name: string, content: string) =>
    `--b-1\r\nContent-Type: text/csv\r\nContent-Disposition: form-data; filename="f"; name="${name}"\r\n\r\n${content}\r\n`;
  const form = `preamble\r\n${part("empty", "")}${part("other", "\r\n--b-2\r\n--b")}${part("file", "email\na@x.test\n\r\n--b\r\nb@x.test")}--b-1--\r\n`;
  const type = 'multipart/form-data; charset=utf-8; boundary="b-1"';
  expect(await upload(inPieces(form, size), { type })).toMatchObject({
    status: 200,
    body: { counts: { created: 2, failed: 1 }, errors: [{ line: 4 }] },
  });
  expect(await addresses()).toEqual(["a@x.test", "b@x.test"]);
});

test("lines that say nothing themselves are as the query has it", async () => {
  const file = "email,expires_at\na@x.test,\nb@x.test,2026-03-02T00:00:00Z\n";
  await upload(file, { ...csv, path: "?origin=complaint&expires_in=30d" });
  const rows = (await app.db.select().from(suppressions)).filter(({ teamId }) => teamId === team.teamId);
  expect(rows.map(({ reason, expiresAt }) => [reason, expiresAt?.toISOString()])).toEqual([
    ["complaint", "2026-03-31T12:00:00.000Z"],
    ["complaint", "2026-03-02T00:00:00.000Z"],
  ]);
});

test("UTF-16 with its mark and whatever charset the client names are read", async () => {
  await upload(Buffer.from("\ufeffemail\r\nj\u00f6rg@x.test\r\n", "utf16le"), csv);
  await upload(Buffer.from("email\nj\u00f6n@x.test\n", "latin1"), { type: "text/csv; charset=ISO-8859-1" });
  expect(await addresses()).toEqual(["j\u00f6n@x.test", "j\u00f6rg@x.test"]);
});

describe("an import is refused", () => {
  const email = "email\na@x.test\n";
  const formOf = (headers: string) => `--b\r\n${headers}\r\n\r\n${email}\r\n--b--\r\n`;
  const form = { type: "multipart/form-data; boundary=b" };
  const wanted =
    "The request body must be CSV: send it with `Content-Type: text/csv`, or as the field `file` of a form.";

  test.each<[string, string | undefined, Upload, number, string]>([
    ["JSON", '{"email":"a@x.test"}', { type: "application/json" }, 415, wanted],
    [
      "a form as browsers send it by default",
      email,
      { type: "application/x-www-form-urlencoded" },
      415,
      wanted,
    ],
    ["a form without its boundary", email, { type: "multipart/form-data" }, 415, wanted],
    [
      "a charset nobody knows",
      email,
      { type: "text/csv; charset=klingon" },
      415,
      "The charset of the CSV is not",
    ],
    [
      "a compressed file",
      email,
      { ...csv, headers: { "content-encoding": "gzip" } },
      415,
      "Compressed request",
    ],
    ["too large a file", "x".repeat(200_001), csv, 413, "The request body is too large"],
    ["nothing", undefined, csv, 422, "CSV missing required email column"],
    ["a file without addresses", "name\nAda\n", csv, 422, "CSV missing required email column"],
    [
      "a form without the file",
      formOf('Content-Disposition: form-data; name="x"'),
      form,
      422,
      "Missing `file`",
    ],
    ["a form without names", formOf("X: y"), form, 422, "Missing `file` field."],
    ["a form of something else", email, form, 400, "The form ended early, or is not as its"],
    [
      "a form without an end",
      formOf('Content-Disposition: form-data; name="file"').slice(0, -8),
      form,
      400,
      "The",
    ],
    ["a form with endless headers", formOf("x: y\r\n".repeat(9_000)), form, 400, "The form ended early"],
    [
      "an end in the past",
      email,
      { ...csv, path: "?expires_at=2020-01-01T00:00:00Z" },
      422,
      "Invalid `expires_at`",
    ],
    ["an origin nobody knows", email, { ...csv, path: "?origin=spam" }, 422, "Invalid `origin` field."],
  ])("with %s", async (_, body, options, status, message) => {
    const answer = await upload(body, options);
    expect(answer).toMatchObject({ status, body: { statusCode: status } });
    expect(answer.body.message).toStartWith(message);
    expect(await addresses()).toEqual([]);
  });

  test("at its first line, however much would follow", async () => {
    const answer = await upload(`name\n${"Ada\n".repeat(40_000)}`, csv);
    expect(answer).toMatchObject({ status: 422, body: { message: "CSV missing required email column" } });
  });

  test("where a body without a length passes the limit", async () => {
    const answer = await upload(inPieces(`email\n${"x".repeat(300_000)}`, 50_000), csv);
    expect(answer).toMatchObject({ status: 413 });
  });

  test("without a key, or with one that may only send, before a byte is read", async () => {
    const { token } = await createKey(app, team.teamId, { name: "Sender", permission: "sending_access" });
    expect(await upload("no CSV", { key: token })).toMatchObject({
      status: 401,
      body: { name: "restricted_api_key" },
    });
    expect(await upload("no CSV", { key: "re_unknown" })).toMatchObject({ status: 403 });
    expect(await fetch(`${url}/suppressions/import`, { method: "POST" })).toMatchObject({ status: 401 });
  });
});

test("an upload that breaks off leaves whole batches behind, and no half address", async () => {
  const server = apiRoutes(app, "0").listen({ hostname: "127.0.0.1", port: 0 }).server!;
  const socket = connect(server.port!, "127.0.0.1");
  const head = `POST /suppressions/import HTTP/1.1\r\nhost: m\r\nauthorization: Bearer ${team.key}\r\n`;
  const whole = Array.from({ length: 600 }, (_, n) => `${n}@${"r".repeat(60)}.${"r".repeat(60)}.test`).join(
    "\n",
  );
  socket.write(
    `${head}content-type: text/csv\r\ncontent-length: 100000\r\n\r\nemail\n${whole}\nhalf@recipient.te`,
  );
  while ((await addresses()).length === 0) await setImmediate();
  socket.destroy();
  await waitFor(() => server.pendingRequests === 0);
  expect(await addresses()).toHaveLength(500);
  await server.stop(true);
});

test("an export is a file of the team's own suppressions, which an import takes back", async () => {
  const other = await testTeam(app, "Another team");
  await addSuppressions(app, other.teamId, ["theirs@x.test"], {});
  await addSuppressions(app, team.teamId, ["=a@x.test", "b@x.test"], {});
  const response = await download();
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toBe("text/csv; charset=utf-8");
  expect(response.headers.get("content-disposition")).toBe('attachment; filename="suppressions.csv"');
  const file = await response.text();
  expect(file).toBe(
    [
      "email,origin,source_id,created_at,expires_at",
      "b@x.test,manual,,2026-03-01T12:00:00.000Z,",
      "'=a@x.test,manual,,2026-03-01T12:00:00.000Z,",
      "",
    ].join("\r\n"),
  );
  const again = await upload(file, { ...csv, key: other.key });
  expect(again).toMatchObject({ body: { counts: { total: 2, created: 2, failed: 0 } } });
});

test("an export is refused to whoever may only send", async () => {
  const { token } = await createKey(app, team.teamId, { name: "Sender", permission: "sending_access" });
  const refused = await download(token);
  expect(refused.status).toBe(401);
  expect(await refused.json()).toMatchObject({ name: "restricted_api_key" });
});
