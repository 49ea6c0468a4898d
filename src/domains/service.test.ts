import { describe, expect, spyOn, test } from "bun:test";
import { createPrivateKey, createPublicKey } from "node:crypto";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { atomically } from "../app.ts";
import { rawWrite } from "../db/write.ts";
import { authenticateKey } from "../keys/authenticate.ts";
import { createKey } from "../keys/service.ts";
import { makeSealer } from "../secrets.ts";
import { createDomain } from "./create.ts";
import { deleteDomain, findSendingDomain, getDomain, sealingPurpose, signingKeysOf } from "./service.ts";
import { findDomainByName, listKeys } from "./store.ts";

const fresh = await testApp();
const pairs = await fresh.threads.makeDkimKeyPairs();
const app = { ...fresh, threads: { ...fresh.threads, makeDkimKeyPairs: async () => pairs } };
const { teamId } = await testTeam(app);
const other = await testTeam(app);

const markVerified = (id: string) => rawWrite("update domains set verified_at = 1 where id = ?", [id]);
const refusal = (code: string, message: string) => expect.objectContaining({ code, message });

describe("adding a domain", () => {
  test("that the team has already is refused", async () => {
    await createDomain(app, teamId, { name: "twice.example.com" });
    const again = createDomain(app, teamId, { name: "Twice.Example.com." });
    expect(await again.catch((error: unknown) => error)).toEqual(
      refusal("already_exists", "The domain twice.example.com is already added."),
    );
  });

  test("that another team has is refused, and says so", async () => {
    await createDomain(app, other.teamId, { name: "theirs.example.com" });
    const mine = createDomain(app, teamId, { name: "theirs.example.com" });
    expect(await mine.catch((error: unknown) => error)).toEqual(
      refusal(
        "already_exists",
        "The domain theirs.example.com is already added by another team. If it is yours, claim it with POST /domains/claim.",
      ),
    );
  });

  test("twice at the same moment adds it once", async () => {
    const [first, second] = await Promise.allSettled([
      createDomain(app, teamId, { name: "race.example.com" }),
      createDomain(app, teamId, { name: "race.example.com" }),
    ]);
    expect([first.status, second.status].sort()).toEqual(["fulfilled", "rejected"]);
    const { reason } = [first, second].find((end) => end.status === "rejected") as PromiseRejectedResult;
    expect(reason).toEqual(refusal("already_exists", "The domain race.example.com is already added."));
  });
});

describe("the keys of a domain", () => {
  test("are an RSA and an Ed25519 key under selectors of their own", async () => {
    const { id, name } = await createDomain(app, teamId, { name: "keys.example.com" });
    const keys = await signingKeysOf(app, id);
    expect(keys.map(({ domain, selector, algorithm }) => ({ domain, selector, algorithm }))).toEqual([
      { domain: name, selector: "mailit", algorithm: "rsa" },
      { domain: name, selector: "mailit-ed25519", algorithm: "ed25519" },
    ]);
    const rows = await listKeys(app.db, id);
    for (const [index, { privateKey }] of keys.entries()) {
      const der = createPublicKey(createPrivateKey(privateKey)).export({ type: "spki", format: "der" });
      const published = Buffer.from(rows[index]!.publicKey, "base64");
      expect(der.subarray(-published.length)).toEqual(published);
    }
  });

  test("can't be read in the database without the master key", async () => {
    const { id } = await createDomain(app, teamId, { name: "sealed.example.com" });
    const [row] = await listKeys(app.db, id);
    const { sealedPrivateKey } = row!;
    expect(Buffer.from(sealedPrivateKey, "base64url").toString("latin1")).not.toContain("PRIVATE KEY");
    expect(app.secrets.open(sealedPrivateKey, sealingPurpose(row!.id))).toBe(pairs.rsa.privateKey);
    const stranger = makeSealer("00".repeat(32));
    expect(() => stranger.open(sealedPrivateKey, sealingPurpose(row!.id))).toThrow();
  });

  test("can't be moved to another domain's row", async () => {
    const { id } = await createDomain(app, teamId, { name: "stolen.example.com" });
    const [rsa, ed25519] = await listKeys(app.db, id);
    const move = rawWrite("update dkim_keys set sealed_private_key = ? where id = ?", [
      rsa!.sealedPrivateKey,
      ed25519!.id,
    ]);
    await atomically(app, [move]);
    expect(await signingKeysOf(app, id).catch((error: unknown) => error)).toBeInstanceOf(Error);
  });

  test("are read once for many messages", async () => {
    const { id } = await createDomain(app, teamId, { name: "hot.example.com" });
    const query = spyOn(app.transport, "query");
    await Promise.all([signingKeysOf(app, id), signingKeysOf(app, id)]);
    await signingKeysOf(app, id);
    expect(query).toHaveBeenCalledTimes(2);
    app.clock.advance(2_000);
    await signingKeysOf(app, id);
    expect(query).toHaveBeenCalledTimes(4);
    query.mockRestore();
  });
});

describe("the domain an email is sent from", () => {
  test("is the verified one of exactly that name, for its own team", async () => {
    const { id } = await createDomain(app, teamId, { name: "from.example.com" });
    expect(await findSendingDomain(app, teamId, "from.example.com")).toBeUndefined();
    await atomically(app, [markVerified(id)]);
    app.clock.advance(2_000); // as another node's change is seen
    expect(await findSendingDomain(app, teamId, "from.example.com")).toMatchObject({
      id,
      returnPathLabel: "send",
    });
    expect(await findSendingDomain(app, other.teamId, "from.example.com")).toBeUndefined();
    expect(await findSendingDomain(app, teamId, "sub.from.example.com")).toBeUndefined();
    expect(await findSendingDomain(app, teamId, "example.com")).toBeUndefined();
  });

  test("is read once in two seconds, known or not", async () => {
    const query = spyOn(app.transport, "query");
    await findSendingDomain(app, teamId, "nobody.example.com");
    await findSendingDomain(app, other.teamId, "nobody.example.com");
    expect(query).toHaveBeenCalledTimes(1);
    query.mockRestore();
  });

  test("a read that fails is not remembered", async () => {
    const query = spyOn(app.transport, "query").mockRejectedValueOnce(new Error("the disk is gone"));
    const first = await findSendingDomain(app, teamId, "fault.example.com").catch((error: unknown) => error);
    expect(first).toBeInstanceOf(Error);
    expect(await findSendingDomain(app, teamId, "fault.example.com")).toBeUndefined();
    query.mockRestore();
  });
});

describe("deleting a domain", () => {
  test("ends its sending, its keys and the API keys that may send from it alone, at once", async () => {
    const { id } = await createDomain(app, teamId, { name: "gone.example.com" });
    await atomically(app, [markVerified(id)]);
    const { token } = await createKey(app, teamId, {
      name: "one domain",
      permission: "sending_access",
      domainId: id,
    });
    expect(await authenticateKey(app, token)).toBeDefined();
    expect(await signingKeysOf(app, id)).toHaveLength(2);

    await deleteDomain(app, teamId, id);
    expect(await findDomainByName(app.db, "gone.example.com")).toBeUndefined();
    expect(await findSendingDomain(app, teamId, "gone.example.com")).toBeUndefined();
    expect(await signingKeysOf(app, id)).toEqual([]);
    expect(await authenticateKey(app, token)).toBeUndefined();
    expect(await listKeys(app.db, id)).toEqual([]);
  });

  test("of another team finds nothing", async () => {
    const { id } = await createDomain(app, other.teamId, { name: "kept.example.com" });
    expect(await deleteDomain(app, teamId, id).catch((error: unknown) => error)).toEqual(
      refusal("not_found", "Domain not found"),
    );
    expect(await getDomain(app, other.teamId, id)).toMatchObject({ name: "kept.example.com" });
  });
});
