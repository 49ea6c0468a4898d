import { makeDkimKeyPairs } from "../mail/dkim-keys.ts";
import { linksOf } from "../mail/html-links.ts";
import type { Merge } from "../mail/merge.ts";
import { type Bodies, mergeBodies } from "../mail/merged-bodies.ts";
import { type ComposeJob, runComposeJob } from "./compose-job.ts";
import { makeAsker, type Question, type QuestionAnswer } from "./questions.ts";
import type { ReadJob } from "./read-job.ts";
import {
  type MessageBytes,
  runReadSubmittedJob,
  runSubmittedJob,
  type SubmittedJob,
} from "./submitted-job.ts";

/** What a message worker is asked to do; the main thread sends these in lists. */
export type Task = { id: number } & (
  | { kind: "compose"; job: ComposeJob | SubmittedJob }
  | { kind: "read"; job: ReadJob }
  | { kind: "read_submitted"; raw: MessageBytes }
  | { kind: "make_dkim_key_pairs" }
  | { kind: "find_links"; html: string }
  | { kind: "merge_bodies"; bodies: Bodies; merge: Merge | null; hasMadeText: boolean }
);

/** A task's end: its value, or why it failed. The worker, too, sends these in lists. */
export type Answer = { id: number; value: unknown } | { id: number; fault: string };

/** All that goes to a worker, and all that comes from it. */
export type ToWorker = Task | QuestionAnswer;
export type FromWorker = Answer | Question;

// Inside a worker the global is the worker's own end, which the types of this file's program don't know.
declare const self: Worker;

// Every list costs the main thread a turn of its event loop. Messages are kept back for a few others' time at most, which
// is nothing beside what happens to them next.
const maxKeptMs = 4;

const queue: (Task & { kind: "compose" })[] = [];
let isComposing = false;
const asker = makeAsker((question) => self.postMessage([question]));

self.onmessage = ({ data }: MessageEvent<ToWorker[]>) => {
  for (const each of data) {
    if ("question" in each) asker.settle(each);
    else if (each.kind === "compose") queue.push(each);
    // The runtime makes keys on other threads, reading waits for DNS, and a client waits for links: none of them waits
    // for the messages.
    else void answerTo(each.id, aside(each)).then((answer) => post([answer]));
  }
  if (!isComposing) void composeAll();
};

/** Most workers only ever send: the parser and the verifier take memory, so they are loaded when something came in. */
async function aside(task: Exclude<Task, { kind: "compose" }>): Promise<unknown> {
  if (task.kind === "make_dkim_key_pairs") return makeDkimKeyPairs();
  if (task.kind === "find_links") return linksOf(task.html);
  if (task.kind === "merge_bodies") return mergeBodies(task.bodies, task.merge, task.hasMadeText);
  if (task.kind === "read_submitted") return runReadSubmittedJob(task.raw);
  const { runReadJob } = await import("./read-job.ts");
  return runReadJob(task.job, asker.of(task.id)).finally(sweep);
}

const readsBetweenSweeps = 500;
let unswept = 0;

/**
 * What the parser and the verifier leave behind outlives small collections, and a thread that is busy waits until its heap
 * has doubled before it makes a large one. This costs a hundredth of the time and saves half of the heap.
 */
function sweep(): void {
  if (++unswept < readsBetweenSweeps) return;
  unswept = 0;
  Bun.gc(true);
}

const compose = (job: ComposeJob | SubmittedJob): Promise<Uint8Array> =>
  "source" in job ? runComposeJob(job) : runSubmittedJob(job);

/** One after the other: the work is all CPU, and messages made side by side would need the memory of all of them. */
async function composeAll(): Promise<void> {
  isComposing = true;
  let finished: Answer[] = [];
  let postedAt = performance.now();
  for (let task = queue.shift(); task !== undefined; task = queue.shift()) {
    finished.push(await answerTo(task.id, compose(task.job)));
    if (queue.length > 0 && performance.now() - postedAt < maxKeptMs) continue;
    post(finished);
    finished = [];
    postedAt = performance.now();
  }
  isComposing = false;
}

async function answerTo(id: number, work: Promise<unknown>): Promise<Answer> {
  try {
    return { id, value: await work };
  } catch (error) {
    // Only this task is at fault; the thread goes on with the next.
    return { id, fault: error instanceof Error ? error.message : String(error) };
  }
}

function post(answers: Answer[]): void {
  const buffers = answers.flatMap((answer) =>
    "value" in answer && answer.value instanceof Uint8Array ? [answer.value.buffer as ArrayBuffer] : [],
  );
  self.postMessage(answers, buffers);
}
