/**
 * What the other official SDKs put on the wire (sections 0 and 26 of the contract), replayed byte by byte: their bodies on
 * GET and DELETE, their attachments, their spellings of paths.
 */
import { expect, setDefaultTimeout, test } from "bun:test";
import { startContractServer } from "./contract.ts";
import { firstEmail, lastEventOf, storyMs, until } from "./story.ts";

setDefaultTimeout(storyMs);

const server = await startContractServer();

interface Sent {
  method: string;
  path: string;
  headers?: Record<string, string>;
  body?: string;
}

/** A request as it is, over a socket: `fetch` would refuse a body on GET and rewrite the path. */
async function replay({ method, path, headers = {}, body }: Sent) {
  const { hostname, port } = new URL(server.url);
  const all = {
    host: `${hostname}:${port}`,
    authorization: `Bearer ${server.setup.api_key}`,
    connection: "close",
    ...(body === undefined ? {} : { "content-length": `${Buffer.byteLength(body)}` }),
    ...headers,
  };
  const head = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  let heard = "";
  await new Promise<void>((resolve, reject) => {
    void Bun.connect({
      hostname,
      port: Number(port),
      socket: {
        open: (socket) =>
          void socket.write(`${method} ${path} HTTP/1.1\r\n${head.join("")}\r\n${body ?? ""}`),
        data: (_, bytes) => {
          heard += bytes.toString("utf8");
        },
        close: () => resolve(),
        error: (_, error) => reject(error),
      },
    }).catch(reject);
  });
  const [start, ...rest] = heard.split("\r\n\r\n");
  return {
    status: Number(start!.slice(9, 12)),
    type: /^content-type: (.*)$/im.exec(start!)?.[1],
    body: JSON.parse(rest.join("\r\n\r\n")),
  };
}

const json = { "content-type": "application/json" };
const python = { ...json, "user-agent": "resend-python:2.39.0", accept: "application/json" };
const php = { ...json, "user-agent": "resend-php/1.10.0", accept: "application/json" };
const go = { ...json, "user-agent": "resend-go/3.12.0", accept: "application/json" };
const rust = { ...json, "user-agent": "resend-rs/0.31.0", accept: "*/*" };
const dotnet = { "content-type": "application/json; charset=utf-8", "user-agent": "resend-sdk dotnet" };
const ruby = { ...json, "user-agent": "resend-ruby:1.10.0", accept: "application/json" };

const send = (headers: Record<string, string>, fields: object, path = "/emails") =>
  replay({ method: "POST", path, headers, body: JSON.stringify({ ...firstEmail, ...fields }) });

async function attachmentOf(emailId: string) {
  const { body } = await server.api.get(`/emails/${emailId}/attachments`);
  const [{ filename, content_type, content_id, content_disposition, download_url }] = body.data;
  const { pathname, search } = new URL(download_url);
  const content = await (await fetch(server.url + pathname + search)).text();
  return { filename, content_type, content_id, content_disposition, content };
}

test("Python: a body of {} on GET, DELETE and actions changes nothing", async () => {
  const { body: sent } = await send(python, {});
  const got = await replay({ method: "GET", path: `/emails/${sent.id}`, headers: python, body: "{}" });
  expect(got).toMatchObject({ status: 200, type: "application/json; charset=utf-8", body: { id: sent.id } });
  expect(got.body).not.toHaveProperty("statusCode");

  const key = await replay({
    method: "POST",
    path: "/api-keys",
    headers: python,
    body: '{"name": "Python", "id": "ignored"}',
  });
  expect(key.status).toBe(201);
  const removed = await replay({
    method: "DELETE",
    path: `/api-keys/${key.body.id}`,
    headers: python,
    body: "{}",
  });
  expect(removed).toMatchObject({ status: 200, body: { deleted: true } });

  const domain = await replay({
    method: "POST",
    path: "/domains",
    headers: python,
    body: '{"name":"py.example.org"}',
  });
  const verify = { method: "POST", path: `/domains/${domain.body.id}/verify`, headers: python };
  expect(await replay({ ...verify, body: "{}" })).toMatchObject({ status: 200, body: { object: "domain" } });
});

test("Python, Go, Ruby and Rust: attachments as lists of bytes", async () => {
  const content = [...Buffer.from("bytes")];
  for (const headers of [python, go, ruby, rust]) {
    const { status, body } = await send(headers, { attachments: [{ filename: "bytes.txt", content }] });
    expect(status).toBe(200);
    expect(await attachmentOf(body.id)).toMatchObject({ filename: "bytes.txt", content: "bytes" });
  }
});

test("Go: an inline attachment by its older name", async () => {
  const { body } = await send(go, {
    attachments: [
      { filename: "logo.png", content: [1, 2, 3], content_type: "image/png", inline_content_id: "logo" },
    ],
  });
  expect(await attachmentOf(body.id)).toMatchObject({ content_id: "logo", content_disposition: "inline" });
});

test("Rust: camelCase in attachments", async () => {
  const { body } = await send(rust, {
    attachments: [{ filename: "a.bin", content: [104, 105], contentType: "application/x-own" }],
  });
  expect(await attachmentOf(body.id)).toMatchObject({ content_type: "application/x-own", content: "hi" });
});

test("older Node SDKs: a Buffer as JSON makes of it", async () => {
  const attachments = [{ filename: false, content: Buffer.from("a buffer") }];
  const { status, body } = await send({ ...json, "user-agent": "resend-node:4.0.0" }, { attachments });
  expect(status).toBe(200);
  expect(await attachmentOf(body.id)).toMatchObject({ content: "a buffer" });
});

test(".NET: explicit nulls and a content type with a charset", async () => {
  const nothing = {
    cc: null,
    bcc: null,
    reply_to: null,
    text: null,
    headers: null,
    attachments: null,
    tags: null,
  };
  const { status, body } = await send(dotnet, {
    ...nothing,
    scheduled_at: null,
    topic_id: null,
    template: null,
  });
  expect(status).toBe(200);
  await lastEventOf(server.api, body.id, "delivered");
});

test("PHP: batches, with the fields it sends besides", async () => {
  const batch = JSON.stringify([
    { ...firstEmail, to: firstEmail.to[0] },
    { ...firstEmail, unknown: { field: [1] } },
  ]);
  const { status, body } = await replay({ method: "POST", path: "/emails/batch", headers: php, body: batch });
  expect([status, body.data.length]).toEqual([200, 2]);
  const original = JSON.stringify({ emails: [firstEmail] });
  const wrapped = await replay({ method: "POST", path: "/emails/batch", headers: php, body: original });
  expect([wrapped.status, wrapped.body.data.length]).toEqual([200, 1]);
});

test("PHP: the plural spelling of claims", async () => {
  const { body: held } = await server.api.get("/domains");
  const claim = { method: "POST", path: "/domains/claims", headers: php, body: '{"name":"example.net"}' };
  const own = await replay(claim);
  expect([own.status, own.body.name]).not.toContain("not_found");
  expect(
    (await replay({ method: "GET", path: `/domains/${held.data[0].id}/claims`, headers: php })).body.name,
  ).toBe("not_found");
  const verify = `/domains/${held.data[0].id}/claims/verify`;
  expect((await replay({ method: "POST", path: verify, headers: php, body: "{}" })).body.message).not.toBe(
    "The requested endpoint does not exist",
  );
});

test("addresses in paths: raw as Node, Ruby and PHP write them, percent-encoded as Python does", async () => {
  for (const written of ["a+b@example.org", "a%2Bb%40example.org", "a%2bb%40example.org"]) {
    await server.api.post("/suppressions", { email: "a+b@example.org" });
    const got = await replay({ method: "GET", path: `/suppressions/${written}`, headers: ruby });
    expect([written, got.status, got.body.email]).toEqual([written, 200, "a+b@example.org"]);
    const removed = await replay({
      method: "DELETE",
      path: `/suppressions/${written}`,
      headers: python,
      body: "{}",
    });
    expect([written, removed.status, removed.body.deleted]).toEqual([written, 200, true]);
  }
});

test("Node: a JSON content type on requests without a body", async () => {
  const domain = await replay({
    method: "POST",
    path: "/domains",
    headers: json,
    body: '{"name":"js.example.org"}',
  });
  const path = `/domains/${domain.body.id}`;
  const empty = { ...json, "content-length": "0" };
  expect((await replay({ method: "POST", path: `${path}/verify`, headers: empty })).status).toBe(200);
  expect((await replay({ method: "GET", path, headers: json })).status).toBe(200);
  expect((await replay({ method: "DELETE", path, headers: json })).body).toMatchObject({ deleted: true });
});

test("every refusal is JSON with the three fields that clients look for", async () => {
  const asked: [Sent, number][] = [
    [{ method: "GET", path: "/nowhere" }, 404],
    [{ method: "PUT", path: "/emails" }, 405],
    [{ method: "POST", path: "/emails", headers: { "content-type": "text/plain" }, body: "hello" }, 415],
    [{ method: "POST", path: "/emails", headers: json, body: "{" }, 400],
    [{ method: "POST", path: "/emails", headers: json, body: "[]" }, 422],
    [{ method: "GET", path: "/emails", headers: { authorization: "" } }, 401],
    [{ method: "GET", path: "/emails", headers: { authorization: "Bearer re_wrong" } }, 403],
  ];
  for (const [request, status] of asked) {
    const answer = await replay(request);
    expect(answer).toEqual({
      status,
      type: "application/json; charset=utf-8",
      body: {
        statusCode: status,
        name: expect.stringMatching(/^[a-z_]+$/),
        message: expect.stringMatching(/\S/),
      },
    });
  }
});

test("a rate limit is told before it is reached and answered with the time to wait", async () => {
  const { token } = (await server.api.post("/api-keys", { name: "Hasty" })).body;
  const ask = () => fetch(`${server.url}/domains`, { headers: { authorization: `Bearer ${token}` } });
  const refusal = await until("the limit is reached", async () => {
    const answers = await Promise.all(Array.from({ length: 1_200 }, ask));
    return answers.find(({ status }) => status === 429);
  });
  expect(await refusal.json()).toEqual({
    statusCode: 429,
    name: "rate_limit_exceeded",
    message: expect.stringMatching(/^Too many requests\. You can only make 1000 requests per second\./),
  });
  expect(refusal.headers.get("retry-after")).toBe("1");
  expect(refusal.headers.get("ratelimit-remaining")).toBe("0");
});
