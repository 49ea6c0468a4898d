import { expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { migrations } from "../../migrations/index.ts";
import { runMailit, startMailit } from "./mailit.ts";
import { account, apiOf, folderOfTest, setUp, storyMs, until } from "./story.ts";

setDefaultTimeout(storyMs);

/** A command line in a folder: its words, and what is typed into it. */
const inFolder =
  (folder: string) =>
  (words: string, stdin = "") =>
    runMailit(words.split(" "), { folder, stdin });

test("migrations are shown, applied, taken back and applied again", async () => {
  const folder = await folderOfTest();
  const mailit = inFolder(folder);

  const all = migrations.map(({ version, name }) => `Applied ${version} (${name}).\n`).join("");
  const { version, name } = migrations.at(-1)!;
  const status = async () => (await mailit("migrate --status")).stdout;
  const notApplied = new RegExp(`^${version} +not applied +${name}$`, "m");

  expect(await status()).toMatch(/^1 +not applied +init$/m);
  expect(existsSync(join(folder, "data/mailit.db"))).toBe(false);
  expect(await mailit("migrate --up")).toEqual({ code: 0, stdout: all, stderr: "" });
  expect(await status()).toMatch(/^1 +\d{4}-\S+Z +init$/m);
  expect((await mailit("migrate --up")).stdout).toBe("There was nothing to do.\n");
  expect((await mailit("migrate --down")).stdout).toBe(`Took back ${version} (${name}).\n`);
  expect(await status()).toMatch(notApplied);
  expect((await mailit("migrate --up")).stdout).toBe(`Applied ${version} (${name}).\n`);
  expect(await status()).not.toMatch(notApplied);
  const unclear = await mailit("migrate");
  expect(unclear).toEqual({ code: 1, stdout: "", stderr: "Say one of --up, --down and --status.\n" });
});

test("a key made beside a running server works at once, and revoked it is refused within seconds", async () => {
  const folder = await folderOfTest();
  const mailit = inFolder(folder);
  await setUp(folder);
  await using server = await startMailit({ folder });

  const { id, token } = JSON.parse((await mailit("key create --name CI --json")).stdout);
  const api = apiOf(server, token);
  expect((await api.get("/emails")).status).toBe(200);
  const { stdout: list } = await mailit("key list");
  expect(list).toContain(id);
  expect(list).not.toContain(token);

  expect((await mailit(`key revoke ${id}`)).code).toBe(0);
  const refused = await until("the key is refused", async () => {
    const answer = await api.get("/emails");
    return answer.status === 200 ? undefined : answer;
  });
  expect(refused).toMatchObject({ status: 403, body: { name: "invalid_api_key" } });
  expect((await mailit("key list")).stdout).not.toContain(id);
});

test("a person is added, logs in, gets a new password and is locked out", async () => {
  const folder = await folderOfTest();
  const mailit = inFolder(folder);
  await setUp(folder);
  await using server = await startMailit({ folder });
  const logIn = async (password: string) => {
    const request = { method: "POST", headers: { "content-type": "application/json" } };
    const body = JSON.stringify({ email: "grace@example.net", password });
    return (await fetch(`${server.url}/auth/login`, { ...request, body })).status;
  };

  const added = await mailit("user add grace@example.net --password-stdin", "first password\n");
  expect({ code: added.code, stderr: added.stderr }).toEqual({ code: 0, stderr: "" });
  expect((await mailit("user list")).stdout).toMatch(/^grace@example\.net .* developer +active/m);
  expect(await logIn("first password")).toBe(200);

  expect((await mailit("user password grace@example.net --password-stdin", "second password\n")).code).toBe(
    0,
  );
  expect(await logIn("first password")).toBe(401);
  expect(await logIn("second password")).toBe(200);

  expect((await mailit("user disable grace@example.net")).code).toBe(0);
  expect(await logIn("second password")).toBe(401);
  expect((await mailit("user list")).stdout).toMatch(/^grace@example\.net .* disabled/m);
});

test("setup without a terminal says which flag is missing, and makes nothing", async () => {
  const folder = await folderOfTest();
  const mailit = inFolder(folder);

  const missing = async (words: string) => {
    const { code, stdout, stderr } = await mailit(words);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    return stderr;
  };
  expect(await missing("setup")).toBe("Give --email: there is no terminal to ask at.\n");
  expect(await missing("setup --email ada@example.net")).toStartWith("Give --password-stdin or --password:");
  expect(await missing("setup --email ada@example.net --password correct-horse")).toStartWith(
    "Give --domain:",
  );
  expect((await mailit("key list")).stderr).toBe("There is no team yet: run `mailit setup` first.\n");
});

test("setup again goes on for the same account only, and shows no key twice", async () => {
  const folder = await folderOfTest();
  const mailit = inFolder(folder);
  const first = await setUp(folder);
  const again = (password: string) =>
    mailit(
      `setup --json --email ${account.email} --domain ${account.domain} --password-stdin`,
      `${password}\n`,
    );

  expect(JSON.parse((await again(account.password)).stdout)).toEqual({ ...first, api_key: null });
  const stranger = await again("some other password");
  expect(stranger).toMatchObject({ code: 1, stdout: "" });
  expect(stranger.stderr).toStartWith("MailIt is already set up here");
});
