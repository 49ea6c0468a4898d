/** What this process counts and measures as it works, for `/metrics`. An increment costs about a tenth of a microsecond. */
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { perApp } from "./per-app.ts";

export interface Meters {
  registry: Registry;
  /** Emails taken, in requests that took so long until they were on disk. */
  accepted(emails: number, seconds: number): void;
  /** One try of a delivery, after it had been due for so long. */
  tried(outcome: string, waitedSeconds: number | undefined): void;
  /** One conversation with a host. */
  attempted(outcome: string, seconds: number): void;
  jobBegan(kind: string): void;
  jobEnded(kind: string, ending: "done" | "again" | "lost"): void;
  visited(kind: "opened" | "clicked", by: "person" | "machine"): void;
  /** A door for SMTP is open; `connections` are asked for when somebody reads the metrics. */
  listens(door: string, connections: () => number): void;
}

const short = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];
const long = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 7_200];

/** The meters of an App: its own, so that two in one process don't count together. */
export const metersOf = perApp(makeMeters);

function makeMeters(): Meters {
  const registry = new Registry();
  const registers = [registry];
  const accepted = new Counter({ name: "mailit_emails_accepted_total", help: "Emails taken.", registers });
  const acceptTime = new Histogram({
    name: "mailit_accept_duration_seconds",
    help: "From a good request to its emails on disk.",
    buckets: short,
    registers,
  });
  const tries = new Counter({
    name: "mailit_delivery_tries_total",
    help: "Tries of deliveries, by what they came to.",
    labelNames: ["outcome"],
    registers,
  });
  const queueWait = new Histogram({
    name: "mailit_queue_wait_seconds",
    help: "How long a delivery had been due when it was tried.",
    buckets: long,
    registers,
  });
  const attemptTime = new Histogram({
    name: "mailit_attempt_duration_seconds",
    help: "Conversations with mail servers, by what they came to.",
    labelNames: ["outcome"],
    buckets: long,
    registers,
  });
  const running = new Gauge({
    name: "mailit_jobs_running",
    help: "Jobs under way on this node.",
    labelNames: ["kind"],
    registers,
  });
  const jobs = new Counter({
    name: "mailit_jobs_total",
    help: "Jobs that ended on this node: done, to come again, or with their lease lost to another.",
    labelNames: ["kind", "ending"],
    registers,
  });
  const visits = new Counter({
    name: "mailit_visits_total",
    help: "Opens and clicks that were told, by whether people or machines made them.",
    labelNames: ["kind", "by"],
    registers,
  });
  const doors = new Map<string, () => number>();
  new Gauge({
    name: "mailit_listener_connections",
    help: "Connections from clients and mail servers, by the door they came to.",
    labelNames: ["door"],
    registers,
    collect() {
      for (const [door, connections] of doors) this.set({ door }, connections());
    },
  });
  // What a label's values lead to is looked up here, which costs less than the library's own look.
  const triesOf = remembering((outcome) => tries.labels(outcome));
  const attemptsOf = remembering((outcome) => attemptTime.labels(outcome));
  const runningOf = remembering((kind) => running.labels(kind));
  return {
    registry,
    accepted(emails, seconds) {
      accepted.inc(emails);
      acceptTime.observe(seconds);
    },
    tried(outcome, waitedSeconds) {
      triesOf(outcome).inc();
      if (waitedSeconds !== undefined) queueWait.observe(Math.max(0, waitedSeconds));
    },
    attempted: (outcome, seconds) => attemptsOf(outcome).observe(Math.max(0, seconds)),
    jobBegan: (kind) => runningOf(kind).inc(),
    jobEnded(kind, ending) {
      runningOf(kind).dec();
      jobs.inc({ kind, ending });
    },
    visited: (kind, by) => visits.inc({ kind, by }),
    listens: (door, connections) => void doors.set(door, connections),
  };
}

function remembering<T>(make: (name: string) => T): (name: string) => T {
  const made = new Map<string, T>();
  return (name) => {
    let known = made.get(name);
    if (!known) {
      known = make(name);
      made.set(name, known);
    }
    return known;
  };
}
