/** Whether an endpoint hears of an event: then its insert has stored a job, and the dispatcher is to be woken. */
import type { App } from "../app.ts";
import type { Write } from "../db/write.ts";
import { perApp } from "../per-app.ts";
import type { EventType } from "./schema.ts";

/** What the database tells no endpoint: the contract has no name for it, or it is about the endpoint itself. */
export const unheardTypes: ReadonlySet<EventType> = new Set([
  "email.queued",
  "email.canceled",
  "webhook.disabled",
]);

/** For the `returning` of an insert into `events`; what the trigger asks as well. */
export const isHeard = `webhook_id is not null or exists (
  select 1 from webhook_subscriptions s where s.team_id = events.team_id and s.type in (events.type, '*'))`;

/** What makes such an insert wake the dispatcher: for every event that nobody hears of, it would find nothing to do. */
export const dueIfHeard = (dueAt: Date): Pick<Write, "dueAt" | "storesJob"> => ({
  dueAt,
  storesJob: ({ rows }) => rows.some(([heard]) => heard === 1),
});

const quietMs = 2_000;

/** Until when nobody is asked whether anybody hears of a team's events. */
const quietOf = perApp((): Map<string, number> => new Map());

/**
 * Whether a moment ago nobody heard of a team's events. To ask costs each of them as much as to write it. An endpoint that
 * another node has added meanwhile hears of them all the same; only its first calls wait until the dispatcher looks by itself.
 */
export const isQuiet = (app: App, teamId: string): boolean =>
  (quietOf(app).get(teamId) ?? 0) > app.now().getTime();

/** As `dueIfHeard`, and remembers where nobody heard. */
export function dueOrQuiet(app: App, teamId: string, dueAt: Date): Pick<Write, "dueAt" | "storesJob"> {
  const { storesJob } = dueIfHeard(dueAt);
  return {
    dueAt,
    storesJob(result) {
      const isHeardNow = storesJob!(result);
      if (!isHeardNow) quietOf(app).set(teamId, dueAt.getTime() + quietMs);
      return isHeardNow;
    },
  };
}

/** To be called after every commit that lets an endpoint hear of something. */
export const endQuiet = (app: App, teamId: string): void => void quietOf(app).delete(teamId);
