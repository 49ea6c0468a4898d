import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { migrations } from "../../migrations/index.ts";
import { testApp } from "../../test/support/test-app.ts";
import { statementsOf } from "../db/migrate.ts";
import type { Write } from "../db/write.ts";
import {
  changeContact,
  changeKnown,
  changeMembership,
  chooseTopics,
  insertNew,
  joinSegments,
  number,
  recordCreated,
  removeContacts,
} from "./changes.ts";
import { writeTopics } from "./save.ts";

const app = await testApp();
const wishes = [number({ email: "ada@example.com" })];
const choices = [{ id: "x", subscription: "opt_in" as const }];

const changes: [string, Write[]][] = [
  ["insertNew", [insertNew(app, "t", wishes)]],
  ["recordCreated", recordCreated(app, "t", wishes)],
  ["changeKnown", changeKnown(app, "t", wishes)],
  ["changeContact", changeContact(app, "t", "id", {})],
  ["changeMembership", changeMembership(app, { teamId: "t", id: "id", email: "ada@example.com" }, "s", true)],
  ["removeContacts", removeContacts(app, "t", ["id"])],
  ["joinSegments", [joinSegments("t", ["ada@example.com"], ["s"])]],
  ["chooseTopics", [chooseTopics("t", ["ada@example.com"], choices)]],
  ["writeTopics", writeTopics(app, "t", "ada@example.com", choices)],
];

test.each(changes)("%s looks at the contacts of its list, never at all of the team's", (_, writes) => {
  const database = new Database(":memory:");
  for (const { up } of migrations) for (const { sql } of statementsOf(up)) database.run(sql);
  const lines = writes.flatMap((write) =>
    database
      .query<[number, number, number, string], []>(`explain query plan ${write.toSQL().sql}`)
      .values()
      .map(([, , , line]) => line!),
  );
  expect(lines.filter((line) => /\(team_id=\?\)$/.test(String(line)))).toEqual([]);
});
