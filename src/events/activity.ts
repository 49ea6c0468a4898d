import { rawWrite, type Write } from "../db/write.ts";
import { hasForeignCapitals, recipientKey } from "../mail/address.ts";
import type { NewEvent } from "./record.ts";
import type { EventType } from "./schema.ts";

/** In the order of the columns. */
const noted: EventType[] = ["email.delivered", "email.opened", "email.clicked", "email.bounced"];

const note = `
  insert into contact_activity (contact_id, delivered_at, opened_at, clicked_at, bounced_at)
  select id, ?3, ?4, ?5, ?6 from contacts where team_id = ?1 and email = ?2
  on conflict (contact_id) do update set
    delivered_at = coalesce(excluded.delivered_at, delivered_at),
    opened_at = coalesce(excluded.opened_at, opened_at),
    clicked_at = coalesce(excluded.clicked_at, clicked_at),
    bounced_at = coalesce(excluded.bounced_at, bounced_at)`;

/**
 * What the trigger of the audience migration does for every other address: it looks for the contact by SQLite's `lower`,
 * which leaves capitals beyond ASCII as they are. Of those that people make, of opens and clicks.
 */
export function activityOf(
  types: EventType[],
  { teamId, recipient, data }: Pick<NewEvent, "teamId" | "recipient" | "data">,
  at: Date,
): Write[] {
  if (recipient === undefined || !hasForeignCapitals(recipient)) return [];
  const times = noted.map((type) => (types.includes(type) ? at.getTime() : null));
  const isOfMachine =
    data?.is_bot === true && (types.includes("email.opened") || types.includes("email.clicked"));
  if (isOfMachine || times.every((time) => time === null)) return [];
  return [rawWrite(note, [teamId, recipientKey(recipient), ...times])];
}
