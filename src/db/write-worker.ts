/** The thread that writes, by a connection of its own, once there is much to write. */
import { type Connection, openConnection } from "./connection.ts";
import type { Statement } from "./transport.ts";
import { type AnswerMessage, type GroupMessage, makeGroupReader, writeAnswer } from "./write-wire.ts";

declare const self: Worker;

/** The file to open, a group to commit, a pragma, or the end. */
export type WriteOrder = { open: string } | GroupMessage | { pragma: string } | "close";
export type Written = AnswerMessage | "closed";

let connection: Connection | undefined;
const read = makeGroupReader();
let waiting: Statement[][][] = [];

self.onmessage = ({ data }: MessageEvent<WriteOrder>) => {
  if (Array.isArray(data)) {
    waiting.push(read(data));
    if (waiting.length === 1) setImmediate(commitWaiting);
    return;
  }
  commitWaiting(); // what was said before comes before
  if (data === "close") {
    connection?.close();
    self.postMessage("closed" satisfies Written);
  } else if ("open" in data) {
    connection = openConnection(data.open);
  } else {
    setQuietly(data.pragma);
  }
};

/** All that came while the last commit waited for the disk shares the next one. */
function commitWaiting(): void {
  const groups = waiting;
  waiting = [];
  if (groups.length === 0) return;
  const outcomes = connection!.commit(groups.flat());
  self.postMessage(writeAnswer(outcomes) satisfies Written);
}

function setQuietly(pragma: string): void {
  try {
    connection!.set(pragma);
  } catch {
    // A full disk is the next commit's to tell of; nothing is lost while the log has it.
  }
}
