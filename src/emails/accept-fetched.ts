import { type App, atomically } from "../app.ts";
import { expectChange, type Write } from "../db/write.ts";
import { updateDomainRow } from "../domains/store.ts";
import { Refusal, WriteConflict } from "../errors.ts";
import type { AdmittedEmail } from "./admit.ts";

/**
 * Runs the writes that accept emails for whose attachments the client had to wait: only if their domains are still the
 * team's. Fetching takes up to 20 seconds, time enough for a domain to be removed or claimed, and what was accepted
 * after that could only fail. Where nothing is fetched it is a matter of milliseconds, not worth a statement more.
 */
export const acceptFetched =
  (teamId: string, emails: AdmittedEmail[]) =>
  async (app: App, writes: Write[]): Promise<void> => {
    const ids = new Set(emails.map(({ domain }) => domain.id));
    const still = [...ids].flatMap((id) => [updateDomainRow(app.db, teamId, id, { id }), expectChange()]);
    try {
      await atomically(app, [...still, ...writes]);
    } catch (error) {
      if (!(error instanceof WriteConflict) || error.kind !== "stale") throw error;
      throw new Refusal(
        "domain_not_verified",
        "The sending domain was removed while the attachments were fetched, and nothing was sent. Send from a domain of your team.",
      );
    }
  };
