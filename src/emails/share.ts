/** Showing one email, for a while, to whoever has the link. */
import { type App, leaveTrace, requireRole } from "../app.ts";
import { Refusal } from "../errors.ts";
import { readLink, signLink } from "../signed-link.ts";
import { type LinkedAttachment, linkAttachment } from "./attachments.ts";
import { downloadsLastMs } from "./download-link.ts";
import { asMerged } from "./made-from-template.ts";
import { getEmail } from "./read.ts";
import { readDuration } from "./share-duration.ts";
import { type EmailWithContent, findEmail, listAttachments } from "./store.ts";

const purpose = "share";
const longestMs = 48 * 3_600_000;
const shortestMs = 1_000;

/** A link to an email, with `expiresIn` in words such as "2 hours"; 48 hours without, which is also the most. */
export async function shareEmail(
  app: App,
  teamId: string,
  emailId: string,
  expiresIn?: string,
): Promise<{ id: string; url: string }> {
  requireRole(app, "developer"); // it opens an email to people outside of the team
  const forMs = expiresIn === undefined ? longestMs : readLife(expiresIn);
  const { id } = await getEmail(app, teamId, emailId);
  const expiresAt = new Date(app.now().getTime() + forMs);
  const token = signLink(app.secrets, { purpose, subject: `${teamId}~${id}`, expiresAt });
  await leaveTrace(app);
  return { id, url: `${app.config.server.publicUrl}/shared?token=${token}` };
}

function readLife(text: string): number {
  const forMs = readDuration(text);
  if (forMs === undefined || forMs < shortestMs) {
    throw new Refusal(
      "validation_error",
      "Invalid `expires_in` field. Use a duration such as `10m`, `2 hours` or `1 day`.",
    );
  }
  if (forMs > longestMs) throw new Refusal("validation_error", "expires_in must not exceed 48 hours");
  return forMs;
}

export interface SharedEmail {
  email: EmailWithContent;
  attachments: LinkedAttachment[];
  /** When the link to it ends. */
  expiresAt: Date;
}

/** What a link shows; undefined when it is forged or has expired, or the email is gone. */
export async function findSharedEmail(app: App, token: string): Promise<SharedEmail | undefined> {
  const now = app.now();
  const link = readLink(app.secrets, { purpose, token, now });
  if (!link) return undefined;
  const [teamId = "", id = ""] = link.subject.split("~");
  const email = await findEmail(app.db, teamId, id);
  if (!email) return undefined;
  const { expiresAt } = link;
  // No file may be had for longer than the email may be read.
  const downloadsEndAt = new Date(Math.min(now.getTime() + downloadsLastMs, expiresAt.getTime()));
  const rows = await listAttachments(app.db, id);
  return {
    email: await asMerged(app, email),
    attachments: rows.map((row) => linkAttachment(app, row, downloadsEndAt)),
    expiresAt,
  };
}
