// `bun .ci/screenshots.ts` leaves a picture of every page in screenshots/: light, dark and on a phone.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { installChromium } from "./packages.ts";
import { phase, root } from "./phase.ts";

const folder = join(root, "screenshots");
if (!(await installChromium())) {
  console.error("There is no Chromium: install it with `apt-get install chromium`.");
  process.exit(1);
}
await rm(folder, { recursive: true, force: true });
const steps: [string, string[]][] = [
  ["install", ["install", "--frozen-lockfile"]],
  ["build", [".ci/build.ts"]],
  ["pages", ["test", "--only-failures", "--timeout=30000", "./test/browser"]],
];
for (const [name, args] of steps) {
  const { passed } = await phase(name, args, { MAILIT_SCREENSHOTS: folder });
  if (!passed) process.exit(1);
}
console.log(`The pages are in ${folder}`);
