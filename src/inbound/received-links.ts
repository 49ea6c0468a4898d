import type { App } from "../app.ts";
import { downloadLink, downloadsLastMs } from "../emails/download-link.ts";
import type { InboundAttachment } from "./schema.ts";

/** What links to attachments, and to whole messages, are signed for. */
export const receivedAttachmentPurpose = "received_attachment";
export const rawPurpose = "received_raw";

/** Where a file of received mail can be had without a key, and for how long. */
export interface FileLink {
  downloadUrl: string;
  expiresAt: Date;
}

export type LinkedInboundAttachment = InboundAttachment & FileLink;

export function linkReceivedAttachment(app: App, row: InboundAttachment): LinkedInboundAttachment {
  return { ...row, ...linkTo(app, receivedAttachmentPurpose, row.id) };
}

/** To the whole message, as it came. */
export const linkRaw = (app: App, inboundId: string): FileLink => linkTo(app, rawPurpose, inboundId);

function linkTo(app: App, purpose: string, id: string): FileLink {
  const expiresAt = new Date(app.now().getTime() + downloadsLastMs);
  return { downloadUrl: downloadLink(app, purpose, id, expiresAt), expiresAt };
}
