/** What a Prometheus server reads: what was measured as it happened, and a look at what is now. */
import { stat } from "node:fs/promises";
import { Counter, Gauge, Registry } from "prom-client";
import type { App } from "../app.ts";
import { dataPaths } from "../config/load.ts";
import { isServer } from "../db/open-transport.ts";
import { sitesOf } from "../delivery/sites.ts";
import { countLeases, listDepths } from "../jobs/depth.ts";
import { metersOf } from "../meters.ts";

/** What Prometheus calls its text format. */
export const contentType = Registry.PROMETHEUS_CONTENT_TYPE;

/** Everything in Prometheus' text format. Reads no table whose size is not bounded. */
export async function scrape(app: App, kinds: string[], version: string): Promise<string> {
  const now = new Registry();
  await Promise.all([lookAtQueue(app, kinds, now), lookAtDatabase(app, now)]);
  lookAtConnections(app, now);
  lookAtProcess(now, version);
  return `${await metersOf(app).registry.metrics()}\n${await now.metrics()}`;
}

const gauge = (registry: Registry, name: string, help: string, labelNames: string[] = []) =>
  new Gauge({ name, help, labelNames, registers: [registry] });

async function lookAtQueue(app: App, kinds: string[], registry: Registry): Promise<void> {
  const jobs = gauge(
    registry,
    "mailit_queue_jobs",
    "Jobs that wait, due now or later; counted up to 10000 of a kind.",
    ["kind", "state"],
  );
  const oldest = gauge(
    registry,
    "mailit_queue_oldest_due_seconds",
    "For how long the longest waiting of a kind has been due.",
    ["kind"],
  );
  const paused = gauge(registry, "mailit_queue_paused", "Whether an operator has stopped a kind.", ["kind"]);
  const leases = gauge(registry, "mailit_queue_leases", "Jobs that any node holds.");
  leases.set(await countLeases(app));
  for (const { kind, due, later, oldestDueAt, isPaused } of await listDepths(app, kinds)) {
    jobs.set({ kind, state: "due" }, due);
    jobs.set({ kind, state: "later" }, later);
    oldest.set({ kind }, oldestDueAt ? (app.now().getTime() - oldestDueAt.getTime()) / 1000 : 0);
    paused.set({ kind }, isPaused ? 1 : 0);
  }
}

async function lookAtDatabase(app: App, registry: Registry): Promise<void> {
  if (isServer(app.config.database.url)) return; // its size is the server's to tell
  const size = gauge(registry, "mailit_database_bytes", "The database and its write-ahead log.", ["file"]);
  const { database } = dataPaths(app.config);
  for (const [file, path] of [
    ["database", database],
    ["wal", `${database}-wal`],
  ] as const) {
    const bytes = await stat(path).then(
      (found) => found.size,
      () => 0, // there is no log right after a checkpoint at the end
    );
    size.set({ file }, bytes);
  }
}

function lookAtConnections(app: App, registry: Registry): void {
  const { sites, open, busy } = sitesOf(app).counts();
  gauge(registry, "mailit_sites", "Sets of mail servers this node knows.").set(sites);
  const connections = gauge(registry, "mailit_smtp_connections", "To mail servers, in use or kept.", [
    "state",
  ]);
  connections.set({ state: "busy" }, busy);
  connections.set({ state: "idle" }, Math.max(0, open - busy));
  const { threads, tasks } = app.threads.load();
  gauge(registry, "mailit_message_workers", "Threads that make and read messages.").set(threads);
  gauge(registry, "mailit_message_worker_tasks", "What they have yet to answer.").set(tasks);
}

const startedAt = Math.floor(Date.now() / 1000 - process.uptime());

function lookAtProcess(registry: Registry, version: string): void {
  const { user, system } = process.cpuUsage();
  gauge(registry, "mailit_build_info", "The version that runs.", ["version"]).set({ version }, 1);
  gauge(registry, "process_resident_memory_bytes", "Resident memory.").set(process.memoryUsage.rss());
  const cpu = { name: "process_cpu_seconds_total", help: "Processor time used.", registers: [registry] };
  new Counter(cpu).inc((user + system) / 1e6);
  gauge(registry, "process_start_time_seconds", "When the process started, since 1970.").set(startedAt);
}
