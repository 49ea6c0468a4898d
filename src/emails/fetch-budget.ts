/**
 * Keeps the bytes that are fetched for emails within bounds, over all requests. A request takes all it may need at
 * once and before it fetches anything: two that each held one file and waited for room for another would wait forever.
 */
import type { App } from "../app.ts";
import { ByteBudget } from "../byte-budget.ts";
import { perApp } from "../per-app.ts";

const maxBytesAtOnce = 128 * 1024 * 1024;
/** Half of it, so that a team with slow hosts leaves room to the others. */
export const maxTeamBytes = maxBytesAtOnce / 2;

interface Budgets {
  all: ByteBudget;
  byTeam: Map<string, ByteBudget>;
}

/** Waits for room; what is returned gives it back, but for the bytes still `kept`. Undefined when there was none in time. */
export async function takeRoom(
  app: App,
  teamId: string,
  bytes: number,
  late: AbortSignal,
): Promise<((kept?: number) => void) | undefined> {
  const { all, byTeam } = budgetsOf(app);
  let ofTeam = byTeam.get(teamId);
  if (!ofTeam) {
    ofTeam = new ByteBudget(maxTeamBytes);
    byTeam.set(teamId, ofTeam);
  }
  // The team's first: waiting for it, a request holds nothing that another team could use.
  const giveTeam = await ofTeam.takeUnlessLate(bytes, late);
  const giveAll = giveTeam && (await all.takeUnlessLate(bytes, late));
  if (!giveAll) {
    giveTeam?.();
    return undefined;
  }
  return (kept) => {
    giveAll(kept);
    giveTeam(kept);
  };
}

const budgetsOf = perApp((): Budgets => ({ all: new ByteBudget(maxBytesAtOnce), byTeam: new Map() }));
