/** Contacts and segments in the contract's words, for their own routes and for those of audiences. */
import type { Static } from "@sinclair/typebox";
import type { NewContact } from "../contacts/save.ts";
import type { ContactImport } from "../contacts/schema.ts";
import type { contactChanges, contactCreation } from "./contact-schemas.ts";

export { toContact, toContactItem, toSegmentItem } from "../contacts/told.ts";

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
    size: row.size,
    error: row.problem,
  };
}
