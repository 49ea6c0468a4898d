import { tmpdir } from "node:os";
import { S3Client } from "bun";
import { openDraft, orUnavailable } from "./draft.ts";
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
        throw error;
      }
    },
    async sizeOf(hash) {
      const file = client.file(nameOf(hash));
      return (await file.exists()) ? (await file.stat()).size : undefined;
    },
    async stream(hash, part) {
      const file = client.file(nameOf(hash));
      // Asked first: of a stream one would hear only when an answer has begun.
      if (!(await file.exists())) return undefined;
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
  };
}
