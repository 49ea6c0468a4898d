import { expect, test } from "bun:test";
import { readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { temporaryFolder } from "../../test/support/transports.ts";
import { StorageUnavailable } from "../errors.ts";
import { fileBlobs } from "./files.ts";
import { hashOf } from "./store.ts";

const bytes = new TextEncoder().encode("hello");

test("the same bytes stored by many at once are one blob, with no drafts left behind", async () => {
  const folder = temporaryFolder();
  const blobs = fileBlobs(folder);
  const [first, ...others] = await Promise.all(Array.from({ length: 5 }, () => blobs.put(bytes)));
  for (const other of others) expect(other).toEqual(first!);
  expect(new Uint8Array((await blobs.get(first!.hash))!)).toEqual(bytes);
  expect(readdirSync(folder)).toEqual([first!.hash.slice(0, 2)]);
  await blobs.remove(first!.hash);
  expect(await blobs.get(first!.hash)).toBeUndefined();
});

test("a blob can be read as a stream, whole or in part", async () => {
  const blobs = fileBlobs(temporaryFolder());
  const { hash } = await blobs.put(bytes);
  expect(await new Response(await blobs.stream(hash)).text()).toBe("hello");
  expect(await new Response(await blobs.stream(hash, { start: 1, end: 3 })).text()).toBe("el");
  expect(await blobs.stream(hashOf(new Uint8Array(1)))).toBeUndefined();
});

test("a blob's size is told, and that there is none", async () => {
  const blobs = fileBlobs(temporaryFolder());
  const { hash } = await blobs.put(bytes);
  expect(await blobs.sizeOf(hash)).toBe(5);
  expect(await blobs.sizeOf(hashOf(new Uint8Array(1)))).toBeUndefined();
});

test("a folder that can't be written means try later, and a name that is no hash leads nowhere", async () => {
  const folder = temporaryFolder();
  rmSync(folder, { recursive: true });
  writeFileSync(folder, "");
  expect(fileBlobs(folder).put(bytes)).rejects.toBeInstanceOf(StorageUnavailable);
  expect(fileBlobs(folder).get("../../secret.key")).rejects.toThrow("not the name of a blob");
});

test("a draft can be read from its file until it is committed or given up", async () => {
  const folder = temporaryFolder();
  const draft = await fileBlobs(folder).draft();
  await draft.write(bytes.subarray(0, 2));
  expect(await Bun.file(await draft.file()).text()).toBe("he");
  await draft.write(bytes.subarray(2));
  expect(await Bun.file(await draft.file()).text()).toBe("hello");
  expect(await draft.commit()).toEqual({ hash: hashOf(bytes), size: 5 });
});

test("what comes in pieces is the same blob as the whole, and nothing is left of what was given up", async () => {
  const folder = temporaryFolder();
  const blobs = fileBlobs(folder);
  const draft = await blobs.draft();
  await draft.write(bytes.subarray(0, 2));
  await draft.write(bytes.subarray(2));
  const given = await blobs.draft();
  await given.write(new Uint8Array(300_000));
  await given.discard();

  expect(await draft.commit()).toEqual(await blobs.put(bytes));
  expect(readdirSync(folder)).toEqual([hashOf(bytes).slice(0, 2)]);
});

test("a blob that was stored again lately, or is being stored, stays; an old one goes", async () => {
  const blobs = fileBlobs(temporaryFolder());
  const { hash } = await blobs.put(bytes);
  const hourAgo = new Date(Date.now() - 3_600_000);
  const inAnHour = new Date(Date.now() + 3_600_000);
  const twoHoursAgo = new Date(Date.now() - 7_200_000);
  utimesSync(blobs.fileOf!(hash), twoHoursAgo, twoHoursAgo);

  const again = blobs.put(bytes);
  expect(await blobs.removeStale(hash, inAnHour)).toBe(false); // under way
  await again;
  expect(await blobs.removeStale(hash, hourAgo)).toBe(false); // and now as young as a new one

  utimesSync(blobs.fileOf!(hash), twoHoursAgo, twoHoursAgo);
  const draft = await blobs.draft();
  await draft.write(bytes);
  await draft.commit();
  expect(await blobs.removeStale(hash, hourAgo)).toBe(false);

  expect(await blobs.removeStale(hash, inAnHour)).toBe(true);
  expect(await blobs.get(hash)).toBeUndefined();
  expect(await blobs.removeStale(hash, inAnHour)).toBe(true);
});
