import { Database } from "bun:sqlite";
import { join } from "node:path";
import { ConfigFault } from "../errors.ts";

export interface DataFolderLock {
  release(): void;
}

// The collector closes a database nobody refers to, and the lock would go with it unnoticed.
const held = new Set<Database>();

/**
 * Makes this the one process that serves a data folder, until `release` or its death: SQLite holds an operating system
 * lock on `serve.lock`, which no crash leaves behind, as a file with a process id in it would be. The file stays: to
 * remove it would let a third process lock a new file while the second holds the old one.
 */
export function lockDataFolder(dir: string): DataFolderLock {
  const database = lockFile(dir);
  held.add(database);
  return {
    release() {
      held.delete(database);
      database.close();
    },
  };
}

function lockFile(dir: string): Database {
  let database: Database | undefined;
  try {
    database = new Database(join(dir, "serve.lock"), { create: true });
    database.run("pragma busy_timeout = 0");
    database.run("begin exclusive");
    return database;
  } catch (cause) {
    database?.close();
    throw new ConfigFault(
      isHeld(cause)
        ? `Another MailIt is already serving ${dir}; stop it or give --data another folder`
        : `The data folder ${dir} can't be written; let MailIt's user write there or give --data another folder`,
      { cause },
    );
  }
}

function isHeld(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "SQLITE_BUSY";
}
