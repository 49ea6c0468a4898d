import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { configKeys } from "./documentation.ts";
import { loadConfig } from "./load.ts";
import { namedKeys } from "./schema.ts";

const example = join(import.meta.dir, "../../mailit.config.ts");
const folder = mkdtempSync(join(tmpdir(), "mailit-example-"));
afterAll(() => rmSync(folder, { recursive: true }));

const load = (file?: string) => loadConfig({ file, env: {}, cwd: folder, sandbox: false, isRoot: true });

test("every key has a row with its variable, its default and a sentence", () => {
  const rows = configKeys();
  expect(rows.map((row) => row.key)).toEqual(namedKeys.map(({ path }) => path));
  for (const row of rows) {
    expect(row.env).toMatch(/^MAILIT_[A-Z0-9_]+( or [A-Z_]+)?$/);
    expect(row.default).not.toBe("");
    expect(row.description).toMatch(/^[A-Z][^|\n]+\.$/); // a | would end a cell of a Markdown table
  }
  expect(rows).toContainEqual({
    key: "smtpInbound.addr",
    env: "MAILIT_SMTP_INBOUND_ADDR",
    default: ":25; :2525 without root and in the sandbox",
    description: "Where mail for our domains is received.",
  });
});

test("the example file changes nothing", async () => {
  expect(await load(example)).toEqual(await load());
});

test("the example file has every key, and those with a default have it there", async () => {
  const file = join(folder, "uncommented.ts");
  const source = await Bun.file(example).text();
  await Bun.write(file, source.replaceAll(/^( *)\/\/ (\w+: .*,)$/gm, "$1$2"));
  process.env.MASTER_KEY = "5e".repeat(32); // which the file takes from there, and database.url needs
  const module: { default: object } = await import(file);

  for (const { path, key } of namedKeys) {
    const names = path.split(".");
    const group = names
      .slice(0, -1)
      .reduce<object>((inner, name) => Object(Reflect.get(inner, name)), module.default);
    expect(Object.keys(group)).toContain(names.at(-1)!);
    if (key.default !== undefined)
      expect([path, Reflect.get(group, names.at(-1)!)]).toEqual([path, key.default]);
  }
  await load(file); // and what stands there for the others is allowed
});
