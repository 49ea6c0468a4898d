import { type App, atomically } from "../app.ts";
import { recurring } from "../jobs/recurring.ts";
import { deleteLogs, nextTeamWithLogs } from "./store.ts";

/** Logs removed in one batch, so that no other write waits long behind it. */
const logsPerSlice = 500;

/** Removes logs that are older than `retention.logs`. */
export const forgettingLogs = recurring("forget_logs", 3_600_000, (app) => forgetLogs(app));

export async function forgetLogs(app: App, slice = logsPerSlice): Promise<void> {
  const { logs: keptFor } = app.config.retention;
  if (keptFor === "forever") return;
  const before = new Date(app.now().getTime() - keptFor);
  for (
    let teamId = await nextTeamWithLogs(app.db, "");
    teamId;
    teamId = await nextTeamWithLogs(app.db, teamId)
  ) {
    let removed: number;
    do {
      const [result] = await atomically(app, [deleteLogs(teamId, before, slice)]);
      removed = result!.changes;
    } while (removed === slice);
  }
}
