/** Runs every benchmark, or those named: `bun run bench delivery`. */
import { readdir } from "node:fs/promises";
import { $ } from "bun";

const folder = import.meta.dir;
const wanted = process.argv.slice(2);
const names = (await readdir(folder))
  .filter((file) => file.endsWith(".bench.ts"))
  .map((file) => file.replace(".bench.ts", ""))
  .filter((name) => wanted.length === 0 || wanted.includes(name));

await $`bun ${folder}/../.ci/build.ts`.quiet();
for (const name of names) {
  process.stdout.write(`\n${name}\n`);
  await $`bun ${folder}/${name}.bench.ts`;
}
