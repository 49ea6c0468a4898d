import type { App } from "../app.ts";
import { atomically } from "../app.ts";
import { auditEntry } from "../audit/service.ts";
import { perApp } from "../per-app.ts";
import { emailKey } from "./service.ts";
import { findNewestTeamOf, findUserByEmail } from "./store.ts";

/** Somebody who guesses a password would fill the log: a person's refusals are written down once in so long. */
const everyMs = 60_000;
const mostPeople = 10_000;

/**
 * Leaves word in the audit log that somebody tried to sign in as a person there is, and was refused. Doors do not
 * wait for it: by the time that takes nobody learns whether an address has an account.
 */
export async function noteRefused(app: App, email: string, address: string): Promise<void> {
  await app.acting
    .exit(() => note(app, email, address))
    .catch((err: unknown) => app.log.warn({ err }, "a refused sign-in is not in the audit log"));
}

async function note(app: App, email: string, address: string): Promise<void> {
  const user = await findUserByEmail(app.db, emailKey(email));
  const team = user && (await findNewestTeamOf(app.db, user.id));
  if (!team) return;
  const noted = notedOf(app);
  const now = app.now().getTime();
  if (now < (noted.get(user.id) ?? 0)) return;
  noted.delete(user.id); // and set again: who was noted last is the last to be forgotten
  noted.set(user.id, now + everyMs);
  if (noted.size > mostPeople) noted.delete(noted.keys().next().value!);
  const entry = { teamId: team.id, userId: user.id, email: user.email, subject: user.id, address };
  await atomically(app, [auditEntry(app, { ...entry, act: "Was refused to sign in" })]);
}

/** Until when a person's refusals are not written down again. */
const notedOf = perApp((): Map<string, number> => new Map());
