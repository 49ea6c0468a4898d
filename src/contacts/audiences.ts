/** Contacts by way of one list, as older clients and the original MailIt see them: an audience is a static segment. */
import { type App, atomically } from "../app.ts";
import { Refusal } from "../errors.ts";
import { countSegment, pageOfSegment } from "./audience.ts";
import { changeMembership, removeContacts } from "./changes.ts";
import { listSegmentsOf } from "./members.ts";
import { getContact } from "./read.ts";
import type { Contact } from "./schema.ts";
import { getSegment, getStatic } from "./segments.ts";

/**
 * Takes a contact out of an audience. Clients that know audiences alone mean by it that the contact is gone: who is in no
 * other segment is deleted. Whoever is not there is gone already.
 */
export async function removeFromAudience(
  app: App,
  teamId: string,
  audienceId: string,
  idOrEmail: string,
): Promise<void> {
  const audience = await getStatic(app, teamId, audienceId);
  const contact = await findContactOf(app, teamId, audience.id, idOrEmail);
  if (!contact) return;
  const segments = await listSegmentsOf(app, teamId, contact.id, { limit: 1 });
  await atomically(
    app,
    segments.length > 1
      ? changeMembership(app, contact, audience.id, false)
      : removeContacts(app, teamId, [contact.id]),
  );
}

async function findContactOf(
  app: App,
  teamId: string,
  audienceId: string,
  idOrEmail: string,
): Promise<Contact | undefined> {
  try {
    return await getContact(app, teamId, idOrEmail, audienceId);
  } catch (error) {
    if (error instanceof Refusal && error.code === "not_found") return undefined;
    throw error;
  }
}

export interface NumberedContacts {
  /** One more than the page holds, where there are more. */
  contacts: Contact[];
  total: number;
}

/** By number one can only go so far; by cursor to the end. */
const furthest = 10_000;

/** A page by its number, as the original had them. */
export async function getNumberedContacts(
  app: App,
  teamId: string,
  audienceId: string,
  { page, perPage }: { page: number; perPage: number },
): Promise<NumberedContacts> {
  const audience = await getSegment(app, teamId, audienceId);
  const total = await countSegment(app, audience);
  const skipped = (page - 1) * perPage;
  if (skipped >= Math.min(total, furthest)) return { contacts: [], total };
  const rows = await pageOfSegment(app, audience, { limit: skipped + perPage });
  return { contacts: rows.slice(skipped), total };
}
