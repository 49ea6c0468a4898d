import { afterAll, expect, test } from "bun:test";
import { StorageUnavailable } from "../errors.ts";
import { s3Blobs } from "./s3.ts";
import { hashOf } from "./store.ts";

const objects = new Map<string, Uint8Array<ArrayBuffer>>();
let isBroken = false;

// As much of S3 as the client asks for: objects by path, and an error of S3's own form.
const bucket = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  async fetch(request) {
    const { pathname } = new URL(request.url);
    if (isBroken) return s3Error(503, "SlowDown");
    if (request.method === "PUT") {
      objects.set(pathname, new Uint8Array(await request.arrayBuffer()));
      return new Response("");
    }
    if (request.method === "DELETE") {
      objects.delete(pathname);
      return new Response(null, { status: 204 });
    }
    const found = objects.get(pathname);
    if (!found) return s3Error(404, "NoSuchKey");
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.get("range") ?? "") ?? [];
    if (first === undefined) {
      return new Response(found, { headers: { "last-modified": "Fri, 02 Jan 2026 00:00:00 GMT" } });
    }
    return new Response(found.slice(Number(first), Number(last) + 1), { status: 206 });
  },
});
afterAll(() => bucket.stop(true).then(() => {}));

const s3Error = (status: number, code: string) =>
  new Response(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`, {
    status,
    headers: { "content-type": "application/xml" },
  });

const blobs = s3Blobs({
  endpoint: bucket.url.origin,
  bucket: "mail",
  accessKeyId: "id",
  secretAccessKey: "secret",
});

test("a blob comes back byte for byte under its hash, until it is removed", async () => {
  const bytes = crypto.getRandomValues(new Uint8Array(10_000));
  const { hash, size } = await blobs.put(bytes);
  expect({ hash, size }).toEqual({ hash: hashOf(bytes), size: 10_000 });
  expect(Buffer.from((await blobs.get(hash))!).equals(bytes)).toBe(true);
  expect([...objects.keys()]).toEqual([`/mail/blobs/${hash}`]);
  await blobs.remove(hash);
  expect(await blobs.get(hash)).toBeUndefined();
});

test("what comes in pieces is stored under the hash of the whole", async () => {
  const draft = await blobs.draft();
  for (const part of ["in ", "pieces"]) await draft.write(new TextEncoder().encode(part));
  const { hash } = await draft.commit();
  expect(hash).toBe(hashOf(new TextEncoder().encode("in pieces")));
  expect(Buffer.from((await blobs.get(hash))!).toString()).toBe("in pieces");
});

test("a blob can be read as a stream, whole or in part", async () => {
  const { hash } = await blobs.put(new TextEncoder().encode("hello"));
  expect(await new Response(await blobs.stream(hash)).text()).toBe("hello");
  expect(await new Response(await blobs.stream(hash, { start: 1, end: 3 })).text()).toBe("el");
  expect(await blobs.stream(hashOf(new Uint8Array(1)))).toBeUndefined();
});

test("a blob's size is told, and that there is none", async () => {
  const { hash } = await blobs.put(new TextEncoder().encode("hello"));
  expect(await blobs.sizeOf(hash)).toBe(5);
  expect(await blobs.sizeOf(hashOf(new Uint8Array(1)))).toBeUndefined();
});

test("a bucket that can't be written or read is no fault of the request", async () => {
  isBroken = true;
  const hash = hashOf(new Uint8Array(3));
  await expect(blobs.put(new Uint8Array(3))).rejects.toThrow(StorageUnavailable);
  for (const read of [blobs.get, blobs.sizeOf, blobs.stream])
    await expect(read(hash)).rejects.toThrow(StorageUnavailable);
});

test("an object that was stored lately stays; an old one goes", async () => {
  isBroken = false;
  const { hash } = await blobs.put(new TextEncoder().encode("stored"));
  expect(await blobs.removeStale(hash, new Date("2026-01-01T00:00:00Z"))).toBe(false);
  expect(await blobs.get(hash)).toBeDefined();
  expect(await blobs.removeStale(hash, new Date("2026-01-03T00:00:00Z"))).toBe(true);
  expect(await blobs.get(hash)).toBeUndefined();
});
