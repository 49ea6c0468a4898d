import { S3Client } from "bun";
import { StorageUnavailable } from "../errors.ts";
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
      try {
        await client.write(nameOf(blob.hash), bytes);
      } catch (error) {
        throw new StorageUnavailable("The blob store can't be written now", { cause: error });
      }
      return blob;
    },
    async get(hash) {
      try {
        return await client.file(nameOf(hash)).bytes();
      } catch (error) {
        if (error instanceof Error && "code" in error && error.code === "NoSuchKey") return undefined;
        throw error;
      }
    },
    async remove(hash) {
      await client.delete(nameOf(hash));
    },
  };
}
