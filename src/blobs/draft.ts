import { type FileHandle, mkdir, open, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { StorageUnavailable } from "../errors.ts";
import { isId, newId } from "../ids.ts";
import type { BlobDraft, StoredBlob } from "./store.ts";

/** Small writes are gathered: a message comes in pieces of a packet, and each write to the file is a call of its own. */
const gatherBytes = 256_000;

/** What a store does with a finished draft: the file is synced, closed and still under its own name. */
type Keep = (path: string, blob: StoredBlob) => Promise<void>;

/** A draft that is a file in `folder` until `keep` has taken what is in it. */
export async function openDraft(folder: string, keep: Keep): Promise<BlobDraft> {
  const path = join(folder, `${newId()}.new`);
  await orUnavailable(mkdir(folder, { recursive: true }));
  const file = await orUnavailable(open(path, "wx", 0o600));
  return new FileDraft(path, file, keep);
}

/** Removes the drafts of a folder that nobody has written to since a time. */
export async function removeAbandonedDrafts(folder: string, writtenBefore: Date): Promise<void> {
  const names = await readdir(folder).catch(() => []); // nothing was ever stored
  for (const name of names) {
    if (!name.endsWith(".new") || !isId(name.slice(0, -4))) continue; // others may keep their files beside ours
    const path = join(folder, name);
    const known = await stat(path).catch(() => undefined); // its writer has just ended it
    if (known && known.mtime < writtenBefore) await rm(path, { force: true });
  }
}

class FileDraft implements BlobDraft {
  readonly #hash = new Bun.CryptoHasher("sha256");
  #size = 0;
  #gathered: Uint8Array[] = [];
  #gatheredBytes = 0;
  #isClosed = false;

  constructor(
    readonly path: string,
    readonly handle: FileHandle,
    readonly keep: Keep,
  ) {}

  async write(chunk: Uint8Array): Promise<void> {
    this.#hash.update(chunk);
    this.#size += chunk.length;
    this.#gathered.push(chunk);
    this.#gatheredBytes += chunk.length;
    if (this.#gatheredBytes >= gatherBytes) await this.#flush();
  }

  async file(): Promise<string> {
    await this.#flush();
    return this.path;
  }

  async commit(): Promise<StoredBlob> {
    try {
      await this.#flush();
      await orUnavailable(this.handle.sync());
      await this.#close();
      const blob = { hash: this.#hash.digest("hex"), size: this.#size };
      await orUnavailable(this.keep(this.path, blob));
      return blob;
    } finally {
      await this.discard();
    }
  }

  async discard(): Promise<void> {
    await this.#close();
    await rm(this.path, { force: true });
  }

  async #flush(): Promise<void> {
    const [only] = this.#gathered;
    const bytes = this.#gathered.length === 1 && only ? only : Buffer.concat(this.#gathered);
    this.#gathered = [];
    this.#gatheredBytes = 0;
    if (bytes.length > 0) await orUnavailable(this.handle.writeFile(bytes));
  }

  async #close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.handle.close();
  }
}

export async function orUnavailable<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw new StorageUnavailable("The blob store can't be written now", { cause: error });
  }
}
