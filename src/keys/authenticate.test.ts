import { expect, spyOn, test } from "bun:test";
import { type TestApp, testApp, testTeam } from "../../test/support/test-app.ts";
import { atomically } from "../app.ts";
import { rawWrite } from "../db/write.ts";
import { StorageUnavailable } from "../errors.ts";
import { authenticateKey, flushKeyUse } from "./authenticate.ts";
import { createKey, listTeamKeys, revokeKey } from "./service.ts";

const lastUse = async (app: TestApp, teamId: string) =>
  (await listTeamKeys(app, teamId, { limit: undefined })).map(({ lastUsedAt }) => lastUsedAt);

/** A key deleted by another node: its cache knows, ours doesn't. */
const revokeElsewhere = (app: TestApp, id: string) =>
  atomically(app, [rawWrite("delete from api_keys where id = ?", [id])]);

test("a token tells whose key it is and what it may do", async () => {
  const app = await testApp();
  const { teamId } = await testTeam(app);
  const { id: keyId, token } = await createKey(app, teamId, { name: "CI", permission: "sending_access" });
  const holder = { teamId, keyId, permission: "sending_access" as const, domainId: null, networks: [] };
  expect(await authenticateKey(app, token)).toEqual(holder);
  expect(await authenticateKey(app, token)).toEqual(holder);
});

test("a token of no key is nobody's, and so is a key's hash or beginning", async () => {
  const app = await testApp();
  const { key } = await testTeam(app);
  const hash = new Bun.CryptoHasher("sha256").update(key).digest("hex");
  for (const token of [
    "re_",
    `re_${"0".repeat(64)}`,
    hash,
    key.slice(0, 10),
    `${key}0`,
    key.toUpperCase(),
    "",
  ]) {
    expect(await authenticateKey(app, token)).toBeUndefined();
  }
});

test("requests within two seconds share one read, whoever asks and whatever the answer", async () => {
  const app = await testApp();
  const { key } = await testTeam(app);
  const query = spyOn(app.transport, "query");
  await Promise.all([authenticateKey(app, key), authenticateKey(app, key)]);
  await authenticateKey(app, key);
  expect(query).toHaveBeenCalledTimes(1);
  await authenticateKey(app, "re_unknown");
  await authenticateKey(app, "re_unknown");
  expect(query).toHaveBeenCalledTimes(2);
  app.clock.advance(2_000);
  await authenticateKey(app, key);
  expect(query).toHaveBeenCalledTimes(3);
});

test("a key revoked here is refused at once", async () => {
  const app = await testApp();
  const { teamId, key, keyId } = await testTeam(app);
  expect(await authenticateKey(app, key)).toBeDefined();
  await revokeKey(app, teamId, keyId);
  expect(await authenticateKey(app, key)).toBeUndefined();
});

test("a look-up that began before a key was revoked is not remembered after it", async () => {
  const app = await testApp();
  const { teamId, key, keyId } = await testTeam(app);
  const query = app.transport.query;
  const held = Promise.withResolvers<void>();
  app.transport.query = async (...question) => {
    const answer = await query(...question);
    await held.promise; // an answer that is under way while the key goes
    return answer;
  };
  const early = authenticateKey(app, key);
  app.transport.query = query;
  await revokeKey(app, teamId, keyId);
  held.resolve();
  await early;
  expect(await authenticateKey(app, key)).toBeUndefined();
});

test("a key revoked by another node is refused two seconds later", async () => {
  const app = await testApp();
  const { key, keyId } = await testTeam(app);
  expect(await authenticateKey(app, key)).toBeDefined();
  await revokeElsewhere(app, keyId);
  app.clock.advance(2_000);
  expect(await authenticateKey(app, key)).toBeUndefined();
});

test("strangers who try tokens push no key out of memory, and are forgotten themselves", async () => {
  const app = await testApp();
  const { key, keyId } = await testTeam(app);
  await authenticateKey(app, key);
  await revokeElsewhere(app, keyId);
  for (let index = 0; index < 10_001; index++) await authenticateKey(app, `re_${index}`);
  const query = spyOn(app.transport, "query");
  expect(await authenticateKey(app, key)).toBeDefined(); // still remembered, though the row is gone
  await authenticateKey(app, "re_10000");
  expect(query).toHaveBeenCalledTimes(0);
  await authenticateKey(app, "re_0");
  expect(query).toHaveBeenCalledTimes(1);
});

test("a failed look-up is not remembered", async () => {
  const app = await testApp();
  const { key } = await testTeam(app);
  const query = app.transport.query;
  app.transport.query = () => Promise.reject(new StorageUnavailable("out of reach"));
  await expect(authenticateKey(app, key)).rejects.toThrow();
  app.transport.query = query;
  expect(await authenticateKey(app, key)).toBeDefined();
});

test("the last use is written by the flush, not by the request", async () => {
  const app = await testApp();
  const { teamId, key } = await testTeam(app);
  await authenticateKey(app, key);
  app.clock.advance(1_500);
  const usedAt = app.now();
  await authenticateKey(app, key);
  expect(await lastUse(app, teamId)).toEqual([null]);
  await flushKeyUse(app);
  expect(await lastUse(app, teamId)).toEqual([usedAt]);
});

test("the last use only moves forward", async () => {
  const app = await testApp();
  const { teamId, key, keyId } = await testTeam(app);
  await authenticateKey(app, key);
  const later = new Date(app.now().getTime() + 60_000);
  await atomically(app, [
    rawWrite("update api_keys set last_used_at = ? where id = ?", [later.getTime(), keyId]),
  ]);
  await flushKeyUse(app);
  expect(await lastUse(app, teamId)).toEqual([later]);
});

test("a use that could not be written is written by the next flush", async () => {
  const app = await testApp();
  const { teamId, key } = await testTeam(app);
  await authenticateKey(app, key);
  const batch = app.transport.batch;
  app.transport.batch = () => Promise.reject(new StorageUnavailable("disk full"));
  await expect(flushKeyUse(app)).rejects.toThrow(StorageUnavailable);
  app.transport.batch = batch;
  await flushKeyUse(app);
  expect(await lastUse(app, teamId)).toEqual([app.now()]);
});
