/** The erasure of one person: asked for, looked at, and forgotten by whom it was once it has ended. */
import { type App, atomically } from "../app.ts";
import { getContact } from "../contacts/read.ts";
import type { Keyset } from "../db/page.ts";
import { Refusal } from "../errors.ts";
import { isId, newId } from "../ids.ts";
import { enqueue } from "../jobs/job.ts";
import { suppressionKey } from "../suppressions/address.ts";
import { erasePerson } from "./jobs.ts";
import { type Erasure, stages } from "./schema.ts";
import { findErasure, insertErasure, listErasures } from "./store.ts";

/** By the address, whether there is a contact of it or not; by an id, the contact's. */
export async function addressOf(app: App, teamId: string, idOrEmail: string): Promise<string> {
  if (isId(idOrEmail)) return (await getContact(app, teamId, idOrEmail)).email;
  const key = suppressionKey(idOrEmail);
  if (key === undefined) throw new Refusal("not_found", "Contact not found");
  return key;
}

export async function startErasure(app: App, teamId: string, idOrEmail: string): Promise<Erasure> {
  const row: Erasure = {
    ...{ id: newId(), teamId, address: await addressOf(app, teamId, idOrEmail), stage: "queued", cursor: "" },
    counts: {
      ...{ contacts: 0, canceled: 0, emails: 0, shared_emails: 0, received: 0, events: 0, requests: 0 },
      import_errors: 0,
    },
    ...{ createdAt: app.now(), completedAt: null },
  };
  await atomically(app, [
    insertErasure(app.db, row),
    ...enqueue(app, erasePerson, { erasureId: row.id }, { id: row.id, lane: teamId }),
  ]);
  return row;
}

export const getErasures = (app: App, teamId: string, page: Keyset): Promise<Erasure[]> =>
  listErasures(app.db, teamId, page);

export async function getErasure(app: App, teamId: string, id: string): Promise<Erasure> {
  const row = isId(id) ? await findErasure(app.db, teamId, id.toLowerCase()) : undefined;
  if (!row) throw new Refusal("not_found", "Erasure not found");
  return row;
}

/** How much of its way an erasure has behind it, from 0 to 1. */
export function progressOf({ stage, completedAt }: Erasure): number {
  return completedAt ? 1 : stages.indexOf(stage) / stages.length;
}
