import type { App } from "../app.ts";
import type { Keyset } from "../db/page.ts";
import { Refusal } from "../errors.ts";
import { isId } from "../ids.ts";
import type { Email } from "./schema.ts";
import { type EmailWithContent, findEmail, listEmails } from "./store.ts";

export async function getEmail(app: App, teamId: string, id: string): Promise<EmailWithContent> {
  const email = isId(id) ? await findEmail(app.db, teamId, id) : undefined;
  if (!email) throw new Refusal("not_found", "Email not found");
  return email;
}

export async function getEmails(app: App, teamId: string, keyset: Keyset): Promise<Email[]> {
  return listEmails(app.db, teamId, keyset);
}
