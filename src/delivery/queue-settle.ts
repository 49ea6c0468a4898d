import { type App, atomically } from "../app.ts";
import { expectChange, type Write } from "../db/write.ts";
import { WriteConflict } from "../errors.ts";
import { recordEvent } from "../events/record.ts";
import { settleLane } from "../jobs/store.ts";
import { removeUntouched, settleUnsent, showEnd } from "./queue-store.ts";
import type { Waiting } from "./queue-walk.ts";

/** How a delivery ends that no host has answered for: by an operator, or because its time is up. */
export interface UnsentEnd {
  state: "bounced" | "canceled" | "failed";
  said: string;
  /** What the event tells. */
  data: Record<string, unknown>;
}

/**
 * Ends deliveries whose jobs still wait as they were seen, and gives how many those were. Job, delivery and event go
 * together: who died in the middle left whole batches behind and can begin again.
 */
export async function endUnsent(app: App, rows: readonly Waiting[], how: UnsentEnd): Promise<number> {
  if (rows.length === 0) return 0;
  const lanes = new Set(rows.map(({ lane }) => lane));
  try {
    await atomically(app, [
      ...rows.flatMap((row) => endOne(app, row, how)),
      ...[...lanes].map((lane) => settleLane(lane, app.now())),
    ]);
    return rows.length;
  } catch (error) {
    if (!(error instanceof WriteConflict) || error.kind !== "stale") throw error;
    // Somebody had one of them meanwhile: the halves without it are still good.
    if (rows.length === 1) return 0;
    const half = Math.ceil(rows.length / 2);
    const first = await endUnsent(app, rows.slice(0, half), how);
    return first + (await endUnsent(app, rows.slice(half), how));
  }
}

function endOne(app: App, row: Waiting, { state, said, data }: UnsentEnd): Write[] {
  const { id, emailId, teamId, recipient, domainId, broadcastId, tags } = row;
  return [
    removeUntouched(row),
    expectChange(),
    settleUnsent(id, state, said, app.now()),
    expectChange(),
    ...recordEvent(app, {
      type: `email.${state}`,
      ...{ teamId, emailId, deliveryId: id, recipient, domainId, broadcastId, tags, data },
    }),
    showEnd(emailId, state),
  ];
}
