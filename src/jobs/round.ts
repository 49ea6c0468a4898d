import type { Write } from "../db/write.ts";
import type { Ask, DueLane } from "./due.ts";
import type { Permits } from "./permits.ts";
import { type Block, blockLanes, claimJobs, settleLane } from "./store.ts";

/** Enough for a kind whose permits are all free, and little enough to read in a moment. */
const lanesPerRound = 64;
/** Lanes that may have nothing now are put off in the same round: they must not take the places of those that may. */
const lanesPerRoundWithAllowances = 256;
const exhaustedPauseMs = 1_000;

/** What to ask the lanes of each kind for, from the permits that are left. */
export function asksOf(kinds: Iterable<Permits>, now: Date): Ask[] {
  return Array.from(kinds, (permits) => {
    const free = permits.free();
    const most = permits.handler.allowance ? lanesPerRoundWithAllowances : Math.min(free, lanesPerRound);
    const limit = free > 0 ? most : 0;
    return { kind: permits.kind, full: limit > 0 ? permits.fullLanes(now) : [], limit };
  });
}

export interface Round {
  node: string;
  now: Date;
  leaseUntil: Date;
}

/**
 * The writes of one round: from every lane that has room its share of the kind's free permits, and out of the way with
 * those that have none. Each lane is served or put behind the others, so that a round never finds the same lanes again.
 */
export function planRound(round: Round, kinds: Map<string, Permits>, due: DueLane[]): Write[] {
  const byKind = Map.groupBy(due, ({ kind }) => kind);
  return [...byKind].flatMap(([kind, lanes]) =>
    planKind(
      round,
      kinds.get(kind)!,
      lanes.map(({ lane }) => lane),
    ),
  );
}

function planKind({ node, now, leaseUntil }: Round, permits: Permits, lanes: string[]): Write[] {
  const writes: Write[] = [];
  const blocks: Block[] = [];
  const open: { lane: string; room: number }[] = [];
  for (const lane of lanes) {
    const room = permits.roomIn(lane, now);
    if (typeof room !== "number") blocks.push({ lane, ...room });
    else if (room > 0) open.push({ lane, room });
    else if (!permits.keepOut(lane)) {
      writes.push(settleLane(lane, new Date(now.getTime() + exhaustedPauseMs)));
    }
  }
  if (blocks.length > 0) writes.push(blockLanes(blocks));
  const free = permits.free();
  const share = Math.max(1, Math.floor(free / open.length));
  for (const { lane, room } of open.slice(0, free)) {
    writes.push(claimJobs(node, lane, now, leaseUntil, Math.min(share, room)), settleLane(lane, now));
  }
  return writes;
}
