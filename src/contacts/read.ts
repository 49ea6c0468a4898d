import type { App } from "../app.ts";
import type { Keyset } from "../db/page.ts";
import { Refusal } from "../errors.ts";
import { isId } from "../ids.ts";
import { suppressionKey } from "../suppressions/address.ts";
import { pageOfSegment } from "./audience.ts";
import type { Contact } from "./schema.ts";
import { searchContacts } from "./search.ts";
import { getSegment } from "./segments.ts";
import { findContact, findContactByEmail, findTotals, isInSegment, listContacts } from "./store.ts";

const contactNotFound = () => new Refusal("not_found", "Contact not found");

/** A team's contact by its id or address, in whichever spelling; of a segment, where one is given. */
export async function getContact(
  app: App,
  teamId: string,
  idOrEmail: string,
  segmentId?: string,
): Promise<Contact> {
  const found = isId(idOrEmail)
    ? await findContact(app.db, teamId, idOrEmail.toLowerCase())
    : await findByAddress(app, teamId, idOrEmail);
  if (!found) throw contactNotFound();
  if (segmentId !== undefined) {
    const segment = await getSegment(app, teamId, segmentId);
    if (!(await isInSegment(app.db, found, segment, app.now()))) throw contactNotFound();
  }
  return found;
}

async function findByAddress(app: App, teamId: string, email: string): Promise<Contact | undefined> {
  const key = suppressionKey(email);
  return key === undefined ? undefined : findContactByEmail(app.db, teamId, key);
}

export interface ContactFilter {
  segmentId?: string;
  /** The beginning of an address, a first or a last name. */
  search?: string;
}

/** One page of a team's contacts and one more, newest first; what is searched for, by name. `filter.ts` does both at once. */
export async function getContacts(
  app: App,
  teamId: string,
  { segmentId, search }: ContactFilter,
  page: Keyset,
): Promise<Contact[]> {
  if (segmentId !== undefined && search !== undefined) {
    throw new Refusal("validation_error", "Give `segment_id` or `search`, not both.");
  }
  if (search !== undefined) return searchContacts(app, teamId, search, page);
  if (segmentId === undefined) return listContacts(app.db, teamId, page);
  return pageOfSegment(app, await getSegment(app, teamId, segmentId), page);
}

/** How many contacts a team has, and how many of them want no broadcasts; counted as they come and go. */
export const getTotals = (app: App, teamId: string): ReturnType<typeof findTotals> =>
  findTotals(app.db, teamId);
