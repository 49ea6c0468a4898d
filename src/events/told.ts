import { expectChange, rawWrite, type Write } from "../db/write.ts";
import type { EventType } from "./schema.ts";

/**
 * Writes down that something was reported of a delivery, to be told in the same batch; stale where it was told before, were
 * it longer ago than events are kept.
 */
export const tellOnce = (
  type: EventType & ("email.complained" | "email.unsubscribed" | "email.delivery_delayed"),
  deliveryId: string,
): Write[] => [
  rawWrite("insert into told (delivery_id, type) values (?, ?) on conflict do nothing", [deliveryId, type]),
  expectChange(),
];
