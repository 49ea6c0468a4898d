import type { App } from "../app.ts";
import { rawWrite, type Write } from "../db/write.ts";
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
