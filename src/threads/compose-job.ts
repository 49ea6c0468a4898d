import { composeMessage, type MessageSource } from "../mail/compose.ts";
import { type DkimKey, signMessage } from "../mail/dkim.ts";

type SourceAttachment = MessageSource["attachments"][number];

/** An attachment's bytes, or the absolute path of the file that has them: then only the worker reads it. */
export type JobAttachment = Omit<SourceAttachment, "content"> & { content: Uint8Array | { file: string } };

/** All that a worker needs for the signed bytes of one message. The same job gives the same bytes. */
export type ComposeJob = {
  source: Omit<MessageSource, "attachments"> & { attachments: JobAttachment[] };
  keys: DkimKey[];
  signedAt: Date;
};

export async function runComposeJob({ source, keys, signedAt }: ComposeJob): Promise<Uint8Array> {
  const attachments = await Promise.all(source.attachments.map(readAttachment));
  return signMessage(await composeMessage({ ...source, attachments }), keys, signedAt);
}

async function readAttachment({ content, ...about }: JobAttachment): Promise<SourceAttachment> {
  return {
    ...about,
    content: content instanceof Uint8Array ? content : await Bun.file(content.file).bytes(),
  };
}
