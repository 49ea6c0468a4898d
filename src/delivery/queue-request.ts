import { parseDuration } from "../config/units.ts";
import { Refusal } from "../errors.ts";
import { asciiDomain } from "../mail/address.ts";
import type { QueueFilter, WaitingState } from "./queue-filter.ts";

/** Which of a team's waiting deliveries, as people and programs write it; what is absent does not matter. */
export interface QueueRequest {
  delivery_id?: string;
  lane?: string;
  domain?: string;
  state?: WaitingState;
  tag?: string;
  older_than?: string | number;
  newer_than?: string | number;
}

/** Reads what is asked for, of one team. */
export function readQueueFilter(request: QueueRequest, teamId: string): QueueFilter {
  const { lane, domain, state, tag, older_than: olderThan, newer_than: newerThan } = request;
  return {
    deliveryId: request.delivery_id?.toLowerCase(),
    lane,
    domain: domain === undefined ? undefined : readDomain(domain),
    state,
    tag,
    olderThanMs: readAge("older_than", olderThan),
    newerThanMs: readAge("newer_than", newerThan),
    teamId,
  };
}

/** Recipients' domains as they are stored: ASCII and lower-case. */
function readDomain(text: string): string {
  const name = asciiDomain(text.trim());
  if (name === undefined) {
    throw new Refusal(
      "validation_error",
      "Invalid `domain` field. It must be a domain such as `example.com`.",
    );
  }
  return name;
}

function readAge(field: string, age: string | number | undefined): number | undefined {
  if (age === undefined) return undefined;
  const ms = parseDuration(age);
  if (ms === undefined) {
    throw new Refusal(
      "validation_error",
      `Invalid \`${field}\` field. It must be a duration such as "90s", "30m", "2h" or "3d".`,
    );
  }
  return ms;
}
