import type { App } from "../app.ts";
import type { Keyset, Numbers, Place } from "../db/page.ts";
import { Refusal } from "../errors.ts";
import { isId } from "../ids.ts";
import { asMerged } from "./made-from-template.ts";
import type { Content, Email } from "./schema.ts";
import {
  type EmailWithContent,
  findEmail,
  findEmailPlace,
  hasEmail,
  type ListedEmail,
  listEmails,
  listSubjects,
} from "./store.ts";

export async function getEmail(app: App, teamId: string, id: string): Promise<EmailWithContent> {
  return asMerged(app, await getStored(app, teamId, id));
}

/** With the text that its recipients get: where none was given it is made from the HTML. What came as a message has what it has. */
export async function getEmailWithText(
  app: App,
  teamId: string,
  id: string,
): Promise<EmailWithContent & { isTextMade: boolean }> {
  const email = await getStored(app, teamId, id);
  const { html, text } = email;
  const isTextMade = text === null && html !== null;
  return { ...(await asMerged(app, email, isTextMade)), isTextMade };
}

async function getStored(app: App, teamId: string, id: string): Promise<EmailWithContent> {
  const email = isId(id) ? await findEmail(app.db, teamId, id.toLowerCase()) : undefined;
  if (!email) throw emailMissing();
  return email;
}

/** The same for who needs to know only that it is there; gives the id as it is stored. */
export async function requireEmail(app: App, teamId: string, id: string): Promise<string> {
  const stored = id.toLowerCase();
  if (!isId(id) || !(await hasEmail(app.db, teamId, stored))) throw emailMissing();
  return stored;
}

const emailMissing = () => new Refusal("not_found", "Email not found");

/** What is said of an email whose bodies and files were removed. */
export const contentRemoved = (at: Date): string =>
  `The content of this email was removed at ${at.toISOString()}: \`retention.content\` says how long it is kept.`;

/**
 * Why an email can't be sent any more. Whoever wants one without a body has it empty, and what came by SMTP is sent as it
 * came: where there is nothing at all it was taken by mistake, and its mail must not go out so.
 */
export function whyContentless(
  { contentRemovedAt }: Pick<Email, "contentRemovedAt">,
  { html, text }: Pick<Content, "html" | "text">,
  hasSource: boolean,
): string | undefined {
  if (contentRemovedAt !== null) return contentRemoved(contentRemovedAt);
  if (hasSource || html !== null || text !== null) return undefined;
  return "The content of this email is missing, and was not to be removed yet.";
}

export async function getEmails(app: App, teamId: string, keyset: Keyset): Promise<ListedEmail[]> {
  return listEmails(app.db, teamId, keyset);
}

export const getSubjects = (app: App, teamId: string, ids: string[]): Promise<Map<string, string>> =>
  listSubjects(app.db, teamId, ids);

export const findEmailsPlace = (app: App, teamId: string, numbers: Numbers): Promise<Place> =>
  findEmailPlace(app.db, teamId, numbers);
