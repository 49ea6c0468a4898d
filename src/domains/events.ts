import type { App } from "../app.ts";
import type { Write } from "../db/write.ts";
import { recordEvent } from "../events/record.ts";
import { type DomainRecord, isAskedFor } from "./records.ts";
import type { Domain } from "./schema.ts";

type DomainEvent = "domain.created" | "domain.updated" | "domain.deleted";

/** The writes that say what happened to a domain, with all that webhooks tell about it. */
export function recordDomainEvent(
  app: App,
  type: DomainEvent,
  domain: Domain,
  records: DomainRecord[],
): Write[] {
  const { id, teamId, name, status, region, createdAt } = domain;
  const data = {
    id,
    name,
    status,
    created_at: createdAt.toISOString(),
    region,
    records: records.filter(isAskedFor).map(toEventRecord),
  };
  return recordEvent(app, { type, teamId, domainId: id, data });
}

function toEventRecord({ purpose, name, type, status, value, priority }: DomainRecord) {
  // Webhooks call "Receiving MX" what the API calls "Receiving"; clients know each in its place.
  const record = purpose === "Receiving" ? "Receiving MX" : purpose;
  return { record, name, type, ttl: "Auto", status, value, ...(priority !== undefined && { priority }) };
}
