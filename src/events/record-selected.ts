import type { App } from "../app.ts";
import { rawWrite, type Write } from "../db/write.ts";
import { newId } from "../ids.ts";
import { dueIfHeard, isHeard } from "./heard.ts";
import type { EventType } from "./schema.ts";

const hourMs = 3_600_000;

export interface SelectedEvents {
  type: EventType;
  teamId: string;
  /**
   * A select of `id`, `recipient` and `data` (JSON text), one row for each event. In it `?1` is `list`, `?2` the team and
   * `?4` the time in milliseconds. Its text should be a constant: statements are prepared by their text.
   */
  select: string;
  /** JSON. */
  list: string;
}

/**
 * The writes for events of which only the database can say whether they happen: of a row that may be there already, or
 * may be gone. The counter grows by as many as were written; nothing is written when that is none.
 */
export function recordSelected(app: App, { type, teamId, select, list }: SelectedEvents): Write[] {
  const at = app.now();
  const now = at.getTime();
  const insert = rawWrite(
    `insert into events (id, team_id, type, recipient, data, created_at)
     select id, ?2, ?3, recipient, data, ?4 from (${select}) returning ${isHeard}`,
    [list, teamId, type, now],
  );
  return [{ ...insert, ...dueIfHeard(at) }, rawWrite(countChanges, [teamId, now - (now % hourMs), type])];
}

const countChanges = `
  insert into counters (team_id, hour, domain_id, broadcast_id, event, total)
  select ?1, ?2, '', '', ?3, changes() where changes() > 0
  on conflict (team_id, hour, domain_id, broadcast_id, event) do update set total = total + excluded.total`;

export interface DeliveryEvents {
  type: EventType;
  teamId: string;
  emailId: string;
  domainId: string | null;
  broadcastId: string | null;
  data: Record<string, unknown>;
  /** A condition on the row `d` of `deliveries` that says of which of them it happened; a constant. */
  where: string;
}

/**
 * The same for thousands of one email's deliveries, of which only the database can say whose it is: two statements count
 * them, however many they are.
 */
export function recordOfDeliveries(app: App, about: DeliveryEvents, deliveryIds: string[]): Write[] {
  const { type, teamId, emailId, domainId, broadcastId, data, where } = about;
  const now = app.now().getTime();
  const list = JSON.stringify(deliveryIds.map((id) => [id, newId()]));
  const hour = now - (now % hourMs);
  const insert = rawWrite(
    `insert into events (id, team_id, type, email_id, delivery_id, recipient, data, created_at)
     select e.value ->> 1, ?2, ?3, d.email_id, d.id, d.recipient, ?4, ?5
     from json_each(?1) e cross join deliveries d on d.id = e.value ->> 0 where ${where} returning ${isHeard}`,
    [list, teamId, type, JSON.stringify(data), now],
  );
  return [
    { ...insert, ...dueIfHeard(app.now()) },
    rawWrite(countWritten, [list, teamId, hour, domainId ?? "", broadcastId ?? "", type]),
    rawWrite(countOfEmail, [list, emailId, hour, type, teamId]),
  ];
}

const written = "from events where id in (select value ->> 1 from json_each(?1)) having count(*) > 0";
const countWritten = `
  insert into counters (team_id, hour, domain_id, broadcast_id, event, total)
  select ?2, ?3, ?4, ?5, ?6, count(*) ${written}
  on conflict (team_id, hour, domain_id, broadcast_id, event) do update set total = total + excluded.total`;
const countOfEmail = `
  insert into email_counters (email_id, hour, event, team_id, total)
  select ?2, ?3, ?4, ?5, count(*) ${written}
  on conflict (email_id, hour, event) do update set total = total + excluded.total`;
