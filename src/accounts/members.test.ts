import { expect, test } from "bun:test";
import { type TestApp, testApp, testTeam } from "../../test/support/test-app.ts";
import { atomically } from "../app.ts";
import { Refusal } from "../errors.ts";
import { newId } from "../ids.ts";
import { createKey } from "../keys/service.ts";
import type { Role } from "../roles.ts";
import { changeRole, listMembers, removeMember } from "./members.ts";
import { nobodysPassword } from "./password.ts";
import type { User } from "./schema.ts";
import { disableUser } from "./service.ts";
import { findSignedIn, signIn, switchTeam } from "./sign-ins.ts";
import { insertMembership, insertUser } from "./store.ts";
import { createTeam, getTeam, renameTeam } from "./teams.ts";

const app = await testApp();
const browser = { address: "192.0.2.1", userAgent: "Firefox" };

async function join(teamId: string, role: Role): Promise<Pick<User, "id" | "email" | "passwordHash">> {
  const id = newId();
  const email = `${role}-${id}@example.com`;
  const createdAt = app.now();
  await atomically(app, [
    insertUser(app.db, {
      ...{ id, email, name: role, passwordHash: nobodysPassword },
      ...{ disabledAt: null, createdAt },
    }),
    insertMembership(app.db, { teamId, userId: id, role, createdAt }),
  ]);
  return { id, email, passwordHash: nobodysPassword };
}

const refusalOf = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => (error instanceof Refusal ? `${error.code}: ${error.message}` : error),
  );

/** Does something as a person of that role. */
const as = <T>(role: Role, work: () => Promise<T>, on: TestApp = app) => on.acting.run({ role }, work);

const roleOf = async (teamId: string, id: string) =>
  (await listMembers(app, teamId, { limit: 100 })).find((member) => member.id === id)?.role;

test("an admin gives people another role and removes them, which counts at once", async () => {
  const { teamId } = await testTeam(app);
  const user = await join(teamId, "viewer");
  const { id } = user;
  const token = await signIn(app, user, teamId, browser);
  await as("admin", () => changeRole(app, teamId, id, "developer"));
  expect((await findSignedIn(app, token))?.role).toBe("developer");
  await as("admin", () => removeMember(app, teamId, id));
  expect(await findSignedIn(app, token)).toBeUndefined();
  expect(await roleOf(teamId, id)).toBeUndefined();
});

test.each(["viewer", "developer"] as const)("a %s touches nobody and renames nothing", async (role) => {
  const { teamId, userId } = await testTeam(app, "Engines");
  const { id } = await join(teamId, "viewer");
  const attempts = [
    () => changeRole(app, teamId, id, "developer"),
    () => changeRole(app, teamId, userId, "viewer"),
    () => removeMember(app, teamId, id),
    () => renameTeam(app, teamId, "Theirs"),
  ];
  for (const attempt of attempts) {
    expect(await refusalOf(as(role, attempt))).toBe(
      `not_permitted: Your role in this team is ${role}, and this takes admin: ask an owner or admin of the team.`,
    );
  }
  expect(await roleOf(teamId, id)).toBe("viewer");
  expect((await getTeam(app, teamId)).name).toBe("Engines");
});

test("an admin can't touch an owner, and makes nobody one", async () => {
  const { teamId, userId } = await testTeam(app);
  await join(teamId, "owner");
  const { id } = await join(teamId, "developer");
  for (const attempt of [
    () => changeRole(app, teamId, userId, "viewer"),
    () => removeMember(app, teamId, userId),
    () => changeRole(app, teamId, id, "owner"),
  ]) {
    expect(await refusalOf(as("admin", attempt))).toStartWith(
      "not_permitted: Your role in this team is admin",
    );
  }
  expect(await roleOf(teamId, userId)).toBe("owner");
  expect(await roleOf(teamId, id)).toBe("developer");
});

test("the last owner who can sign in neither goes nor steps down", async () => {
  const { teamId, userId } = await testTeam(app);
  const last = "validation_error: Owner is the team's last owner: make somebody else an owner first.";
  expect(await refusalOf(as("owner", () => removeMember(app, teamId, userId)))).toBe(last);
  expect(await refusalOf(as("owner", () => changeRole(app, teamId, userId, "admin")))).toBe(last);
  const second = await join(teamId, "owner");
  await disableUser(app, second.email);
  expect(await refusalOf(as("owner", () => removeMember(app, teamId, userId)))).toBe(last);
  const { id: third } = await join(teamId, "admin");
  await as("owner", () => changeRole(app, teamId, third, "owner"));
  await as("owner", () => removeMember(app, teamId, userId));
  expect(await roleOf(teamId, userId)).toBeUndefined();
});

test("of two owners who remove each other at once, one stays", async () => {
  const { teamId, userId } = await testTeam(app);
  const { id: other } = await join(teamId, "owner");
  await Promise.allSettled([userId, other].map((id) => as("owner", () => removeMember(app, teamId, id))));
  const left = await listMembers(app, teamId, { limit: 100 });
  expect(left.map(({ role }) => role)).toEqual(["owner"]);
});

test("another team's people are not there, and neither is what is no id or no role", async () => {
  const { teamId } = await testTeam(app);
  const other = await testTeam(app);
  const { id } = await join(other.teamId, "viewer");
  expect(await refusalOf(changeRole(app, teamId, id, "admin"))).toStartWith("not_found");
  expect(await refusalOf(removeMember(app, teamId, id))).toStartWith("not_found");
  expect(await refusalOf(removeMember(app, teamId, "' or 1"))).toStartWith("not_found");
  expect(await refusalOf(changeRole(app, other.teamId, id, "root"))).toBe(
    "validation_error: Invalid `role` field. A role is viewer, developer, admin, or owner.",
  );
});

test("a list of members has pages", async () => {
  const { teamId, userId } = await testTeam(app);
  const ids = [userId, (await join(teamId, "viewer")).id, (await join(teamId, "viewer")).id].toReversed();
  const page = await listMembers(app, teamId, { limit: 1 });
  expect(page.map(({ id }) => id)).toEqual(ids.slice(0, 2));
  const next = await listMembers(app, teamId, { limit: 1, after: ids[0]! });
  expect(next.map(({ id }) => id)).toEqual(ids.slice(1));
});

test("anybody makes a team of their own, and looks at it from then on", async () => {
  const { teamId } = await testTeam(app);
  const token = await signIn(app, await join(teamId, "viewer"), teamId, browser);
  const who = (await findSignedIn(app, token))!;
  const made = await as("viewer", () => createTeam(app, who.user, " Wheels ", "192.0.2.1"));
  expect(await switchTeam(app, who, made.id)).toBeTrue();
  expect(await findSignedIn(app, token)).toMatchObject({
    team: { id: made.id, name: "Wheels" },
    role: "owner",
  });
});

test("a developer makes keys that send, and none that does what an admin does", async () => {
  const { teamId } = await testTeam(app);
  await as("developer", () => createKey(app, teamId, { name: "Sends", permission: "sending_access" }));
  expect(
    await refusalOf(
      as("developer", () => createKey(app, teamId, { name: "All", permission: "full_access" })),
    ),
  ).toStartWith("not_permitted");
});
