import { type App, atomically } from "../app.ts";
import { metersOf } from "../meters.ts";
import { countOverdueLanes, dueLanes, nextDue, spreadOverdue } from "./due.ts";
import { type Hold, Holds } from "./holds.ts";
import { type Ending, type JobHandler, withoutKind } from "./job.ts";
import { Permits } from "./permits.ts";
import { asksOf, planRound } from "./round.ts";
import { backAfterFault, type Holder, settle } from "./settle.ts";
import { extendLeases, freeEndedLeases, freeLeasesOf, kindOf, releaseHeld, toLease } from "./store.ts";

export interface DispatcherOptions {
  /** This node's name, the same over restarts: leases of its earlier life are freed at start. */
  node: string;
  /** A job that has been running for longer no longer holds up the others of its kind, … */
  slowAfterMs?: number;
  /** … as long as there are no more of them than this. */
  slowPermits?: number;
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

/**
 * Past this a node looks whether another node died and whether another process has resumed what was paused; its own new
 * work wakes it at once.
 */
const longestSleepMs = 5_000;
/** With more lanes overdue it is the permits that prevent a stampede, and to write every lane would hold up the start. */
const lanesWorthSpreading = 2_000;
const releaseMs = 1_000;
const gatherMs = 5;

/**
 * The one loop that takes due jobs out of the table and has them done (D5). It claims kind by kind and lane by lane, the
 * longest waiting first, no more than there are permits; it sleeps until the next job is due or a commit says there is a
 * new one. Kinds that have no handler here wait for a version that has one.
 */
export async function startDispatcher(
  app: App,
  handlers: JobHandler[],
  options: DispatcherOptions,
): Promise<Dispatcher> {
  const { node, leaseMs = 60_000, graceMs = 8_000, slowAfterMs = 20_000, slowPermits = 1_024 } = options;
  const kinds = new Map(
    handlers.map((handler) => [handler.kind.name, new Permits(app, handler, { slowAfterMs, slowPermits })]),
  );
  const held = new Holds(leaseMs);
  const meters = metersOf(app);
  const stopBegins = new AbortController();
  const waiters: (() => void)[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  let pumpTimer: ReturnType<typeof setTimeout> | undefined;
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
    newest: (lease) => held.get(lease.id)?.lease ?? lease,
    hasLetGo: () => lettingGo,
    pause: (ms) => pause(stopped ? Math.min(ms, 500) : ms, stopBegins.signal),
  };

  /** Whether there was anything to claim or to put off: then there may be more. */
  async function claimRound(): Promise<boolean> {
    const now = app.now();
    const due = await dueLanes(app.transport, now, asksOf(kinds.values(), now));
    if (due.length === 0) return false;
    const claimedAt = performance.now();
    const leaseUntil = new Date(now.getTime() + leaseMs);
    const results = await atomically(app, planRound({ node, now, leaseUntil }, kinds, due));
    const leases = results.flatMap(({ rows }) => rows.map(toLease));
    if (stopped && leases.length > 0) {
      // The stop came while the claim was under way: nobody waits for these any more.
      const ids = leases.map(({ id }) => id);
      await atomically(app, releaseHeld(node, ids, app.now()));
      return false;
    }
    for (const lease of leases) {
      // Another node freed a lease we could not extend in time, and we claimed it again: what runs goes on under the new one.
      const hold = held.take(lease, claimedAt);
      if (hold) begin(hold);
    }
    return true;
  }

  function begin(hold: Hold): void {
    const permits = kinds.get(kindOf(hold.lane))!;
    permits.begin(hold);
    meters.jobBegan(permits.kind);
    const work = perform(permits.handler, hold).finally(() => {
      unsettled.delete(work);
      permits.end(hold);
      pumpSoon();
    });
    unsettled.add(work);
  }

  /** Jobs that end one after the other make room for one round of claims, not for one each. */
  function pumpSoon(): void {
    pumpTimer ??= setTimeout(() => {
      pumpTimer = undefined;
      pump();
    }, gatherMs);
  }

  async function perform(handler: JobHandler, hold: Hold): Promise<void> {
    const ending = await runHandler(handler, hold);
    const ended = await settle(app, holder, hold.lease, ending);
    meters.jobEnded(handler.kind.name, ended === hold.lease ? ending.kind : "lost");
    held.drop(hold);
    if (ended === hold.lease || stopped) return;
    // Put back, and claimed again before the answer to that had come: nobody works under the newer lease yet.
    begin(held.take(hold.lease, hold.leaseEndsAt - leaseMs)!);
  }

  async function runHandler(handler: JobHandler, { lease, abort: { signal } }: Hold): Promise<Ending> {
    try {
      const { id, attempt, createdAt } = lease;
      const lane = withoutKind(lease.lane);
      return await handler.run(app, JSON.parse(lease.payload), { id, attempt, createdAt, lane, signal });
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
    const ids = held.ids;
    // First what is ours, though its lease may have ended: a disk that was full for a minute loses nobody's work.
    const [extended] = await atomically(app, [
      extendLeases(node, ids, new Date(now.getTime() + leaseMs)),
      ...freeEndedLeases(now),
    ]);
    held.extended(ids, new Set(extended!.rows.map(([id]) => id as string)), startedAt);
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
      else if (held.size === 0 && !pumpTimer) for (const resolve of waiters.splice(0)) resolve();
    });
  }

  async function run(): Promise<void> {
    try {
      while (wanted && !stopped) {
        wanted = false;
        // Leases are looked after between rounds: work that never ends must not let those of slow jobs run out.
        do await keepLeases();
        while (!stopped && (await claimRound()));
      }
      if (!stopped) await sleep();
    } catch (error) {
      app.log.error({ err: error }, "jobs can't be claimed now; trying again");
      sleepFor(1_000);
    }
  }

  async function sleep(): Promise<void> {
    // A kind without a permit wakes us when it gets one: by the end of a job, or when one has become slow.
    const freeInMs = Math.min(...Array.from(kinds.values(), (permits) => permits.freeInMs()));
    const now = app.now();
    const due = await nextDue(app.transport, asksOf(kinds.values(), now));
    const refillInMs = Math.min(...Array.from(kinds.values(), (permits) => permits.refillInMs()));
    const dueInMs = due ? due.getTime() - now.getTime() : longestSleepMs;
    sleepFor(Math.min(freeInMs, refillInMs, dueInMs));
  }

  function sleepFor(ms: number): void {
    const bounded = Math.min(Math.max(ms, 0), longestSleepMs, leaseMs / 4);
    sleepsUntil = performance.now() + bounded;
    timer = setTimeout(pump, bounded);
  }

  async function freeEarlierLife(): Promise<void> {
    const now = app.now();
    await atomically(app, freeLeasesOf(node, now));
    const names = [...kinds.keys()];
    const overdue = await countOverdueLanes(app.transport, names, now, lanesWorthSpreading);
    if (overdue < lanesWorthSpreading)
      await atomically(app, [spreadOverdue(names, now, Math.min(5_000, 1 + overdue * 20))]);
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
      clearTimeout(pumpTimer);
      app.jobsDue.notify = () => {};
      stopBegins.abort();
      await inTime(
        round.then(() => Promise.all(unsettled)),
        graceMs * 0.8,
      );
      if (held.size > 0) {
        held.abortAll(); // handlers that can stop in the middle end now and say "again"
        await inTime(Promise.all(unsettled), graceMs * 0.2);
      }
      lettingGo = true;
      if (held.size === 0) return;
      const release = atomically(app, releaseHeld(node, held.ids, app.now())).catch((err) =>
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
