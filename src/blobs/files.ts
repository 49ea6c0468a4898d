import { rmSync, statSync } from "node:fs";
import { link, mkdir, readFile, rm, utimes } from "node:fs/promises";
import { dirname, join } from "node:path";
import { syncFolder } from "../sync-folder.ts";
import { openDraft, orUnavailable, removeAbandonedDrafts } from "./draft.ts";
import { type BlobHash, type BlobStore, hashOf } from "./store.ts";

/** Blobs as files in the data folder, under `ab/cd/` of their hash. */
export function fileBlobs(folder: string): BlobStore {
  const pathOf = (hash: BlobHash) => {
    if (!/^[0-9a-f]{64}$/.test(hash)) throw new Error("not the name of a blob");
    return join(folder, hash.slice(0, 2), hash.slice(2, 4), hash);
  };

  // Each blob that is being stored, as often as it is: meanwhile it must not be removed for its age.
  const arriving = new Map<BlobHash, number>();

  async function whileArriving<T>(hash: BlobHash, work: () => Promise<T>): Promise<T> {
    arriving.set(hash, (arriving.get(hash) ?? 0) + 1);
    try {
      return await work();
    } finally {
      const left = arriving.get(hash)! - 1;
      if (left > 0) arriving.set(hash, left);
      else arriving.delete(hash);
    }
  }

  return {
    async put(bytes) {
      const hash = hashOf(bytes);
      const path = pathOf(hash);
      return whileArriving(hash, async () => {
        if (await orUnavailable(renew(path))) {
          // Whoever wrote it may not have synced its name yet.
          await orUnavailable(syncFolder(dirname(path)));
          return { hash, size: bytes.length };
        }
        const draft = await this.draft();
        await draft.write(bytes);
        return draft.commit();
      });
    },
    draft: () =>
      openDraft(folder, (draft, { hash }) =>
        whileArriving(hash, () => nameDurably(folder, draft, pathOf(hash))),
      ),
    async get(hash) {
      try {
        return await readFile(pathOf(hash));
      } catch (error) {
        if (isCode(error, "ENOENT")) return undefined;
        throw error;
      }
    },
    async sizeOf(hash) {
      const file = Bun.file(pathOf(hash));
      return (await file.exists()) ? file.size : undefined;
    },
    async stream(hash, part) {
      const file = Bun.file(pathOf(hash));
      if (!(await file.exists())) return undefined;
      return (part ? file.slice(part.start, part.end) : file).stream();
    },
    async remove(hash) {
      await rm(pathOf(hash), { force: true });
    },
    async removeStale(hash, storedBefore) {
      const path = pathOf(hash);
      // In one turn: nobody begins to store it between the look and the removal.
      const known = statSync(path, { throwIfNoEntry: false });
      if (arriving.has(hash) || (known && known.mtime >= storedBefore)) return false;
      rmSync(path, { force: true });
      return true;
    },
    removeAbandoned: (begunBefore) => removeAbandonedDrafts(folder, begunBefore),
    fileOf: pathOf,
  };
}

/**
 * The bytes are on disk before the name is, and the name before we return: a row that names a blob then never names one
 * that a power cut took away.
 */
async function nameDurably(folder: string, draft: string, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await link(draft, path).catch(async (error: unknown) => {
    if (!isCode(error, "EEXIST")) throw error;
    await renew(path);
  });
  // New folders are names too: each level up to the store's own must be on disk.
  for (const place of [dirname(path), dirname(dirname(path)), folder]) await syncFolder(place);
}

/** Makes a blob as young as if it had been written now, and says whether it is there. */
async function renew(path: string): Promise<boolean> {
  const now = new Date();
  try {
    await utimes(path, now, now);
    return true;
  } catch (error) {
    if (isCode(error, "ENOENT") || isCode(error, "ENOTDIR")) return false;
    throw error;
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
