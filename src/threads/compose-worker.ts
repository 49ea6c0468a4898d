import { makeDkimKeyPairs } from "../mail/dkim-keys.ts";
import { type ComposeJob, runComposeJob } from "./compose-job.ts";

/** What a message worker is asked to do; the main thread sends these in lists. */
export type Task = { id: number } & ({ kind: "compose"; job: ComposeJob } | { kind: "make_dkim_key_pairs" });

/** A task's end: its value, or why it failed. */
export type Answer = { id: number; value: unknown } | { id: number; fault: string };

// Inside a worker the global is the worker's own end, which the types of this file's program don't know.
declare const self: Worker;

self.onmessage = async ({ data: tasks }: MessageEvent<Task[]>) => {
  // One after the other: the work is all CPU, and a list made side by side would need the memory of all of it.
  for (const task of tasks) await answer(task);
};

async function answer(task: Task): Promise<void> {
  try {
    const value = task.kind === "compose" ? await runComposeJob(task.job) : await makeDkimKeyPairs();
    const transfer = value instanceof Uint8Array ? [value.buffer as ArrayBuffer] : [];
    self.postMessage({ id: task.id, value } satisfies Answer, transfer);
  } catch (error) {
    // Only this message is at fault; the thread goes on with the next.
    self.postMessage({
      id: task.id,
      fault: error instanceof Error ? error.message : String(error),
    } satisfies Answer);
  }
}
