import { createHash } from "node:crypto";
import { migrations as embedded, type Migration } from "../../migrations/index.ts";
import { ConfigFault, WriteConflict } from "../errors.ts";
import type { Statement, Transport } from "./transport.ts";

export interface MigrationState {
  version: number;
  name: string;
  appliedAt: Date | undefined;
}

const table = `create table if not exists migrations (
  version integer primary key not null,
  name text not null,
  checksum text not null,
  applied_at integer not null
)`;

/** Every known migration and when it was applied, in order. */
export async function migrationStates(
  transport: Transport,
  migrations: Migration[] = embedded,
): Promise<MigrationState[]> {
  const applied = await readApplied(transport, migrations);
  return migrations.map(({ version, name }) => ({ version, name, appliedAt: applied.get(version) }));
}

/**
 * Applies what is missing, each migration in a batch of its own with the row that records it. Returns what it applied;
 * what another node applied meanwhile is that node's.
 */
export async function migrateUp(
  transport: Transport,
  now: Date,
  migrations: Migration[] = embedded,
): Promise<MigrationState[]> {
  let applied = await readApplied(transport, migrations);
  const done: MigrationState[] = [];
  for (const migration of migrations) {
    const { version, name } = migration;
    if (applied.has(version)) continue;
    if (await apply(transport, migration, now)) done.push({ version, name, appliedAt: now });
    else applied = await readApplied(transport, migrations);
  }
  return done;
}

/** False when another node that starts at the same moment was first. */
async function apply(transport: Transport, migration: Migration, now: Date): Promise<boolean> {
  const { version, name, up } = migration;
  const record = {
    sql: "insert into migrations (version, name, checksum, applied_at) values (?, ?, ?, ?)",
    params: [version, name, checksum(migration), now.getTime()],
  };
  try {
    await transport.batch([record, ...statementsOf(up)]); // the record first: it is what two nodes meet over
    return true;
  } catch (error) {
    if (error instanceof WriteConflict && error.subject === "migrations.version") return false;
    throw error;
  }
}

/** Takes back the newest `steps` applied migrations, newest first. Returns what it took back. */
export async function migrateDown(
  transport: Transport,
  steps: number,
  migrations: Migration[] = embedded,
): Promise<MigrationState[]> {
  const applied = await readApplied(transport, migrations);
  const newestFirst = migrations.filter(({ version }) => applied.has(version)).reverse();
  const done: MigrationState[] = [];
  for (const { version, name, down } of newestFirst.slice(0, steps)) {
    await transport.batch([
      ...statementsOf(down),
      { sql: "delete from migrations where version = ?", params: [version] },
    ]);
    done.push({ version, name, appliedAt: undefined });
  }
  return done;
}

async function readApplied(transport: Transport, migrations: Migration[]): Promise<Map<number, Date>> {
  await transport.batch([{ sql: table, params: [] }]);
  const { rows } = await transport.query(
    "select version, checksum, applied_at from migrations order by version",
    [],
    "all",
  );
  const applied = new Map<number, Date>();
  for (const [version, sum, at] of rows as [number, string, number][]) {
    const known = migrations.find((migration) => migration.version === version);
    if (!known) {
      throw new ConfigFault(
        `The database has migration ${version}, which this version of MailIt does not know: use the newer version that made it, or restore a backup`,
      );
    }
    if (checksum(known) !== sum) {
      throw new ConfigFault(
        `Migration ${version} (${known.name}) is not the one this database was made with`,
      );
    }
    applied.set(version, new Date(at));
  }
  return applied;
}

/** The statements of a migration's text: separated by empty lines, since a trigger's body holds semicolons. */
export function statementsOf(text: string): Statement[] {
  return text
    .split(/\n\s*\n/)
    .map((part) => part.trim())
    .filter((part) => part !== "" && !part.split("\n").every((line) => line.startsWith("--")))
    .map((sql) => ({ sql, params: [] }));
}

function checksum({ up }: Migration): string {
  return createHash("sha256").update(up).digest("hex");
}
