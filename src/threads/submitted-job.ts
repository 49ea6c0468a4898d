import { type DkimKey, signMessage } from "../mail/dkim.ts";
import type { SubmittedMessage } from "../mail/submitted.ts";
import { leavingMessage } from "../mail/submitted-head.ts";
import { trackSubmitted } from "../mail/submitted-tracking.ts";
import type { Tracking } from "../mail/tracking.ts";

/** A message's bytes, or the absolute path of the file that has them: then only the worker reads it. */
export type MessageBytes = Uint8Array | { file: string };

/** A message that its client made whole: its head is seen to, its HTML tracked, and it is signed. The same job gives the same bytes. */
export type SubmittedJob = {
  submitted: {
    raw: MessageBytes;
    /** For a message that has none. */
    messageId: string;
    date: Date;
    feedbackId: string;
    tracking?: Tracking;
  };
  keys: DkimKey[];
  signedAt: Date;
};

export async function runSubmittedJob({ submitted, keys, signedAt }: SubmittedJob): Promise<Uint8Array> {
  const { tracking } = submitted;
  const raw = await bytesOf(submitted.raw);
  const message = leavingMessage(tracking ? trackSubmitted(raw, tracking) : raw, submitted);
  return signMessage(message, keys, signedAt);
}

export async function runReadSubmittedJob(
  raw: MessageBytes,
): Promise<SubmittedMessage | { mistake: string }> {
  const { readSubmitted } = await import("../mail/submitted.ts"); // with the parser, which those who only send don't need
  return readSubmitted(await bytesOf(raw));
}

const bytesOf = async (raw: MessageBytes): Promise<Uint8Array> =>
  raw instanceof Uint8Array ? raw : Bun.file(raw.file).bytes();
