/** The name of a blob: the SHA-256 of its bytes, in hex. */
export type BlobHash = string;

export interface StoredBlob {
  hash: BlobHash;
  /** In bytes. */
  size: number;
}

/** Where a part of a blob begins, and where it ends: the first byte that is not in it. */
export interface BlobPart {
  start: number;
  end: number;
}

/** Bytes on their way into the store, in memory a piece at a time; nothing names them before `commit`. */
export interface BlobDraft {
  /** Keeps the chunk, which must not change afterwards. */
  write(chunk: Uint8Array): Promise<void>;
  /** The file that has everything written so far, until `commit` or `discard`: a thread can read it by itself. */
  file(): Promise<string>;
  /** As `put` of everything written. */
  commit(): Promise<StoredBlob>;
  /** Forgets what was written; after `commit` there is nothing to forget. */
  discard(): Promise<void>;
}

/** Where attachments and raw messages live, each named by what it holds (D8). */
export interface BlobStore {
  /** Stores bytes; on disk when it returns, so that a row may name them. Storing the same bytes twice keeps one copy. */
  put(bytes: Uint8Array): Promise<StoredBlob>;
  /** For bytes that come in pieces and may be many. */
  draft(): Promise<BlobDraft>;
  get(hash: BlobHash): Promise<Uint8Array | undefined>;
  /** In bytes; undefined when it is not there. */
  sizeOf(hash: BlobHash): Promise<number | undefined>;
  /** The same for bytes that may be many: read as fast as they are taken, all of them or a part. */
  stream(hash: BlobHash, part?: BlobPart): Promise<ReadableStream<Uint8Array> | undefined>;
  remove(hash: BlobHash): Promise<void>;
  /**
   * Removes what nobody has stored since a time, and says whether it did. Whoever stored it later may be about to name it,
   * though no row does yet.
   */
  removeStale(hash: BlobHash, storedBefore: Date): Promise<boolean>;
  /** Removes drafts from before a time: a program that ended in the middle of one never came back to it. */
  removeAbandoned(begunBefore: Date): Promise<void>;
  /** The file that holds a blob, where blobs are files: a thread can read it by itself. It may be missing. */
  fileOf?(hash: BlobHash): string;
}

export function hashOf(bytes: Uint8Array): BlobHash {
  return new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
}
