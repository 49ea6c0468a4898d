import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { ConfigFault } from "../errors.ts";
import { openEmbedded } from "./embedded.ts";
import { openLibsql } from "./libsql.ts";
import type { Transport } from "./transport.ts";

export interface DatabaseAddress {
  url?: string | undefined;
  authToken?: string | undefined;
  /** Where the embedded database is when `url` names no server. */
  path: string;
}

/** Opens the libSQL server that `url` names, or the embedded database at `path` when it names none. */
export function openTransport({ url, authToken, path }: DatabaseAddress): Transport {
  if (isServer(url)) return openLibsql({ url, authToken });
  requireSamePath(url, path);
  return openEmbedded(path);
}

/** Whether `database.url` names a libSQL server. None, an empty one and `file:` mean the embedded database. */
export function isServer(url: string | undefined): url is string {
  return url !== undefined && url !== "" && !url.startsWith("file:");
}

/** Lock, snapshots and backups belong to the data folder, so a `file:` URL can't lead the database out of it. */
function requireSamePath(url: string | undefined, path: string): void {
  const named = (url ?? "").replace(/^file:/, "");
  if (named === "") return;
  const file = named.startsWith("//") ? fileURLToPath(`file:${named}`) : named;
  if (resolve(file) === resolve(path)) return;
  throw new ConfigFault(
    `database.url names ${file}, but the embedded database is always ${path}: leave it empty`,
  );
}
