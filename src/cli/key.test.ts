import { expect, test } from "bun:test";
import { commandLine } from "../../test/support/command-line.ts";
import { createFirstAccount } from "../accounts/service.ts";
import { insertTeam } from "../accounts/store.ts";
import { type App, atomically } from "../app.ts";
import { createDomain } from "../domains/create.ts";
import { newId } from "../ids.ts";
import { authenticateKey } from "../keys/authenticate.ts";
import { keyCommand } from "./key.ts";
import { withApp } from "./open.ts";

const ada = { email: "ada@example.org", password: "correct horse", name: "Ada", team: "Engines" };

/** A command line with one account on it; `inside` works on the same data. */
async function prepare() {
  const line = await commandLine(keyCommand);
  const inside = <T>(work: (app: App) => Promise<T>) => withApp({ data: line.data }, work);
  const { team } = await inside((app) => createFirstAccount(app, ada));
  return { ...line, inside, teamId: team.id };
}

test("a made key works, is listed by its beginning, and is refused once revoked", async () => {
  const { call, inside, teamId } = await prepare();
  const { id, token } = JSON.parse((await call("key", "create", "--name", "CI", "--json")).stdout);
  expect(await inside((app) => authenticateKey(app, token))).toMatchObject({
    teamId,
    permission: "full_access",
  });

  const { stdout: list } = await call("key", "list");
  expect(list).toMatch(new RegExp(`^${id}  ${token.slice(0, 10)}…  full_access  any .* never +CI$`, "m"));
  expect(list).not.toContain(token);

  expect((await call("key", "revoke", id)).code).toBe(0);
  expect(await inside((app) => authenticateKey(app, token))).toBeUndefined();
  expect(await call("key", "revoke", id)).toEqual({ code: 1, stdout: "", stderr: "API key not found\n" });
});

test("a key for one domain may only send", async () => {
  const { call, inside, teamId } = await prepare();
  const domain = await inside((app) => createDomain(app, teamId, { name: "example.org" }));
  const made = await call("key", "create", "--name", "CI", "--domain", "Example.org");
  const [token] = made.stdout.split("\n");
  expect(await inside((app) => authenticateKey(app, token!))).toMatchObject({
    permission: "sending_access",
    domainId: domain.id,
  });
  expect((await call("key", "list")).stdout).toContain("example.org");
  const { code, stderr } = await call("key", "create", "--name", "CI", "--domain", "example.com");
  expect({ code, stderr }).toEqual({ code: 1, stderr: "The team has no domain example.com.\n" });
});

test("where there are several teams, one must be named", async () => {
  const { call, inside } = await prepare();
  await inside((app) =>
    atomically(app, [insertTeam(app.db, { id: newId(), name: "Looms", createdAt: app.now() })]),
  );
  const { code, stderr } = await call("key", "create", "--name", "CI");
  expect(code).toBe(1);
  expect(stderr).toMatch(/^Say which team with --team: Engines \(.*\), Looms \(.*\)\.\n$/);
  expect((await call("key", "create", "--name", "CI", "--team", "Looms")).code).toBe(0);
  expect((await call("key", "create", "--name", "CI", "--team", "Mills")).stderr).toStartWith(
    "There is no team Mills;",
  );
});

test("what can't be a key is refused before there is one", async () => {
  const { call } = await prepare();
  const failed = async (...args: string[]) => {
    const { code, stdout, stderr } = await call("key", ...args);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    return stderr;
  };
  expect(await failed("create")).toContain("--name");
  expect(await failed("create", "--name", "x".repeat(51))).toStartWith("Invalid `name` field.");
  expect(await failed("create", "--name", "CI", "--permission", "root")).toContain(
    "full_access, sending_access",
  );
  expect((await call("key", "list")).stdout.trim().split("\n")).toHaveLength(1);
});

test("without a team, commands point to setup", async () => {
  const { call } = await commandLine(keyCommand);
  expect((await call("key", "list")).stderr).toBe("There is no team yet: run `mailit setup` first.\n");
});
