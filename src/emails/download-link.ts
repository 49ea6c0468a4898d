import type { App } from "../app.ts";
import { signLink } from "../signed-link.ts";

/** A stored file as the download door gives it out. */
export interface StoredFile {
  filename: string | null;
  /** As its sender called it; the door decides what a browser may hear. */
  contentType: string;
  /** In bytes, of all of it. */
  size: number;
  /** What stands before the blob's bytes; all of it where there is no blob. */
  head?: Uint8Array;
  blobHash: string | null;
  /** Another one when its bytes are others. */
  version: string;
}

export const downloadsLastMs = 3_600_000;

/** The address at which whoever has it gets a file, without a key; `purpose` is the kind of file, `id` the file. */
export function downloadLink(app: App, purpose: string, id: string, expiresAt: Date): string {
  const token = signLink(app.secrets, { purpose, subject: id, expiresAt });
  return `${app.config.server.publicUrl}/attachments/download?token=${token}`;
}
