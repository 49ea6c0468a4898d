import { getMember } from "../accounts/members.ts";
import type { App } from "../app.ts";
import { auditEntry } from "../audit/service.ts";
import type { Asked } from "../logs/record.ts";
import type { Caller } from "./auth.ts";

/** Does a thing as whoever asks, so that services hold them to their role; a key does what an admin may. */
export const asCaller = <T>(app: App, { role = "admin" }: Caller, work: () => Promise<T>): Promise<T> =>
  app.acting.run({ role }, work);

/** The same of an act, which is in the audit log. */
export async function actingAs<T>(
  app: App,
  caller: Caller,
  asked: Asked | undefined,
  act: string,
  subject: string,
  work: () => Promise<T>,
): Promise<T> {
  const { teamId, userId, keyId, role = "admin" } = caller;
  const trace = auditEntry(app, {
    ...{ teamId, userId: userId ?? keyId ?? "", email: await whoIs(app, caller) },
    ...{ act, subject, address: asked?.address ?? "" },
  });
  return app.acting.run({ role, trace }, work);
}

/** The address of a person; a key has none. */
export async function whoIs(app: App, { teamId, userId }: Caller): Promise<string> {
  return userId === undefined ? "an API key" : (await getMember(app, teamId, userId)).email;
}
