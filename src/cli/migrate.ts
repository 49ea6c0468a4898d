import { constants } from "node:fs";
import { copyFile, stat } from "node:fs/promises";
import { type Command, InvalidArgumentError } from "commander";
import { dataPaths } from "../config/load.ts";
import type { Config } from "../config/schema.ts";
import { lockDataFolder } from "../db/lock.ts";
import { type MigrationState, migrateDown, migrationStates } from "../db/migrate.ts";
import { isServer, openTransport } from "../db/open-transport.ts";
import type { Transport } from "../db/transport.ts";
import { upgrade } from "../db/upgrade.ts";
import { Refusal, StorageUnavailable } from "../errors.ts";
import { makeLogger } from "../log.ts";
import { makeDataFolder } from "../open-app.ts";
import { type PlaceOptions, readConfig, withPlaceOptions } from "./open.ts";
import { print } from "./run.ts";
import { table } from "./table.ts";

interface MigrateOptions extends PlaceOptions {
  up?: boolean;
  down?: boolean;
  steps: number;
  status?: boolean;
}

export const migrateCommand = (program: Command): void => {
  withPlaceOptions(program.command("migrate"))
    .description(
      "bring the database to this version's shape, or back; serve and setup do the first by themselves",
    )
    .option("--up", "apply what is missing")
    .option(
      "--down",
      "take back the newest migration and what it holds; the database before is kept beside it",
    )
    .option("--steps <n>", "how many to take back", readSteps, 1)
    .option("--status", "show which are applied")
    .action(async (options: MigrateOptions, command: Command) => {
      const wanted = [options.up, options.down, options.status].filter(Boolean).length;
      if (wanted !== 1) throw new Refusal("invalid_parameter", "Say one of --up, --down and --status.");
      const config = await readConfig(options);
      if (options.status) print(command, await status(config));
      else if (options.up) print(command, report("Applied", await up(config)));
      else print(command, report("Took back", await down(config, options.steps)));
    });
};

async function status(config: Config): Promise<string> {
  const { database: path } = dataPaths(config);
  const isThere = isServer(config.database.url) || (await exists(path));
  // To look must not make a database: one in memory has everything still to come.
  const transport = isThere
    ? openTransport({ ...config.database, path })
    : openTransport({ path: ":memory:" });
  const states = await closing(transport, () => migrationStates(transport));
  const rows = states.map(({ version, name, appliedAt }) => [
    String(version),
    appliedAt?.toISOString() ?? "not applied",
    name,
  ]);
  return table(["VERSION", "APPLIED", "NAME"], rows);
}

async function up(config: Config): Promise<MigrationState[]> {
  return alone(config, async (path) => {
    const transport = openTransport({ ...config.database, path });
    const log = makeLogger(config.logging.level, config.logging.format);
    const kept = isServer(config.database.url) ? undefined : path;
    return closing(transport, () => upgrade(transport, { path: kept, now: new Date(), log }));
  });
}

async function down(config: Config, steps: number): Promise<MigrationState[]> {
  return alone(config, async (path) => {
    if (!isServer(config.database.url)) await keepCopy(path);
    const transport = openTransport({ ...config.database, path });
    return closing(transport, () => migrateDown(transport, steps));
  });
}

/** Taking back a migration drops what it made, rows and all: the way back to them is this copy. */
async function keepCopy(path: string): Promise<void> {
  if (!(await exists(path))) return;
  // The last connection to close folds the write-ahead log into the file, which is then all there is.
  await openTransport({ path }).close();
  const copy = `${path}.before-down-${new Date().toISOString().replace(/[:.]/g, "-")}`;
  try {
    await copyFile(path, copy, constants.COPYFILE_EXCL);
  } catch (cause) {
    throw new StorageUnavailable(`Nothing was taken back, because the copy ${copy} can't be written`, {
      cause,
    });
  }
}

/** Does the work while no server runs on the data folder. A libSQL server's nodes are for its operator to stop. */
async function alone<T>(config: Config, work: (path: string) => Promise<T>): Promise<T> {
  await makeDataFolder(config);
  const lock = isServer(config.database.url) ? undefined : lockDataFolder(config.dataDir);
  try {
    return await work(dataPaths(config).database);
  } finally {
    lock?.release();
  }
}

async function closing<T>(transport: Transport, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } finally {
    await transport.close();
  }
}

function readSteps(text: string): number {
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("It must be a whole number of at least 1.");
}

function report(what: string, states: MigrationState[]): string {
  if (states.length === 0) return "There was nothing to do.";
  return states.map(({ version, name }) => `${what} ${version} (${name}).`).join("\n");
}

const exists = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  );
