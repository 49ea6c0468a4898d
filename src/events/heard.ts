/** Whether an endpoint hears of an event: then its insert has stored a job, and the dispatcher is to be woken. */
import type { Write } from "../db/write.ts";
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
