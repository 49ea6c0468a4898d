import { tmpdir } from "node:os";
import { S3Client } from "bun";
import { StorageUnavailable } from "../errors.ts";
import { openDraft, orUnavailable, removeAbandonedDrafts } from "./draft.ts";
import { type BlobHash, type BlobStore, hashOf } from "./store.ts";

export interface S3Options {
  endpoint?: string;
  bucket: string;
  region?: string;
  accessKeyId: string;
  secretAccessKey: string;
}

/** Blobs in a bucket, through Bun's own client; a stored object is durable by the service's promise. */
export function s3Blobs(options: S3Options): BlobStore {
  const client = new S3Client(options);
  const nameOf = (hash: BlobHash) => `blobs/${hash}`;

  return {
    async put(bytes) {
      const blob = { hash: hashOf(bytes), size: bytes.length };
      await orUnavailable(client.write(nameOf(blob.hash), bytes));
      return blob;
    },
    // A name that is the hash is known last, and buckets don't rename: it waits in a file meanwhile.
    draft: () =>
      openDraft(tmpdir(), async (path, { hash }) => {
        await client.write(nameOf(hash), Bun.file(path));
      }),
    async get(hash) {
      try {
        return await client.file(nameOf(hash)).bytes();
      } catch (error) {
        if (error instanceof Error && "code" in error && error.code === "NoSuchKey") return undefined;
        throw unreadable(error);
      }
    },
    async sizeOf(hash) {
      const file = client.file(nameOf(hash));
      return (await orUnreadable(file.exists())) ? (await orUnreadable(file.stat())).size : undefined;
    },
    async stream(hash, part) {
      const file = client.file(nameOf(hash));
      // Asked first: of a stream one would hear only when an answer has begun.
      if (!(await orUnreadable(file.exists()))) return undefined;
      return (part ? file.slice(part.start, part.end) : file).stream();
    },
    async remove(hash) {
      await client.delete(nameOf(hash));
    },
    // To store writes anew each time, so that the object's own date tells. Between asking and removing another node may
    // store it: a bucket knows no condition on removal, and this moment is all that is left to chance.
    async removeStale(hash, storedBefore) {
      const file = client.file(nameOf(hash));
      if (await file.exists()) {
        const { lastModified } = await file.stat();
        if (lastModified >= storedBefore) return false;
      }
      await client.delete(nameOf(hash));
      return true;
    },
    removeAbandoned: (begunBefore) => removeAbandonedDrafts(tmpdir(), begunBefore),
  };
}

/** What a bucket answers besides "there is no such object" says nothing about the object. */
const unreadable = (cause: unknown) => new StorageUnavailable("The blob store can't be read now", { cause });

const orUnreadable = <T>(work: Promise<T>): Promise<T> =>
  work.catch((error: unknown) => {
    throw unreadable(error);
  });
