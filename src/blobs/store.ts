/** The name of a blob: the SHA-256 of its bytes, in hex. */
export type BlobHash = string;

export interface StoredBlob {
  hash: BlobHash;
  /** In bytes. */
  size: number;
}

/** Where attachments and raw messages live, each named by what it holds (D8). */
export interface BlobStore {
  /** Stores bytes; on disk when it returns, so that a row may name them. Storing the same bytes twice keeps one copy. */
  put(bytes: Uint8Array): Promise<StoredBlob>;
  get(hash: BlobHash): Promise<Uint8Array | undefined>;
  remove(hash: BlobHash): Promise<void>;
  /** The file that holds a blob, where blobs are files: a thread can read it by itself. It may be missing. */
  fileOf?(hash: BlobHash): string;
}

export function hashOf(bytes: Uint8Array): BlobHash {
  return new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
}
