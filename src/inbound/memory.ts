/** What every RCPT asks for, read a moment ago. */

import type { App } from "../app.ts";
import { ShortMemory } from "../short-memory.ts";
import type { InboundRoute } from "./schema.ts";

/** A domain's routes, first one first; by its id. */
export const routesByDomain = new ShortMemory<InboundRoute[]>();

/** The team that the mail to this server's own name belongs to; under its only key. */
export const teamOfServer = new ShortMemory<string | undefined>();

/** To be called after every commit that changes routes. */
export function forgetRoutes(app: App): void {
  routesByDomain.forget(app);
}
