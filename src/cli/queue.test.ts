import { expect, test } from "bun:test";
import { commandLine } from "../../test/support/command-line.ts";
import { addWaiting, lookAt, type WaitingOptions } from "../../test/support/waiting.ts";
import { createFirstAccount } from "../accounts/service.ts";
import { insertTeam } from "../accounts/store.ts";
import { type App, atomically } from "../app.ts";
import { newId } from "../ids.ts";
import { withApp } from "./open.ts";
import { queueCommand } from "./queue.ts";

const ada = { email: "ada@example.org", password: "correct horse", name: "Ada", team: "Engines" };
const hourMs = 3_600_000;

/** A command line with one account on it; `inside` works on the same data. */
async function prepare() {
  const line = await commandLine(queueCommand);
  const inside = <T>(work: (app: App) => Promise<T>) => withApp({ data: line.data }, work);
  const { team } = await inside((app) => createFirstAccount(app, ada));
  const add = (...all: WaitingOptions[]) => inside((app) => addWaiting(app, team.id, ...all));
  const look = (delivery: { id: string; emailId: string }) => inside((app) => lookAt(app, delivery));
  const queue = async (...args: string[]) => {
    const { code, stdout, stderr } = await line.call("queue", ...args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    return stdout;
  };
  const refused = async (...args: string[]) => {
    const { code, stderr } = await line.call("queue", ...args);
    expect(code).toBe(1);
    return stderr;
  };
  return { inside, add, look, queue, refused };
}

test("deliveries are counted first, then changed, on the word of --yes", async () => {
  const { add, look, queue, refused } = await prepare();
  const [one, two] = await add({ tags: [{ name: "news", value: "1" }] }, { domain: "slow.test" });
  const counted = "1 delivery matches: 1 queued, 0 deferred, 0 scheduled, 0 held.\n";
  expect(await queue("count", "--tag", "news")).toBe(counted);
  expect(await refused("pause", "--tag", "news")).toBe(
    "Nothing was changed: add --yes to do it without being asked.\n",
  );
  expect((await look(one!)).job?.lastError).toBeNull();

  expect(await queue("pause", "--tag", "news", "--yes", "--reason", "typo")).toBe(
    `${counted}Held 1 delivery.\n`,
  );
  expect((await look(one!)).job?.lastError).toEndWith(": typo");
  expect(await queue("resume", "--all", "--yes")).toBe(
    "1 delivery matches: 0 queued, 0 deferred, 0 scheduled, 1 held.\nResumed 1 delivery.\n",
  );
  expect(await queue("bounce", "--domain", "Slow.Test", "--yes", "--reason", "closed")).toEndWith(
    "Bounced 1 delivery.\n",
  );
  expect(await look(two!)).toMatchObject({ state: "bounced", lastReply: "Bounced by an operator: closed" });
  expect(await queue("cancel", "--all", "--yes")).toEndWith("Canceled 1 delivery.\n");
  expect(await queue("cancel", "--all")).toStartWith("0 deliveries match");
});

test("a retry makes what is deferred due", async () => {
  const { add, look, queue } = await prepare();
  const soon = new Date(Date.now() + hourMs);
  const [young, old] = await add({ deferredUntil: soon }, { deferredUntil: soon, ageMs: 3 * hourMs });
  expect(await queue("retry", "--older-than", "2h", "--yes")).toEndWith("Made due: 1 delivery.\n");
  expect((await look(old!)).job!.runAt < soon).toBe(true);
  expect((await look(young!)).job!.runAt).toEqual(soon);
});

test("all sending is stopped and started by one command each, and status says so", async () => {
  const { add, queue } = await prepare();
  await add({});
  expect(await queue("status")).toMatch(
    /^Sending is on\.\n[\s\S]*^queued +1$[\s\S]*^0 deliveries being attempted/m,
  );
  await queue("pause", "--sending", "--reason", "moving\u001b[31m house");
  expect(await queue("status")).toMatch(/^All sending is paused since \d{4}-.*Z: moving \[31m house\n/);
  await queue("resume", "--sending");
  expect(await queue("status")).toStartWith("Sending is on.\n");
});

test("a lane is paused with what comes later, and listed", async () => {
  const { add, queue } = await prepare();
  await add({ domain: "a.test" });
  await queue("pause", "--lane", "a.test", "--future", "--reason", "called us");
  expect(await queue("lanes")).toMatch(/^a\.test +never +paused +called us$/m);
  await queue("resume", "--lane", "a.test", "--future");
  expect(await queue("lanes")).toMatch(/^a\.test +\d{4}-\S+Z +no$/m);
  expect(await queue("lanes", "--after", "a.test")).not.toContain("a.test");
});

test("a team is named to leave the others alone", async () => {
  const { inside, add, look, queue } = await prepare();
  const [adas] = await add({});
  const [others] = await inside(async (app) => {
    const id = newId();
    await atomically(app, [insertTeam(app.db, { id, name: "Looms", createdAt: app.now() })]);
    return addWaiting(app, id, {});
  });
  expect(await queue("count")).toStartWith("2 deliveries match");
  expect(await queue("cancel", "--all", "--team", "Looms", "--yes")).toEndWith("Canceled 1 delivery.\n");
  expect([(await look(adas!)).state, (await look(others!)).state]).toEqual(["queued", "canceled"]);
});

test("what is unclear is refused, and nothing is changed", async () => {
  const { add, look, refused } = await prepare();
  const [one] = await add({});
  expect(await refused("bounce", "--yes")).toStartWith("Say which deliveries: --lane, ");
  expect(await refused("bounce", "--older-than", "soon", "--yes")).toContain("Write a time such as");
  expect(await refused("bounce", "--domain", "a b", "--yes")).toContain("Write a domain such as");
  expect(await refused("bounce", "--state", "gone", "--yes")).toContain("queued, deferred, scheduled, held");
  expect(await refused("pause", "--sending", "--tag", "news")).toStartWith("--sending stands alone");
  expect(await refused("pause", "--future")).toBe("Say which lane: --lane NAME --future.\n");
  expect(await refused("pause", "--lane", "a.test", "--future", "--domain", "b.test")).toStartWith(
    "--sending",
  );
  expect(await refused("cancel", "--all", "--team", "Mills", "--yes")).toStartWith("There is no team Mills");
  expect(await look(one!)).toMatchObject({ state: "queued", job: { lastError: null } });
});
