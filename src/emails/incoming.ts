import type { BlobDraft, BlobStore } from "../blobs/store.ts";
import type { MessageBytes } from "../threads/threads.ts";
import type { EmailSource } from "./schema.ts";

/** What a row of the database holds well; most messages are smaller. */
const smallBytes = 64 * 1024;

/** A message on its way in: in memory while it is small, else a draft in the blob store. Nothing names it before `keep`. */
export class IncomingMessage {
  #pieces: Uint8Array[] = [];
  #size = 0;
  #draft: BlobDraft | undefined;

  constructor(readonly blobs: BlobStore) {}

  /** In bytes. */
  get size(): number {
    return this.#size;
  }

  /** Keeps the piece, which must not change afterwards. */
  async write(piece: Uint8Array): Promise<void> {
    this.#size += piece.length;
    if (this.#draft) return this.#draft.write(piece);
    this.#pieces.push(piece);
    if (this.#size <= smallBytes) return;
    this.#draft = await this.blobs.draft();
    for (const each of this.#pieces) await this.#draft.write(each);
    this.#pieces = [];
  }

  /** The whole of it, as a thread takes it. */
  async bytes(): Promise<MessageBytes> {
    return this.#draft ? { file: await this.#draft.file() } : Buffer.concat(this.#pieces);
  }

  /** What a row is to say of it. A large one is on disk when this returns. */
  async keep(): Promise<Omit<EmailSource, "emailId">> {
    if (!this.#draft) return { size: this.#size, raw: Buffer.concat(this.#pieces), blobHash: null };
    const { hash, size } = await this.#draft.commit();
    return { size, raw: null, blobHash: hash };
  }

  /** Forgets it; after `keep` there is nothing to forget. */
  async discard(): Promise<void> {
    this.#pieces = [];
    await this.#draft?.discard();
  }
}
