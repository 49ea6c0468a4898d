import { AsyncLocalStorage } from "node:async_hooks";
import { mkdir, rename } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { App } from "./app.ts";
import { fileBlobs } from "./blobs/files.ts";
import { s3Blobs } from "./blobs/s3.ts";
import type { BlobStore } from "./blobs/store.ts";
import { dataPaths } from "./config/load.ts";
import type { Config } from "./config/schema.ts";
import { openDb } from "./db/open.ts";
import { isServer, openTransport } from "./db/open-transport.ts";
import { upgrade } from "./db/upgrade.ts";
import { makeResolver } from "./dns/client.ts";
import { StorageUnavailable } from "./errors.ts";
import { makeHttpClient } from "./http/client.ts";
import { isId, newId } from "./ids.ts";
import { makeLogger } from "./log.ts";
import { loadMasterKey, makeSealer } from "./secrets.ts";
import { startThreads } from "./threads/threads.ts";

export interface OpenAppOptions {
  /** Bring the database's shape up to this version first; `migrate` itself does not want that. */
  migrate?: boolean;
}

export type OpenApp = App & { close(): Promise<void> };

/** Everything the program stands on, opened from its configuration: data folder, database, keys, blobs, threads, DNS. */
export async function openApp(config: Config, { migrate = true }: OpenAppOptions = {}): Promise<OpenApp> {
  const log = makeLogger(config.logging.level, config.logging.format);
  const paths = dataPaths(config);
  await makeDataFolder(config);
  const isNew = !(await Bun.file(paths.database).exists());
  const secrets = makeSealer(
    config.dkim.masterKey ?? (await loadMasterKey(paths.secretKey, { mayMake: isNew })),
  );
  const transport = openTransport({ ...config.database, path: paths.database });
  const now = () => new Date();
  if (migrate)
    await upgrade(transport, {
      path: isServer(config.database.url) ? undefined : paths.database,
      now: now(),
      log,
    });
  const threads = startThreads({ count: availableParallelism(), log });
  const dns = makeResolver({ servers: config.dns.servers, now });

  const app: OpenApp = {
    config,
    transport,
    db: openDb(transport),
    log,
    blobs: await openBlobs(config, paths.blobs),
    threads,
    secrets,
    dns,
    // Through the record: the sandbox puts other DNS and another configuration in place of these.
    http: makeHttpClient({
      dns: () => app.dns,
      allowPrivateAddresses: () => app.config.webhooks.allowPrivateAddresses,
    }),
    now,
    random: Math.random,
    sandbox: false,
    jobsDue: { notify() {} },
    acting: new AsyncLocalStorage(),
    async close() {
      await threads.close();
      dns.close();
      await transport.close();
    },
  };
  return app;
}

async function openBlobs({ storage }: Config, folder: string): Promise<BlobStore> {
  const { bucket, accessKeyId, secretAccessKey, ...place } = storage.s3;
  if (storage.backend === "s3" && bucket && accessKeyId && secretAccessKey) {
    return s3Blobs({ bucket, accessKeyId, secretAccessKey, ...place }); // the configuration's rules ask for all three
  }
  await makeFolder(folder);
  return fileBlobs(folder);
}

export async function makeDataFolder({ dataDir }: Pick<Config, "dataDir">): Promise<void> {
  await makeFolder(dataDir);
}

/**
 * This node's name in the job table, the same over restarts. The embedded database has one node; nodes that share a
 * libSQL server tell each other apart by a name kept in their data folders.
 */
export async function nodeName(config: Config): Promise<string> {
  if (!isServer(config.database.url)) return "local";
  const path = join(config.dataDir, "node.id");
  const file = Bun.file(path);
  const known = (await file.exists()) ? (await file.text()).trim() : "";
  if (isId(known)) return known;
  // Half a name, or none, after a crash would be a name that nodes share.
  const made = newId();
  await Bun.write(`${path}.new`, made);
  await rename(`${path}.new`, path);
  return made;
}

async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o750 });
  } catch (error) {
    throw new StorageUnavailable(`The folder ${path} can't be made or written`, { cause: error });
  }
}
