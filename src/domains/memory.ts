import type { App } from "../app.ts";
import type { DkimKey } from "../mail/dkim.ts";
import { ShortMemory } from "../short-memory.ts";
import type { Domain } from "./schema.ts";

/** By name. Names that are no domain of ours are remembered as such. */
export const domainsByName = new ShortMemory<Domain | undefined>();

/** Opened keys, by domain id. */
export const keysByDomain = new ShortMemory<DkimKey[]>();

/** To be called after every commit that changes a domain or its keys. */
export function forgetDomains(app: App): void {
  domainsByName.forget(app);
  keysByDomain.forget(app);
}
