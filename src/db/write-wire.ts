/**
 * What the main thread and the writing thread say to each other. A group of batches is one flat list, and so is its
 * answer: copying a list of plain values from thread to thread costs a third of what copying objects does. Of a statement
 * that was said before only its number is said.
 */
import { StorageUnavailable, WriteConflict } from "../errors.ts";
import type { Outcome } from "./connection.ts";
import type { SqlValue, Statement, StatementResult } from "./transport.ts";

/** Numbers of statements and values, texts of new statements, values of parameters. */
export type GroupMessage = SqlValue[];
/** Numbers, values of rows, and faults where a batch was refused. */
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
    for (const statements of batches) {
      message.push(statements.length);
      for (const { sql, params } of statements) {
        const known = numbers.get(sql);
        message.push(known ?? sql, params.length);
        if (known === undefined) {
          numbers.set(sql, last++);
          forgetOldest(numbers);
        }
        for (const value of params) message.push(value instanceof Uint8Array ? alone(value) : value);
      }
    }
    return message;
  };
}

/** The hearing side. */
export function makeGroupReader(): (message: GroupMessage) => Statement[][] {
  const texts = new Map<number, string>();
  let last = 0;
  return (message) => {
    const batches: Statement[][] = [];
    for (let at = 0; at < message.length; ) {
      const statements = new Array<Statement>(message[at++] as number);
      for (let n = 0; n < statements.length; n++) {
        const said = message[at++] as number | string;
        if (typeof said === "string") {
          texts.set(last++, said);
          forgetOldest(texts);
        }
        const sql = typeof said === "string" ? said : texts.get(said)!;
        const end = (message[at] as number) + at + 1;
        statements[n] = { sql, params: message.slice(at + 1, end) };
        at = end;
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
      message.push(changes, rows.length, rows[0]?.length ?? 0);
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
      const [changes, rowCount, columns] = message.slice(at, at + 3) as [number, number, number];
      at += 3;
      const rows = new Array<SqlValue[]>(rowCount);
      for (let row = 0; row < rowCount; row++) {
        rows[row] = message.slice(at, at + columns) as SqlValue[];
        at += columns;
      }
      results[n] = { rows, changes };
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
