/**
 * What the main thread and the writing thread say to each other. A group of batches is one flat list, and so is its
 * answer: copying a list of plain values from thread to thread costs a third of what copying objects does. Of a statement
 * that was said before only its number is said, and within a group only those of its values that are not the same as the
 * time before: of emails accepted together, half of what their rows hold.
 */
import { StorageUnavailable, WriteConflict } from "../errors.ts";
import type { Outcome } from "./connection.ts";
import type { SqlValue, Statement, StatementResult } from "./transport.ts";

/** Numbers of statements, texts of new ones, how many values there are or which are others than before, and the values. */
export type GroupMessage = SqlValue[];
/** How many rows changed (inverted where rows follow), values of rows, and faults where a batch was refused. */
export type AnswerMessage = (SqlValue | FaultMessage)[];

/** Errors lose their class on the way: what they mean is said instead. */
interface FaultMessage {
  kind: "conflict" | "unavailable" | "fault";
  message: string;
  conflict?: WriteConflict["kind"];
  subject?: string;
}

/** Both sides forget the oldest of more, at the same time. */
const mostTexts = 500;

/** The saying side: which number the other knows a text by. */
export function makeGroupWriter(): (batches: Statement[][]) => GroupMessage {
  const numbers = new Map<string, number>();
  let last = 0;
  return (batches) => {
    const message: GroupMessage = [];
    const before = new Map<string, SqlValue[]>();
    for (const statements of batches) {
      message.push(statements.length);
      for (const { sql, params } of statements) {
        const known = numbers.get(sql);
        message.push(known ?? sql);
        if (known === undefined) {
          numbers.set(sql, last++);
          forgetOldest(numbers);
        }
        pushParams(message, params, before.get(sql));
        before.set(sql, params);
      }
    }
    return message;
  };
}

/** What tells by its bits which values are others fits into 31 of them, and is said as a number below 0. */
const mostCompared = 31;

function pushParams(message: GroupMessage, params: SqlValue[], before: SqlValue[] | undefined): void {
  if (before?.length !== params.length || params.length > mostCompared) {
    message.push(params.length);
    for (const value of params) message.push(toValue(value));
    return;
  }
  const place = message.push(0) - 1;
  let others = 0;
  for (let n = 0; n < params.length; n++) {
    const value = params[n]!;
    if (Object.is(value, before[n])) continue;
    others |= 1 << n;
    message.push(toValue(value));
  }
  message[place] = ~others;
}

const toValue = (value: SqlValue): SqlValue => (value instanceof Uint8Array ? alone(value) : value);

/** The hearing side. */
export function makeGroupReader(): (message: GroupMessage) => Statement[][] {
  const texts = new Map<number, string>();
  let last = 0;
  return (message) => {
    const batches: Statement[][] = [];
    const before = new Map<string, SqlValue[]>();
    for (let at = 0; at < message.length; ) {
      const statements = new Array<Statement>(message[at++] as number);
      for (let n = 0; n < statements.length; n++) {
        const said = message[at++] as number | string;
        if (typeof said === "string") {
          texts.set(last++, said);
          forgetOldest(texts);
        }
        const sql = typeof said === "string" ? said : texts.get(said)!;
        const count = message[at++] as number;
        let params: SqlValue[];
        if (count >= 0) {
          params = message.slice(at, at + count);
          at += count;
        } else {
          params = before.get(sql)!.slice();
          const others = ~count;
          for (let p = 0; p < params.length; p++) if (others & (1 << p)) params[p] = message[at++]!;
        }
        before.set(sql, params);
        statements[n] = { sql, params };
      }
      batches.push(statements);
    }
    return batches;
  };
}

function forgetOldest<K>(known: Map<K, unknown>): void {
  if (known.size <= mostTexts) return;
  const [oldest] = known.keys();
  known.delete(oldest!);
}

/** A view of a larger buffer would take all of it along. */
function alone(bytes: Uint8Array): Uint8Array {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes);
}

export function writeAnswer(outcomes: Outcome[]): AnswerMessage {
  const message: AnswerMessage = [];
  for (const outcome of outcomes) {
    if ("fault" in outcome) {
      message.push(-1, toMessage(outcome.fault));
      continue;
    }
    message.push(outcome.results.length);
    for (const { rows, changes } of outcome.results) {
      if (rows.length === 0) {
        message.push(changes);
        continue;
      }
      message.push(~changes, rows.length, rows[0]!.length);
      for (const row of rows) message.push(...row);
    }
  }
  return message;
}

export function readAnswer(message: AnswerMessage): Outcome[] {
  const outcomes: Outcome[] = [];
  for (let at = 0; at < message.length; ) {
    const count = message[at++] as number;
    if (count < 0) {
      outcomes.push({ fault: toFault(message[at++] as FaultMessage) });
      continue;
    }
    const results = new Array<StatementResult>(count);
    for (let n = 0; n < count; n++) {
      const changes = message[at++] as number;
      if (changes >= 0) {
        results[n] = { rows: [], changes };
        continue;
      }
      const rows = new Array<SqlValue[]>(message[at++] as number);
      const columns = message[at++] as number;
      for (let row = 0; row < rows.length; row++) {
        rows[row] = message.slice(at, at + columns) as SqlValue[];
        at += columns;
      }
      results[n] = { rows, changes: ~changes };
    }
    outcomes.push({ results });
  }
  return outcomes;
}

function toMessage(fault: unknown): FaultMessage {
  if (fault instanceof WriteConflict) {
    return { kind: "conflict", message: fault.message, conflict: fault.kind, subject: fault.subject };
  }
  if (fault instanceof StorageUnavailable) return { kind: "unavailable", message: causeOf(fault) };
  return { kind: "fault", message: fault instanceof Error ? fault.message : String(fault) };
}

function toFault({ kind, message, conflict, subject }: FaultMessage): Error {
  if (kind === "conflict") return new WriteConflict(conflict!, subject!);
  const cause = new Error(message);
  return kind === "unavailable"
    ? new StorageUnavailable("The database can't be written now", { cause })
    : cause;
}

const causeOf = (fault: Error): string =>
  fault.cause instanceof Error ? fault.cause.message : fault.message;
