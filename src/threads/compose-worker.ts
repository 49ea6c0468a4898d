import { makeDkimKeyPairs } from "../mail/dkim-keys.ts";
import { type ComposeJob, runComposeJob } from "./compose-job.ts";

/** What a message worker is asked to do; the main thread sends these in lists. */
export type Task = { id: number } & ({ kind: "compose"; job: ComposeJob } | { kind: "make_dkim_key_pairs" });

/** A task's end: its value, or why it failed. The worker, too, sends these in lists. */
export type Answer = { id: number; value: unknown } | { id: number; fault: string };

// Inside a worker the global is the worker's own end, which the types of this file's program don't know.
declare const self: Worker;

// Every list costs the main thread a turn of its event loop. Messages are kept back for a few others' time at most, which
// is nothing beside what happens to them next.
const maxKeptMs = 4;

const queue: (Task & { kind: "compose" })[] = [];
let isComposing = false;

self.onmessage = ({ data: tasks }: MessageEvent<Task[]>) => {
  for (const task of tasks) {
    if (task.kind === "compose") queue.push(task);
    // The runtime makes keys on other threads, for a tenth of a second, and no message need wait for that.
    else void answerTo(task.id, makeDkimKeyPairs()).then((answer) => post([answer]));
  }
  if (!isComposing) void composeAll();
};

/** One after the other: the work is all CPU, and messages made side by side would need the memory of all of them. */
async function composeAll(): Promise<void> {
  isComposing = true;
  let finished: Answer[] = [];
  let postedAt = performance.now();
  for (let task = queue.shift(); task !== undefined; task = queue.shift()) {
    finished.push(await answerTo(task.id, runComposeJob(task.job)));
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
