import { expect, test } from "bun:test";
import { eachTransport } from "../../test/support/transports.ts";
import { openDb } from "../db/open.ts";
import { expectChange, rawWrite, toStatement, type Write } from "../db/write.ts";
import { newId } from "../ids.ts";
import type { ApiKey } from "./schema.ts";
import {
  deleteKey,
  findKeyByHash,
  insertDomainKey,
  insertKey,
  listKeys,
  updateKeyFields,
  updateLastUse,
} from "./store.ts";

const createdAt = new Date("2026-03-01T12:00:00Z");
const keyOf = (teamId: string): ApiKey => ({
  id: newId(),
  teamId,
  name: "CI",
  tokenHash: newId(),
  tokenStart: "re_0123456",
  permission: "sending_access",
  domainId: null,
  lastUsedAt: null,
  createdAt,
  allowedIps: [],
});

eachTransport((_, open) => {
  /** A database with two teams. */
  async function prepare() {
    const transport = await open();
    const [mine, theirs] = [newId(), newId()];
    const write = (...writes: Write[]) => transport.batch(writes.map(toStatement));
    const team = (id: string) => rawWrite("insert into teams values (?, 'Team', 0)", [id]);
    await write(team(mine), team(theirs));
    return { db: openDb(transport), write, mine, theirs };
  }

  test("a key restricted to a domain is stored as given, and not at all when the domain is not its team's", async () => {
    const { db, write, mine, theirs } = await prepare();
    const domainId = newId();
    await write(
      rawWrite(
        `insert into domains (id, team_id, name, status, region, return_path_label, open_tracking, click_tracking, tls,
          sending, receiving, created_at) values (?, ?, 'example.com', 'verified', 'r', 'send', 0, 0, 'enforced', 1, 0, 0)`,
        [domainId, mine],
      ),
    );
    const [right, wrong] = [
      { ...keyOf(mine), domainId },
      { ...keyOf(theirs), domainId },
    ];
    await write(insertDomainKey(db, right), expectChange());
    expect(await findKeyByHash(db, right.tokenHash)).toEqual(right);
    await expect(write(insertDomainKey(db, wrong), expectChange())).rejects.toMatchObject({ kind: "stale" });
    expect(await findKeyByHash(db, wrong.tokenHash)).toBeUndefined();
  });

  test("the last use only moves forward", async () => {
    const { db, write, mine } = await prepare();
    const key = keyOf(mine);
    await write(
      insertKey(db, key),
      updateLastUse({ id: key.id, at: 2_000 }),
      updateLastUse({ id: key.id, at: 1_000 }),
    );
    expect(await findKeyByHash(db, key.tokenHash)).toEqual({ ...key, lastUsedAt: new Date(2_000) });
  });

  test("a page holds the keys next to its cursor, newest first, and one more to tell that there is more", async () => {
    const { db, write, mine, theirs } = await prepare();
    const keys = Array.from({ length: 5 }, () => keyOf(mine)); // oldest first
    await write(...keys.map((key) => insertKey(db, key)), insertKey(db, keyOf(theirs)));
    const [e, d, c, b, a] = keys.map(({ id }) => id);
    const page = async (keyset: { limit?: number; after?: string; before?: string }) =>
      (await listKeys(db, mine, { limit: undefined, ...keyset })).map(({ id }) => id);
    expect(await page({})).toEqual([a!, b!, c!, d!, e!]);
    expect(await page({ limit: 2, after: a })).toEqual([b!, c!, d!]);
    expect(await page({ limit: 1, before: d })).toEqual([b!, c!]);
  });

  test("a key changes and goes only through its own team", async () => {
    const { db, write, mine, theirs } = await prepare();
    const key = keyOf(mine);
    await write(insertKey(db, key));
    for (const statement of [
      updateKeyFields(db, theirs, key.id, { name: "Stolen" }),
      deleteKey(db, theirs, key.id),
    ]) {
      await expect(write(statement, expectChange())).rejects.toMatchObject({ kind: "stale" });
    }
    expect(await findKeyByHash(db, key.tokenHash)).toEqual(key);
    await write(deleteKey(db, mine, key.id), expectChange());
    expect(await findKeyByHash(db, key.tokenHash)).toBeUndefined();
  });
});
