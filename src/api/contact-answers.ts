/** Contacts and segments in the contract's words, for their own routes and for those of audiences. */
import type { Static } from "@sinclair/typebox";
import type { NewContact } from "../contacts/save.ts";
import type { Contact, ContactImport, ContactProperty, Segment } from "../contacts/schema.ts";
import type { contactChanges, contactCreation } from "./contact-schemas.ts";

export const toFields = (body: Static<typeof contactChanges>) => ({
  firstName: body.first_name,
  lastName: body.last_name,
  unsubscribed: body.unsubscribed,
  properties: body.properties,
});

export function toNewContact(body: Static<typeof contactCreation>, segmentId?: string): NewContact {
  const segments = (body.segments ?? []).map((each) => (typeof each === "string" ? each : each.id));
  return {
    ...toFields(body),
    email: body.email,
    segmentIds: [segmentId ?? [], body.audience_id ?? [], segments].flat(),
    topics: body.topics ?? [],
  };
}

export const toContactItem = ({ id, email, firstName, lastName, createdAt, unsubscribed }: Contact) => ({
  id,
  email,
  first_name: firstName,
  last_name: lastName,
  created_at: createdAt.toISOString(),
  unsubscribed,
});

/** Values of properties that are defined, each with its type. */
export function toContact(contact: Contact, definitions: Map<string, ContactProperty>) {
  const values = Object.entries(contact.properties).flatMap(([key, value]) => {
    const type = definitions.get(key)?.type;
    return type === undefined ? [] : [[key, { type, value }] as const];
  });
  return {
    object: "contact" as const,
    ...toContactItem(contact),
    properties: Object.fromEntries(values),
  };
}

export const toSegmentItem = ({ id, name, createdAt }: Segment) => ({
  id,
  name,
  created_at: createdAt.toISOString(),
});

export function toImport(row: ContactImport) {
  const { total, created, updated, skipped, failed } = row;
  return {
    object: "contact_import" as const,
    id: row.id,
    status: row.status,
    created_at: row.createdAt.toISOString(),
    completed_at: row.completedAt?.toISOString() ?? null,
    counts: { total, created, updated, skipped, failed },
    progress: row.size === 0 ? 1 : Math.min(1, row.bytesRead / row.size),
    error: row.problem,
  };
}
