import { type App, atomically } from "../app.ts";
import { perApp } from "../per-app.ts";
import { excerptOf } from "./excerpt.ts";
import type { Log } from "./schema.ts";
import { insertLogs } from "./store.ts";

/** What is known of a request once its caller is, until it is answered. */
export interface Asked {
  teamId: string;
  /** The request's own id, which its answer carries too. */
  id: string;
  keyId: string | null;
  method: string;
  path: string;
  userAgent: string | null;
  address: string;
  createdAt: Date;
  /** Undefined where there was none, or none that could be read. */
  body?: unknown;
}

export interface Answered {
  status: number;
  body: unknown;
}

interface LogMemory {
  waiting: Log[];
  /** Characters of the bodies that wait. */
  size: number;
  writing: Promise<void> | undefined;
  later: ReturnType<typeof setTimeout> | undefined;
  /** Whether it was said that logs are being lost; once until they are written again. */
  isWarned: boolean;
}

const flushAfterMs = 1_000;
/** Written together; small, since no other write goes on meanwhile. */
const batchSize = 200;
const mostWaiting = 10_000;
const mostSize = 16_000_000;
const mostOfText = 512;

/**
 * Takes down a request and its answer, to be written behind it. Never slows a request down or fails it: what the store
 * can't take in time is lost, with one warning.
 */
export function noteRequest(app: App, asked: Asked, answered: Answered): void {
  const memory = memoryOf(app);
  if (memory.waiting.length >= mostWaiting || memory.size >= mostSize) {
    warnOfLoss(app, memory, "they come faster than they can be written");
    return;
  }
  const requestBody = excerptOf(asked.body);
  const responseBody = excerptOf(answered.body);
  memory.size += (requestBody?.length ?? 0) + (responseBody?.length ?? 0);
  memory.waiting.push({
    teamId: asked.teamId,
    id: asked.id,
    keyId: asked.keyId,
    method: asked.method,
    path: asked.path.slice(0, mostOfText),
    status: answered.status,
    durationMs: Math.max(0, app.now().getTime() - asked.createdAt.getTime()),
    userAgent: asked.userAgent?.slice(0, mostOfText) ?? null,
    address: asked.address,
    requestBody,
    responseBody,
    createdAt: asked.createdAt,
  });
  if (memory.waiting.length >= batchSize) void writeUntilFewerThan(app, memory, batchSize);
  memory.later ??= setTimeout(() => void flushLogs(app), flushAfterMs).unref();
}

/** Writes all that waits; when the program ends, and by itself once a second. */
export async function flushLogs(app: App): Promise<void> {
  const memory = memoryOf(app);
  clearTimeout(memory.later);
  memory.later = undefined;
  while (memory.writing) await memory.writing; // it may leave some for a fuller batch
  await writeUntilFewerThan(app, memory, 1);
}

/** Writes batch after batch, by one at a time: under load only full ones, since small ones cost most of what large ones do. */
function writeUntilFewerThan(app: App, memory: LogMemory, rows: number): Promise<void> {
  memory.writing ??= writeBatches(app, memory, rows).finally(() => {
    memory.writing = undefined;
  });
  return memory.writing;
}

async function writeBatches(app: App, memory: LogMemory, rows: number): Promise<void> {
  while (memory.waiting.length >= rows) {
    const batch = memory.waiting.splice(0, batchSize);
    for (const { requestBody, responseBody } of batch) {
      memory.size -= (requestBody?.length ?? 0) + (responseBody?.length ?? 0);
    }
    try {
      await atomically(app, insertLogs(batch), { isPatient: true });
      memory.isWarned = false;
    } catch (err) {
      warnOfLoss(app, memory, err);
    }
  }
}

function warnOfLoss(app: App, memory: LogMemory, err: unknown): void {
  if (memory.isWarned) return;
  memory.isWarned = true;
  app.log.warn({ err }, "logs of API requests are lost; the requests themselves are not touched by it");
}

const memoryOf = perApp(
  (): LogMemory => ({ waiting: [], size: 0, writing: undefined, later: undefined, isWarned: false }),
);
