import { setImmediate } from "node:timers/promises";
import { CsvError, parse } from "csv-parse/sync";
import { readText } from "./text.ts";

/** One record of a CSV file and the line it begins in; or what is wrong there. */
export type CsvRow = { line: number; cells: string[] } | { line: number; mistake: string };

/** Large enough to cost little, small enough that nobody waits long for it. */
const usualPieceBytes = 64 * 1024;

/** No record that holds an address is longer. What is, has a quote somewhere that nobody closes. */
const longestRecord = 64 * 1024;

/**
 * Reads a CSV file in bounded memory: the rows of one piece after the other, empty ones left out. Whatever is wrong in
 * one line costs that line alone, even a quote that is never closed, and other work gets its turn between the pieces.
 */
export async function* readCsvRows(
  bytes: AsyncIterable<Uint8Array>,
  charset = "utf-8",
  pieceBytes = usualPieceBytes,
): AsyncGenerator<CsvRow[]> {
  const reader = new RowReader();
  for await (const text of readText(bytes, charset, pieceBytes)) {
    yield reader.take(text);
    await setImmediate();
  }
  yield reader.end();
}

class RowReader {
  /** What no record has been made of yet. */
  private rest = "";
  /** The line `rest` begins in. */
  private line = 1;
  private isSkippingLine = false;
  private delimiter: string | undefined;

  take(text: string): CsvRow[] {
    this.rest += text;
    return this.readRows(false);
  }

  end(): CsvRow[] {
    return this.readRows(true);
  }

  private readRows(isLast: boolean): CsvRow[] {
    const rows: CsvRow[] = [];
    if (this.isSkippingLine && !this.skipLine()) return rows;
    const whole = () => this.rest.slice(0, isLast ? undefined : this.rest.lastIndexOf("\n") + 1);
    const isClosed = this.readRecords(whole(), rows);
    if (!isClosed && (isLast || this.rest.length > longestRecord)) this.readLines(whole(), rows);
    if (this.rest.length > longestRecord) {
      rows.push({ line: this.line, mistake: tooLong });
      this.isSkippingLine = true;
      this.rest = "";
    }
    return rows;
  }

  /** Makes records of whole lines; false when a quote is still open at their end. */
  private readRecords(lines: string, rows: CsvRow[]): boolean {
    if (lines === "") return true;
    this.delimiter ??= delimiterOf(lines);
    const block = Buffer.from(lines);
    const start = this.line;
    let consumed = 0;
    const isClosed = parseRecords(block, this.delimiter, (cells, info) => {
      if (info.bytes - consumed > longestRecord) rows.push({ line: this.line, mistake: tooLong });
      else if (!isEmpty(cells)) rows.push({ line: this.line, cells });
      this.line = start + info.lines; // of the record's end, from 1
      consumed = info.bytes;
    });
    this.rest = block.subarray(consumed).toString() + this.rest.slice(lines.length);
    return isClosed;
  }

  /**
   * Takes every line for a record of its own, where a quote is never closed. To leave out one line and begin anew would
   * be nicer to records of several lines, but a file can be made that reads all of it again for each line.
   */
  private readLines(lines: string, rows: CsvRow[]): void {
    for (const text of lines.split("\n")) {
      const row = this.readLine(text);
      if ("mistake" in row || !isEmpty(row.cells)) rows.push(row);
      this.line++;
    }
    this.line--; // behind the last line break nothing stands
    this.rest = this.rest.slice(lines.length);
  }

  private readLine(text: string): CsvRow {
    const { line, delimiter = "," } = this;
    if (text.length > longestRecord) return { line, mistake: tooLong };
    if (!text.includes('"')) return { line, cells: text.split(delimiter) };
    let cells: string[] = [];
    const isClosed = parseRecords(Buffer.from(text), delimiter, (read) => {
      cells = read;
    });
    return isClosed ? { line, cells } : { line, mistake: neverClosed };
  }

  /** Drops what is left of a line; false when its end has not come yet. */
  private skipLine(): boolean {
    const end = this.rest.indexOf("\n");
    this.rest = end === -1 ? "" : this.rest.slice(end + 1);
    if (end === -1) return false;
    this.line++;
    this.isSkippingLine = false;
    return true;
  }
}

/** Tells of every record in the text; false when a quote is still open at its end. */
function parseRecords(
  text: Buffer,
  delimiter: string,
  tell: (cells: string[], info: { bytes: number; lines: number }) => void,
): boolean {
  try {
    parse(text, {
      delimiter,
      record_delimiter: "\n",
      relax_column_count: true,
      relax_quotes: true,
      max_record_size: 0,
      on_record: (cells: string[], info) => {
        tell(cells, info);
        return null;
      },
    });
    return true;
  } catch (error) {
    if (error instanceof CsvError && error.code === "CSV_QUOTE_NOT_CLOSED") return false;
    throw error;
  }
}

const isEmpty = (cells: string[]) => cells.every((cell) => cell.trim() === "");

const tooLong = "The record is longer than 64 KB.";
const neverClosed = "A quote that opens here is not closed: double it, or close it.";

/** What the first line has most of; spreadsheets in half of Europe write semicolons. */
function delimiterOf(lines: string): string {
  const [first = ""] = lines.trimStart().split("\n", 1);
  const count = (character: string) => first.split(character).length;
  return [";", "\t"].reduce((most, each) => (count(each) > count(most) ? each : most), ",");
}
