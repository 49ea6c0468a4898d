import { expect, test } from "bun:test";
import { commandLine } from "../../test/support/command-line.ts";
import { addUser, createFirstAccount } from "../accounts/service.ts";
import { withApp } from "./open.ts";
import { userCommand } from "./user.ts";

test("people are listed, locked out and let in again, and no name reaches the terminal as a command", async () => {
  const { call, data } = await commandLine(userCommand);
  await withApp({ data }, async (app) => {
    const ada = { email: "ada@example.org", password: "correct horse", name: "Ada", team: "Engines" };
    const { team } = await createFirstAccount(app, ada);
    const eve = {
      email: "eve@example.org",
      password: "correct horse",
      name: "Eve \u200bHacker",
      teamId: team.id,
    };
    await addUser(app, { ...eve, role: "developer" });
  });
  expect((await call("user", "disable", "EVE@example.org")).stdout).toBe(
    "eve@example.org can't log in any more.\n",
  );
  const { stdout } = await call("user", "list");
  expect(stdout).toMatch(/^ada@example\.org +Engines +owner +active .* Ada$/m);
  expect(stdout).toMatch(/^eve@example\.org +Engines +developer +disabled .* Eve \ufffdHacker$/m);
  expect((await call("user", "disable", "eve@example.org", "--undo")).code).toBe(0);
  expect((await call("user", "list")).stdout).not.toContain("disabled");
  expect(await call("user", "disable", "bob@example.org")).toMatchObject({
    code: 1,
    stderr: "There is no user with the email address bob@example.org.\n",
  });
});
