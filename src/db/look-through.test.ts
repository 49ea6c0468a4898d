import { expect, test } from "bun:test";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { atomically } from "../app.ts";
import { findTemplatesBy, findTemplatesPlace, getTemplates } from "../templates/service.ts";
import { lookedAtAtOnce } from "./look-through.ts";
import { furthestNumbered } from "./page.ts";
import { rawWrite } from "./write.ts";

const app = await testApp();
const { teamId } = await testTeam(app);
const rows = furthestNumbered + lookedAtAtOnce;
const idOf = (n: number) => `01900000-0000-7000-8000-${String(n).padStart(12, "0")}`;
// The oldest is called so, and one in three thousand.
await atomically(app, [
  rawWrite(
    `with recursive rows (n) as (select 1 union all select n + 1 from rows where n < ?2)
     insert into templates (id, team_id, name, current_version_id, created_at, updated_at)
     select printf('01900000-0000-7000-8000-%012d', n), ?1, iif(n = 1 or n % 3000 = 0, 'Rare ', 'Other ') || n, 'v', 0, 0
     from rows`,
    [teamId, rows],
  ),
]);

test("a search looks at so many rows at a time, says where to go on, and comes to the oldest", async () => {
  const pages: string[][] = [];
  let after: string | undefined;
  do {
    const found = await findTemplatesBy(app, teamId, "rare", { limit: 10, after });
    pages.push(found.rows.map(({ name }) => name));
    after = found.next;
  } while (after !== undefined);
  const found = [["Rare 12000"], ["Rare 9000"], [], ["Rare 6000"], ["Rare 3000"], ["Rare 1"]];
  expect(pages).toEqual([...found, []]); // whether there is more behind a whole stretch is seen by looking
});

test("a page that is full goes on behind its last row", async () => {
  const { next } = await findTemplatesBy(app, teamId, "other", { limit: 2 });
  expect(next).toBe(idOf(rows - 2));
});

test("a search by numbers is among the rows that numbers lead to", async () => {
  const { total } = await findTemplatesPlace(app, teamId, { page: 1, perPage: 20 }, "rare");
  const names = (await getTemplates(app, teamId, { limit: 20 }, "rare")).map(({ name }) => name);
  expect(names).toEqual(["Rare 12000", "Rare 9000", "Rare 6000", "Rare 3000"]);
  expect(total).toBe(names.length);
});
