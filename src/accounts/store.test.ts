import { expect, test } from "bun:test";
import { eachTransport } from "../../test/support/transports.ts";
import { openDb } from "../db/open.ts";
import type { Transport } from "../db/transport.ts";
import { expectChange, toStatement, type Write } from "../db/write.ts";
import { newId } from "../ids.ts";
import type { User } from "./schema.ts";
import {
  findMember,
  findNewestTeamOf,
  findUserByEmail,
  insertFirstUser,
  insertMembership,
  insertTeam,
  insertUser,
  listUsersWithTeams,
  markDisabled,
  markEnabled,
} from "./store.ts";

const createdAt = new Date("2026-03-01T12:00:00Z");
const person = (email: string): User => ({
  id: newId(),
  email,
  name: 'O\'Neill, "Ada"',
  passwordHash: "$argon2id$",
  disabledAt: null,
  createdAt,
});
const write = (transport: Transport, ...writes: Write[]) => transport.batch(writes.map(toStatement));

eachTransport((_, open) => {
  test("only one of two nodes stores the first user", async () => {
    const transport = await open();
    const [here, there] = [openDb(transport), transport.another()];
    const [ada, eve] = [person("ada@example.com"), person("eve@example.com")];
    const outcomes = await Promise.allSettled([
      write(transport, insertFirstUser(here, ada), expectChange()),
      write(there, insertFirstUser(openDb(there), eve), expectChange()),
    ]);
    const [lost] = outcomes.filter(({ status }) => status === "rejected");
    expect(lost).toMatchObject({ reason: { name: "WriteConflict", kind: "stale" } });
    const stored = [await findUserByEmail(here, ada.email), await findUserByEmail(here, eve.email)];
    expect(stored.filter((user) => user !== undefined)).toEqual([
      outcomes[0]!.status === "fulfilled" ? ada : eve,
    ]);
  });

  test("a member is found in their teams only, and their newest team is the one joined last", async () => {
    const transport = await open();
    const db = openDb(transport);
    const user = person("ada@example.com");
    const [first, second, other] = ["First", "Second", "Other"].map((name) => ({
      id: newId(),
      name,
      createdAt,
    }));
    const joined = (teamId: string, at: number) =>
      insertMembership(db, { teamId, userId: user.id, role: "developer", createdAt: new Date(at) });
    await write(
      transport,
      insertUser(db, user),
      ...[first!, second!, other!].map((team) => insertTeam(db, team)),
    );
    await write(transport, joined(second!.id, 1_000), joined(first!.id, 2_000));

    expect(await findMember(db, first!.id, user.id)).toEqual({
      passwordHash: user.passwordHash,
      disabledAt: null,
      role: "developer",
    });
    expect(await findMember(db, other!.id, user.id)).toBeUndefined();
    expect(await findNewestTeamOf(db, user.id)).toEqual(first!);
    expect((await listUsersWithTeams(db)).map(({ team }) => team)).toEqual(["First", "Second"]);
  });

  test("disabling again keeps the first day, and enabling clears it", async () => {
    const transport = await open();
    const db = openDb(transport);
    const user = person("ada@example.com");
    await write(transport, insertUser(db, user), markDisabled(db, user.email, createdAt));
    await write(transport, markDisabled(db, user.email, new Date()));
    expect(await findUserByEmail(db, user.email)).toMatchObject({ disabledAt: createdAt });
    await write(transport, markEnabled(db, user.email));
    expect(await findUserByEmail(db, user.email)).toEqual(user);
  });
});
