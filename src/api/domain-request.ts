import type { Static } from "elysia";
import type { NewDomain } from "../domains/create.ts";
import type { DomainChanges } from "../domains/update.ts";
import type { changes, creation } from "./domain-schemas.ts";

/** What a client says of a domain to add or to claim. */
export function toNewDomain(body: Static<typeof creation>): NewDomain {
  return {
    name: body.name,
    region: body.region ?? undefined,
    customReturnPath: body.custom_return_path ?? undefined,
    ...toChanges(body),
    trackingSubdomain: body.tracking_subdomain ?? undefined,
  };
}

export function toChanges(body: Static<typeof changes>): DomainChanges {
  const { open_tracking, click_tracking, tracking_subdomain, tls, capabilities } = body;
  const isEnabled = (value: "enabled" | "disabled" | undefined) => value && value === "enabled";
  return {
    openTracking: open_tracking ?? undefined,
    clickTracking: click_tracking ?? undefined,
    trackingSubdomain: tracking_subdomain,
    tls,
    capabilities: capabilities && {
      sending: isEnabled(capabilities.sending),
      receiving: isEnabled(capabilities.receiving),
    },
  };
}
