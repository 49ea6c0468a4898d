import { keyCommand } from "./cli/key.ts";
import { migrateCommand } from "./cli/migrate.ts";
import { queueCommand } from "./cli/queue.ts";
import { makeProgram, run } from "./cli/run.ts";
import { serveCommand } from "./cli/serve.ts";
import { setupCommand } from "./cli/setup.ts";
import { userCommand } from "./cli/user.ts";
import { versionCommand } from "./cli/version.ts";

const commands = [
  serveCommand,
  setupCommand,
  migrateCommand,
  keyCommand,
  userCommand,
  queueCommand,
  versionCommand,
];

process.exitCode = await run(makeProgram(commands), process.argv.slice(2));
