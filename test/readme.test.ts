import { expect, test } from "bun:test";
import { configKeys } from "../src/config/documentation.ts";

test("README's configuration table is the configuration", async () => {
  const readme = await Bun.file(new URL("../README.md", import.meta.url)).text();
  const [, table] = /<!-- configuration:.*-->\n([\s\S]*?)\n<!-- end/.exec(readme) ?? [];
  const rows = configKeys().map(
    ({ key, env, default: standard, description }) =>
      `| \`${key}\` | \`${env}\` | ${standard} | ${description} |`,
  );
  expect(table?.split("\n").slice(2)).toEqual(rows);
});
