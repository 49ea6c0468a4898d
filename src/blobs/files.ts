import { link, mkdir, open, readFile, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { StorageUnavailable } from "../errors.ts";
import { newId } from "../ids.ts";
import { syncFolder } from "../sync-folder.ts";
import { type BlobHash, type BlobStore, hashOf } from "./store.ts";

/** Blobs as files in the data folder, under `ab/cd/` of their hash. */
export function fileBlobs(folder: string): BlobStore {
  const pathOf = (hash: BlobHash) => {
    if (!/^[0-9a-f]{64}$/.test(hash)) throw new Error("not the name of a blob");
    return join(folder, hash.slice(0, 2), hash.slice(2, 4), hash);
  };

  return {
    async put(bytes) {
      const blob = { hash: hashOf(bytes), size: bytes.length };
      const path = pathOf(blob.hash);
      try {
        // Whoever wrote it may not have synced its name yet.
        if (await exists(path)) await syncFolder(dirname(path));
        else await writeDurably(folder, path, bytes);
      } catch (error) {
        throw new StorageUnavailable("The blob store can't be written now", { cause: error });
      }
      return blob;
    },
    async get(hash) {
      try {
        return await readFile(pathOf(hash));
      } catch (error) {
        if (isCode(error, "ENOENT")) return undefined;
        throw error;
      }
    },
    async remove(hash) {
      await rm(pathOf(hash), { force: true });
    },
    fileOf: pathOf,
  };
}

/**
 * The bytes reach the disk before the name does, and the name before we return: a row that names a blob then never
 * names one that a power cut took away.
 */
async function writeDurably(folder: string, path: string, bytes: Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const draft = join(folder, `${newId()}.new`);
  try {
    const file = await open(draft, "wx", 0o600);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await link(draft, path).catch((error: unknown) => {
      if (!isCode(error, "EEXIST")) throw error;
    });
  } finally {
    await rm(draft, { force: true });
  }
  // New folders are names too: each level up to the store's own must be on disk.
  for (const place of [dirname(path), dirname(dirname(path)), folder]) await syncFolder(place);
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
