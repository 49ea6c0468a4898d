import type { Logger } from "../log.ts";
import type { Ask } from "../mail/authenticate.ts";
import type { DkimKeyPairs } from "../mail/dkim-keys.ts";
import type { Merge } from "../mail/merge.ts";
import type { Bodies } from "../mail/merged-bodies.ts";
import type { SubmittedMessage } from "../mail/submitted.ts";
import type { ComposeJob } from "./compose-job.ts";
import type { Answer, FromWorker, Task, ToWorker } from "./message-worker.ts";
import { answerQuestion, type Question } from "./questions.ts";
import type { ReadJob, ReadMessage } from "./read-job.ts";
import type { MessageBytes, SubmittedJob } from "./submitted-job.ts";

export type { ComposeJob, JobAttachment } from "./compose-job.ts";
export type { ReadJob, ReadMessage } from "./read-job.ts";
export type { MessageBytes, SubmittedJob } from "./submitted-job.ts";

/** The message workers: what takes CPU and so must not run where HTTP, SQL and SMTP wait. */
export type Threads = {
  /** The bytes of one recipient's message, signed. Rejects when this message can't be made or its thread dies. */
  compose(job: ComposeJob | SubmittedJob): Promise<Uint8Array>;
  /** What a message that came in says, and who vouches for it; DNS is asked by `ask`. Rejects when its thread dies. */
  read(job: ReadJob, ask: Ask): Promise<ReadMessage>;
  /** What a message says that a user of ours hands in, or why it can't be sent. Rejects when its thread dies. */
  readSubmitted(raw: MessageBytes): Promise<SubmittedMessage | { mistake: string }>;
  makeDkimKeyPairs(): Promise<DkimKeyPairs>;
  /** The links of HTML that may be tracked, by their ids. */
  findLinks(html: string): Promise<[id: string, url: string][]>;
  /** As `mail/merged-bodies.ts` has it. */
  mergeBodies(bodies: Bodies, merge: Merge | null, hasMadeText: boolean): Promise<Bodies>;
  /** How many threads there are, and how many tasks they owe an answer. */
  load(): { threads: number; tasks: number };
  /** Stops the threads at once; what they had not finished rejects. */
  close(): Promise<void>;
};

type Waiting = { resolve(value: unknown): void; reject(reason: Error): void; ask?: Ask; since?: number };
type Thread = { worker: Worker; waiting: Map<number, Waiting> };
type TaskBody = Task extends infer T ? (T extends Task ? Omit<T, "id"> : never) : never;

export type ThreadsOptions = {
  /** How many threads at most; each starts when there is work for it. */
  count: number;
  log: Logger;
  openWorker?: () => Worker;
  /** A thread that owes an answer for this long hangs, and is replaced. */
  patienceMs?: number;
};

// The build bundles the worker as an entry point of its own, found by exactly this expression.
const openMessageWorker = () => new Worker(new URL("./message-worker.ts", import.meta.url), { smol: true });

/** Starts the message workers, which is to say: makes them ready to start when the first work comes. */
export function startThreads(options: ThreadsOptions): Threads {
  const { count, log, openWorker = openMessageWorker, patienceMs = 120_000 } = options;
  const threads = new Set<Thread>();
  let arrived: { body: TaskBody; waiting: Waiting }[] = [];
  let lastId = 0;
  let isClosed = false;
  let watch: ReturnType<typeof setTimeout> | undefined;

  function run(body: TaskBody, ask?: Ask): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (isClosed) return reject(new Error("The message workers are closed"));
      // Gathered for one turn: posting a list costs little more than posting one.
      if (arrived.length === 0) setImmediate(hand);
      arrived.push({ body, waiting: { resolve, reject, ask } });
    });
  }

  function hand(): void {
    const lists = new Map<Thread, Task[]>();
    for (const { body, waiting } of arrived) {
      const thread = leastLoaded();
      const id = ++lastId;
      waiting.since = performance.now();
      thread.waiting.set(id, waiting);
      const list = lists.get(thread) ?? [];
      list.push({ ...body, id });
      lists.set(thread, list);
    }
    arrived = [];
    for (const [thread, list] of lists) post(thread, list);
    watch ??= setTimeout(loseHanging, patienceMs / 2);
  }

  /** A message that keeps a thread busy for ever must not keep its recipients' permits for ever. */
  function loseHanging(): void {
    watch = undefined;
    const now = performance.now();
    for (const thread of threads) {
      const [oldest] = thread.waiting.values(); // a Map keeps the order of arrival
      if (oldest && now - oldest.since! >= patienceMs) lose(thread, "it did not answer in time");
    }
    const isOwed = [...threads].some(({ waiting }) => waiting.size > 0);
    if (isOwed && !isClosed) watch = setTimeout(loseHanging, patienceMs / 2);
  }

  function leastLoaded(): Thread {
    let least: Thread | undefined;
    for (const thread of threads) {
      if (least === undefined || thread.waiting.size < least.waiting.size) least = thread;
    }
    if (least === undefined || (least.waiting.size > 0 && threads.size < count)) return open();
    return least;
  }

  function open(): Thread {
    const thread: Thread = { worker: openWorker(), waiting: new Map() };
    threads.add(thread);
    thread.worker.addEventListener("message", ({ data }: MessageEvent<FromWorker[]>) => {
      for (const each of data) {
        if ("question" in each) void answerTo(thread, each);
        else settle(thread, each);
      }
    });
    thread.worker.addEventListener("error", (event) => lose(thread, event.message));
    thread.worker.addEventListener("messageerror", () => lose(thread, "an answer could not be read"));
    thread.worker.addEventListener("close", () => lose(thread, "it ended"));
    return thread;
  }

  /** Gives up a thread that can't be trusted any more. The next work opens another in its place. */
  function lose(thread: Thread, reason: string): void {
    if (!threads.delete(thread)) return; // an error is followed by a close, and closing closes
    log.error({ reason, tasks: thread.waiting.size }, "a message worker died");
    thread.worker.terminate();
    rejectAll(thread, new Error(`The message worker died: ${reason}`));
  }

  async function close(): Promise<void> {
    isClosed = true;
    clearTimeout(watch);
    const closed = new Error("The message workers are closed");
    for (const { waiting } of arrived.splice(0)) waiting.reject(closed);
    for (const thread of threads) {
      threads.delete(thread);
      thread.worker.terminate();
      rejectAll(thread, closed);
    }
  }

  return {
    compose: (job) => run({ kind: "compose", job }) as Promise<Uint8Array>,
    read: (job, ask) => run({ kind: "read", job }, ask) as Promise<ReadMessage>,
    readSubmitted: (raw) => run({ kind: "read_submitted", raw }) as ReturnType<Threads["readSubmitted"]>,
    makeDkimKeyPairs: () => run({ kind: "make_dkim_key_pairs" }) as Promise<DkimKeyPairs>,
    findLinks: (html) => run({ kind: "find_links", html }) as Promise<[string, string][]>,
    mergeBodies: (bodies, merge, hasMadeText) =>
      run({ kind: "merge_bodies", bodies, merge, hasMadeText }) as Promise<Bodies>,
    load: () => ({
      threads: threads.size,
      tasks: arrived.length + [...threads].reduce((sum, { waiting }) => sum + waiting.size, 0),
    }),
    close,
  };
}

async function answerTo({ worker, waiting }: Thread, question: Question): Promise<void> {
  const answer: ToWorker = await answerQuestion(waiting.get(question.task)?.ask, question);
  worker.postMessage([answer]); // to a thread that is gone by now this says nothing
}

function post(thread: Thread, tasks: Task[]): void {
  try {
    thread.worker.postMessage(tasks);
  } catch (error) {
    // Something in the list can't be copied to a thread: find it, and let only its own promise fail.
    if (tasks.length > 1) for (const task of tasks) post(thread, [task]);
    else for (const { id } of tasks) settle(thread, { id, fault: String(error) });
  }
}

function settle({ waiting }: Thread, answer: Answer): void {
  const task = waiting.get(answer.id);
  waiting.delete(answer.id);
  if ("fault" in answer) task?.reject(new Error(answer.fault));
  else task?.resolve(answer.value);
}

function rejectAll({ waiting }: Thread, reason: Error): void {
  for (const task of waiting.values()) task.reject(reason);
  waiting.clear();
}
