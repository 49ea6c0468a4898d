// The first minutes of a server, in which nobody is known yet.
import { randomBytes, timingSafeEqual } from "node:crypto";
import type { App } from "../app.ts";
import { isLoopbackName } from "../client-address.ts";
import { perApp } from "../per-app.ts";
import { hasUsers } from "./store.ts";

/** Whether the first account may be made in a browser: there is none, and the configuration lets people register. */
export async function isFirstRun(app: App): Promise<boolean> {
  return app.config.auth.registration !== "closed" && !(await hasUsers(app.db));
}

/** What only whoever started this process is told: a server that others can reach is not for the first who comes. */
const tokens = perApp(() => randomBytes(24).toString("base64url"));

export function setupToken(app: App): string {
  return tokens(app);
}

/**
 * Whether whoever asks may make the first account: they sit at this machine (`isAtThisMachine`), have been told the
 * token this process printed when it started, or it is a sandbox. A server that others reach by a name has a proxy before
 * it, which may make everybody look as if they sat here.
 */
export function mayClaim(app: App, isHere: boolean, token: string): boolean {
  const isAlone = isLoopbackName(new URL(app.config.server.publicUrl).hostname);
  return app.sandbox || (isHere && isAlone) || isSetupToken(app, token);
}

function isSetupToken(app: App, given: string): boolean {
  const [known, shown] = [Buffer.from(tokens(app)), Buffer.from(given)];
  return known.length === shown.length && timingSafeEqual(known, shown);
}
