/** What a broadcast fills in of its contacts: only that is kept with each recipient (D8). */
import type { Contact } from "../contacts/schema.ts";
import { readFields } from "../mail/merge.ts";
import type { Broadcast } from "./schema.ts";

const prefix = "contact.";

/** The names of what its fields want to know: `first_name`, `email`, keys of properties. */
export function fieldsIn(
  broadcast: Pick<Broadcast, "subject" | "html" | "text" | "previewText">,
): Set<string> {
  const { subject, html, text, previewText } = broadcast;
  const fields = [subject, html, text, previewText].flatMap((each) => (each ? readFields(each) : []));
  return new Set(fields.flatMap(({ name }) => (name.startsWith(prefix) ? [name.slice(prefix.length)] : [])));
}

/** What is known of a contact among them. What is empty is left out, so that fallbacks hold. */
export function valuesOf(
  contact: Contact,
  wanted: ReadonlySet<string>,
): Record<string, string | number | boolean> {
  const { id, email, firstName, lastName, properties } = contact;
  const known: Record<string, unknown> = {
    ...properties,
    ...{ id, email, first_name: firstName, last_name: lastName },
  };
  const values: Record<string, string | number | boolean> = {};
  for (const name of wanted) {
    const value = Object.hasOwn(known, name) ? known[name] : undefined;
    if (typeof value === "number" || typeof value === "boolean") values[name] = value;
    else if (typeof value === "string" && value !== "") values[name] = value;
  }
  return values;
}
