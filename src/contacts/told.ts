/** Contacts and segments as they are told outside, in the contract's words. */
import type { Contact, ContactProperty, Segment } from "./schema.ts";

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
