// After the stories of test/browser: which routes of the admin did a browser ask for, and was not refused?
import { expect, test } from "bun:test";
import { adminPages } from "../src/admin/routes.ts";
import { testApp } from "../test/support/test-app.ts";

const folder = process.env.MAILIT_TEST_VISITS!;
const visits: string[] = [];
for await (const file of new Bun.Glob("*.json").scan({ cwd: folder, absolute: true })) {
  visits.push(...(await Bun.file(file).json()));
}
const routes = adminPages(await testApp({ sandbox: true })).routes.map(({ method, path }) => ({
  name: `${method} ${path}`,
  isOf: new RegExp(`^${method} ${path.replace(/:[^/]+/g, "[^/]+")}/?$`),
  parameters: path.split(":").length - 1,
}));

/** Of several that an address may mean, the one with the most words of its own. */
const routeOf = (visit: string) =>
  routes.filter(({ isOf }) => isOf.test(visit)).sort((a, b) => a.parameters - b.parameters)[0]?.name;

test("every page and every act of the admin has a story in a browser", () => {
  const told = new Set(visits.map(routeOf));
  expect(routes.map(({ name }) => name).filter((name) => !told.has(name))).toEqual([]);
});
