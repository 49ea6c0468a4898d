import { Database } from "bun:sqlite";
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { migrations as embedded, type Migration } from "../../migrations/index.ts";
import { ConfigFault, StorageUnavailable } from "../errors.ts";
import type { Logger } from "../log.ts";
import { type MigrationState, migrateUp, migrationStates } from "./migrate.ts";
import type { Transport } from "./transport.ts";

export interface UpgradeOptions {
  /** The embedded database's file; absent for a libSQL server, whose backups are its operator's. */
  path?: string | undefined;
  now: Date;
  log: Logger;
}

/**
 * Brings the database to this version's shape when `serve` starts. An embedded database that already holds data is
 * first checked and copied to `<path>.before-<version>`, version being the first migration to come, so that the way
 * back needs no luck. Returns what was applied.
 */
export async function upgrade(
  transport: Transport,
  { path, now, log }: UpgradeOptions,
  migrations: Migration[] = embedded,
): Promise<MigrationState[]> {
  const states = await migrationStates(transport, migrations);
  const [first, ...others] = states.filter(({ appliedAt }) => !appliedAt);
  if (!first) return [];
  const holdsData = others.length + 1 < states.length;
  if (holdsData && path !== undefined) {
    await requireSound(transport, path);
    const copy = `${path}.before-${first.version}`;
    if (!existsSync(copy)) snapshot(path, copy);
    log.info({ copy }, "the database before the upgrade is kept");
  }
  const applied = await migrateUp(transport, now, migrations);
  if (applied.length > 0)
    log.info({ migrations: applied.map(({ name }) => name) }, "the database was migrated");
  return applied;
}

async function requireSound(transport: Transport, path: string): Promise<void> {
  const { rows } = await transport.query("pragma quick_check(1)", [], "values");
  const found = String(rows.flat()[0]);
  if (found === "ok") return;
  throw new ConfigFault(`The database ${path} is damaged and was not upgraded; restore a backup (${found})`);
}

/** Copies a database in use. The copy gets its name once it is whole and on disk, so a file of that name can be trusted. */
function snapshot(path: string, copy: string): void {
  const unfinished = `${copy}.tmp`;
  try {
    rmSync(unfinished, { force: true }); // what a crash left
    // `vacuum into` takes an empty file: made here, it is as private as the original, whatever the umask.
    closeSync(openSync(unfinished, "wx", statSync(path).mode & 0o777));
    vacuumInto(path, unfinished);
    flush(unfinished);
    renameSync(unfinished, copy);
    flush(dirname(copy));
  } catch (cause) {
    throw new StorageUnavailable(
      `The database was not upgraded, because ${copy} can't be written: the copy needs as much space as the database`,
      { cause },
    );
  }
}

function vacuumInto(path: string, copy: string): void {
  const source = new Database(path, { readonly: true });
  try {
    source.query("vacuum into ?").run(copy);
  } catch (error) {
    rmSync(copy); // or the disk it filled stays full
    throw error;
  } finally {
    source.close();
  }
}

/** `vacuum into` leaves its pages to the system's cache, and a rename is lost with its folder. */
function flush(path: string): void {
  const file = openSync(path, "r");
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
