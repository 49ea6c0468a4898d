import { type App, atomically } from "../app.ts";
import type { Ending, JobHandler } from "./job.ts";
import { backAfterFault, type Holder, settle } from "./settle.ts";
import {
  claimJobs,
  countOverdueLanes,
  dueLanes,
  extendLeases,
  freeEndedLeases,
  freeLeasesOf,
  type Lease,
  nextDue,
  releaseHeld,
  settleLane,
  spreadOverdue,
  toLease,
} from "./store.ts";

export interface DispatcherOptions {
  /** This node's name, the same over restarts: leases of its earlier life are freed at start. */
  node: string;
  /** How many jobs may run at once, over all lanes. */
  permits?: number;
  /** How long a claim lasts unless extended. */
  leaseMs?: number;
  /** How long `stop` waits for what is in flight before it lets go; with the release, a stop stays within 10 s. */
  graceMs?: number;
}

export interface Dispatcher {
  /** Resolves when nothing is due and nothing is in flight; for tests and benchmarks. */
  drained(): Promise<void>;
  /** Stops claiming, waits for what is in flight, then releases the rest. */
  stop(): Promise<void>;
  inFlight(): number;
}

/** Past this a node looks whether another node died; its own new work wakes it at once. */
const longestSleepMs = 15_000;
const lanesPerRound = 64;
/** With more lanes overdue it is the permits that prevent a stampede, and to write every lane would hold up the start. */
const lanesWorthSpreading = 2_000;
const releaseMs = 1_000;

/**
 * The one loop that takes due jobs out of the table and has them done (D5). It claims lane by lane, no lane more than
 * its share, no more than there are permits; it sleeps until the next job is due or a commit says there is a new one.
 */
export async function startDispatcher(
  app: App,
  handlers: JobHandler[],
  options: DispatcherOptions,
): Promise<Dispatcher> {
  const { node, permits = 256, leaseMs = 60_000, graceMs = 8_000 } = options;
  const byKind = new Map(handlers.map((handler) => [handler.kind.name, handler]));
  const held = new Map<string, Lease>();
  const perLane = new Map<string, number>();
  const stopping = new AbortController();
  const stopBegins = new AbortController();
  const waiters: (() => void)[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  let sleepsUntil = 0;
  let running = false;
  let wanted = false;
  let stopped = false;
  let lettingGo = false;
  let round = Promise.resolve();
  // Monotonic: a clock set back must not keep leases from being extended.
  let keptAt = performance.now();
  const unsettled = new Set<Promise<void>>();

  const holder: Holder = {
    node,
    newest: (lease) => held.get(lease.id) ?? lease,
    hasLetGo: () => lettingGo,
    pause: (ms) => pause(stopped ? Math.min(ms, 500) : ms, stopBegins.signal),
  };

  const permitsOf = (lane: string): number => byKind.get(lane.split("/", 1)[0]!)?.kind.permitsPerLane ?? 1;
  const fullLanes = (): string[] =>
    [...perLane].filter(([lane, count]) => count >= permitsOf(lane)).map(([lane]) => lane);

  async function claimRound(): Promise<number> {
    const free = permits - held.size;
    if (free <= 0) return 0;
    const now = app.now();
    const due = await dueLanes(app.db, now, fullLanes(), Math.min(free, lanesPerRound));
    if (due.length === 0) return 0;
    const share = Math.max(1, Math.floor(free / due.length));
    const until = new Date(now.getTime() + leaseMs);
    const results = await atomically(
      app,
      due.flatMap((lane) => [
        claimJobs(node, lane, now, until, Math.min(share, permitsOf(lane) - (perLane.get(lane) ?? 0))),
        settleLane(lane),
      ]),
    );
    const leases = results.flatMap(({ rows }) => rows.map(toLease));
    if (stopped && leases.length > 0) {
      // The stop came while the claim was under way: nobody waits for these any more.
      await atomically(
        app,
        releaseHeld(
          node,
          leases.map(({ id }) => id),
          app.now(),
        ),
      );
      return 0;
    }
    for (const lease of leases) take(lease);
    return leases.length;
  }

  function take(lease: Lease): void {
    const isUnderWay = held.has(lease.id);
    held.set(lease.id, lease);
    // Another node freed a lease we could not extend in time, and we claimed it again: what runs goes on under the new one.
    if (isUnderWay) return;
    perLane.set(lease.lane, (perLane.get(lease.lane) ?? 0) + 1);
    const work = perform(lease).finally(() => {
      unsettled.delete(work);
      held.delete(lease.id);
      const left = perLane.get(lease.lane)! - 1;
      if (left === 0) perLane.delete(lease.lane);
      else perLane.set(lease.lane, left);
      pump();
    });
    unsettled.add(work);
  }

  async function perform(lease: Lease): Promise<void> {
    await settle(app, holder, lease, await runHandler(lease));
  }

  async function runHandler(lease: Lease): Promise<Ending> {
    const handler = byKind.get(lease.kind);
    try {
      if (!handler) throw new Error(`no handler for jobs of kind ${lease.kind}`);
      const { id, attempt, createdAt } = lease;
      return await handler.run(app, JSON.parse(lease.payload), {
        id,
        attempt,
        createdAt,
        signal: stopping.signal,
      });
    } catch (error) {
      app.log.error({ err: error, job: lease.id, kind: lease.kind, attempt: lease.attempt }, "a job failed");
      return backAfterFault(app, lease, error);
    }
  }

  /** Extends the leases of what is in flight and frees those whose holders are gone. */
  async function keepLeases(): Promise<void> {
    const startedAt = performance.now();
    if (startedAt - keptAt < leaseMs / 4) return;
    const now = app.now();
    await atomically(app, [
      extendLeases(node, [...held.keys()], new Date(now.getTime() + leaseMs)),
      ...freeEndedLeases(now),
    ]);
    keptAt = startedAt; // not before: what failed is tried again soon
  }

  function pump(): void {
    wanted = true;
    if (running || stopped) return;
    running = true;
    clearTimeout(timer);
    round = run().finally(() => {
      running = false;
      if (wanted && !stopped) pump();
      else if (held.size === 0) for (const resolve of waiters.splice(0)) resolve();
    });
  }

  async function run(): Promise<void> {
    try {
      while (wanted && !stopped) {
        wanted = false;
        // Leases are looked after between rounds: work that never ends must not let those of slow jobs run out.
        do await keepLeases();
        while (!stopped && (await claimRound()) > 0);
      }
      if (!stopped) await sleep();
    } catch (error) {
      app.log.error({ err: error }, "jobs can't be claimed now; trying again");
      sleepFor(1_000);
    }
  }

  async function sleep(): Promise<void> {
    const due = await nextDue(app.db, fullLanes());
    const full = held.size >= permits; // then it is a freed permit that wakes us
    sleepFor(due && !full ? due.getTime() - app.now().getTime() : longestSleepMs);
  }

  function sleepFor(ms: number): void {
    const bounded = Math.min(Math.max(ms, 0), longestSleepMs, leaseMs / 4);
    sleepsUntil = performance.now() + bounded;
    timer = setTimeout(pump, bounded);
  }

  async function freeEarlierLife(): Promise<void> {
    const now = app.now();
    await atomically(app, freeLeasesOf(node, now));
    const overdue = await countOverdueLanes(app.db, now, lanesWorthSpreading);
    if (overdue < lanesWorthSpreading)
      await atomically(app, [spreadOverdue(now, Math.min(5_000, 1 + overdue * 20))]);
  }

  await freeEarlierLife();
  app.jobsDue.notify = (at) => {
    const inMs = at.getTime() - app.now().getTime();
    if (running || inMs <= 0) pump();
    else if (performance.now() + inMs < sleepsUntil) {
      clearTimeout(timer);
      sleepFor(inMs);
    }
  };
  pump();

  return {
    inFlight: () => held.size,
    drained() {
      const promise = new Promise<void>((resolve) => waiters.push(resolve));
      pump();
      return promise;
    },
    async stop() {
      stopped = true;
      clearTimeout(timer);
      app.jobsDue.notify = () => {};
      stopBegins.abort();
      await inTime(
        round.then(() => Promise.all(unsettled)),
        graceMs * 0.8,
      );
      if (held.size > 0) {
        stopping.abort(); // handlers that can stop in the middle end now and say "again"
        await inTime(Promise.all(unsettled), graceMs * 0.2);
      }
      lettingGo = true;
      if (held.size === 0) return;
      const release = atomically(app, releaseHeld(node, [...held.keys()], app.now())).catch((err) =>
        app.log.error({ err }, "jobs could not be released; they come back when their leases end"),
      );
      await inTime(release, releaseMs);
    },
  };
}

/** Waits, but not on after a stop has begun; during a stop it waits in full. */
async function pause(ms: number, stop: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const wake = () => resolve();
  if (!stop.aborted) stop.addEventListener("abort", wake, { once: true });
  const timer = setTimeout(wake, ms);
  await promise;
  clearTimeout(timer);
  stop.removeEventListener("abort", wake);
}

async function inTime(work: Promise<unknown>, ms: number): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  await Promise.race([work, new Promise((resolve) => (timer = setTimeout(resolve, ms)))]);
  clearTimeout(timer);
}
