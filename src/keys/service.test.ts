import { expect, test } from "bun:test";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { testDomain } from "../../test/support/test-domain.ts";
import { atomically } from "../app.ts";
import { rawWrite } from "../db/write.ts";
import { newId } from "../ids.ts";
import type { Role } from "../roles.ts";
import { authenticateKey } from "./authenticate.ts";
import { changeKey, createKey, hasFullKey, listTeamKeys, revokeKey } from "./service.ts";
import { findKeyByHash } from "./store.ts";

const everything = { limit: undefined };

test("a key's token is given once and stored only as its hash", async () => {
  const app = await testApp();
  const { teamId } = await testTeam(app);
  const { id, token } = await createKey(app, teamId, { name: " CI " });
  expect(token).toMatch(/^re_[0-9a-f]{64}$/);
  const tokenHash = new Bun.CryptoHasher("sha256").update(token).digest("hex");
  expect(await findKeyByHash(app.db, tokenHash)).toEqual({
    id,
    teamId,
    name: "CI",
    tokenHash,
    tokenStart: token.slice(0, 10),
    permission: "full_access",
    domainId: null,
    lastUsedAt: null,
    createdAt: app.now(),
    allowedIps: [],
  });
  await app.transport.close();
  expect(await Bun.file(`${app.folder}/mailit.db`).text()).not.toContain(token.slice(11));
});

test("a key that does everything is made, changed and revoked by admins alone", async () => {
  const app = await testApp();
  const { teamId } = await testTeam(app);
  const { id: full } = await createKey(app, teamId, { name: "Full" });
  const { id: sending } = await createKey(app, teamId, { name: "CI", permission: "sending_access" });
  const as = (role: Role, work: () => Promise<unknown>) => app.acting.run({ role }, work);
  for (const act of [
    () => createKey(app, teamId, { name: "Mine" }),
    () => changeKey(app, teamId, full, { allowedIps: ["192.0.2.1"] }),
    () => changeKey(app, teamId, full, { name: "Mine" }),
    () => revokeKey(app, teamId, full),
  ]) {
    await expect(as("developer", act)).rejects.toMatchObject({ code: "not_permitted" });
  }
  await as("developer", () => changeKey(app, teamId, sending, { name: "Builds" }));
  await as("developer", () => revokeKey(app, teamId, sending));
  await as("admin", () => changeKey(app, teamId, full, { allowedIps: ["192.0.2.1"] }));
  await as("admin", () => revokeKey(app, teamId, full));
});

test("a key is restricted to a domain of its own team only, and goes with it", async () => {
  const app = await testApp();
  const [{ teamId }, other] = [await testTeam(app), await testTeam(app)];
  const mine = (await testDomain(app, teamId, "example.com")).id;
  const theirs = (await testDomain(app, other.teamId, "example.org")).id;
  const restricted = (domainId: string) =>
    createKey(app, teamId, { name: "CI", permission: "sending_access", domainId });

  const { id } = await restricted(mine);
  expect(await listTeamKeys(app, teamId, everything)).toMatchObject([
    { id, permission: "sending_access", domainId: mine, lastUsedAt: null, createdAt: app.now() },
    { permission: "full_access", domainId: null },
  ]);
  for (const domainId of [theirs, newId()]) {
    await expect(restricted(domainId)).rejects.toMatchObject({
      code: "not_found",
      message: "Domain not found",
    });
  }
  await expect(restricted("example.com")).rejects.toMatchObject({ code: "invalid_parameter" });

  await atomically(app, [rawWrite("delete from domains where id = ?", [mine])]);
  expect(await listTeamKeys(app, teamId, everything)).toHaveLength(1);
});

test.each([
  ["an unknown permission", { name: "CI", permission: "admin" }, "invalid_access"],
  [
    "full access and a domain",
    { name: "CI", domainId: "0190d4b8-0000-7000-8000-000000000000" },
    "validation_error",
  ],
  ["no name", { name: "  " }, "validation_error"],
  ["a name of 51 characters", { name: "x".repeat(51) }, "validation_error"],
  ["a line break in its name", { name: "a\nb" }, "validation_error"],
])("a key with %s is refused", async (_, input, code) => {
  const app = await testApp();
  const { teamId } = await testTeam(app);
  await expect(createKey(app, teamId, input)).rejects.toMatchObject({ name: "Refusal", code });
});

test("fifty characters are counted as people count them", async () => {
  const app = await testApp();
  const { teamId } = await testTeam(app);
  expect(await createKey(app, teamId, { name: "🔑".repeat(50) })).toBeDefined();
});

test("another team's key can be neither renamed nor revoked", async () => {
  const app = await testApp();
  const [mine, theirs] = [await testTeam(app), await testTeam(app)];
  const refusal = { code: "not_found", message: "API key not found" };
  for (const id of [theirs.keyId, newId(), "no-id", ""]) {
    await expect(changeKey(app, mine.teamId, id, { name: "Mine" })).rejects.toMatchObject(refusal);
    await expect(revokeKey(app, mine.teamId, id)).rejects.toMatchObject(refusal);
  }
  expect(await listTeamKeys(app, theirs.teamId, everything)).toMatchObject([{ name: "test" }]);
});

test("a renamed key keeps everything but its name", async () => {
  const app = await testApp();
  const { teamId, keyId } = await testTeam(app);
  const [before] = await listTeamKeys(app, teamId, everything);
  await changeKey(app, teamId, keyId, { name: "Production" });
  expect(await listTeamKeys(app, teamId, everything)).toEqual([{ ...before!, name: "Production" }]);
});

test("networks of a key are stored in one spelling, and each change counts at once", async () => {
  const app = await testApp();
  const { teamId } = await testTeam(app);
  const { id, token } = await createKey(app, teamId, {
    name: "CI",
    allowedIps: ["203.0.113.7/24", " 2001:DB8::0:1 ", "203.0.113.0/24"],
  });
  const stored = async () => (await listTeamKeys(app, teamId, everything))[0]!.allowedIps;
  expect(await stored()).toEqual(["203.0.113.0/24", "2001:db8::1"]);
  expect((await authenticateKey(app, token))!.networks).toHaveLength(2);
  await changeKey(app, teamId, id, { allowedIps: null });
  expect(await stored()).toEqual([]);
  expect((await authenticateKey(app, token))!.networks).toEqual([]);
  await changeKey(app, teamId, id, { allowedIps: ["::1"] });
  expect((await authenticateKey(app, token))!.networks).toHaveLength(1);
  await expect(changeKey(app, teamId, id, {})).rejects.toMatchObject({ code: "missing_required_field" });
});

test("a key restricted to a domain keeps its networks", async () => {
  const app = await testApp();
  const { teamId } = await testTeam(app);
  const { id: domainId } = await testDomain(app, teamId, "example.com");
  const allowedIps = ["203.0.113.7"];
  await createKey(app, teamId, { name: "CI", permission: "sending_access", domainId, allowedIps });
  expect(await listTeamKeys(app, teamId, { limit: 1 })).toMatchObject([{ domainId, allowedIps }, {}]);
});

test("a team has a full key until the last one is revoked", async () => {
  const app = await testApp();
  const { teamId, keyId } = await testTeam(app);
  await createKey(app, teamId, { name: "Sender", permission: "sending_access" });
  expect(await hasFullKey(app, teamId)).toBe(true);
  await revokeKey(app, teamId, keyId);
  expect(await hasFullKey(app, teamId)).toBe(false);
});
