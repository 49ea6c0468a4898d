import { setImmediate } from "node:timers/promises";
import { CsvError, parse } from "csv-parse/sync";
import { readText } from "./csv-text.ts";

/** One record of a CSV file and the line it begins in; or what is wrong there. */
export type CsvRow = { line: number; cells: string[] } | { line: number; mistake: string };

/** No record that holds an address is longer. What is, has a quote somewhere that nobody closes. */
const longestRecord = 64 * 1024;

/**
 * Reads a CSV file in bounded memory: the rows of one piece after the other, empty ones left out. Whatever is wrong in
 * one line costs that line alone, even a quote that is never closed, and other work gets its turn between the pieces.
 */
export async function* readCsvRows(
  bytes: AsyncIterable<Uint8Array>,
  charset?: string,
): AsyncGenerator<CsvRow[]> {
  const reader = new RowReader();
  for await (const text of readText(bytes, charset)) {
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
    for (;;) {
      if (this.isSkippingLine && !this.skipLine()) return rows;
      const end = isLast ? this.rest.length : this.rest.lastIndexOf("\n") + 1;
      const isWhole = this.readRecords(this.rest.slice(0, end), rows);
      const isTooLong = this.rest.length > longestRecord || (isLast && !isWhole);
      if (this.rest === "" || !isTooLong) return rows;
      rows.push({ line: this.line, mistake: isWhole ? tooLong : neverClosed });
      this.isSkippingLine = true;
    }
  }

  /** Makes records of whole lines; false when a quote is still open at their end. */
  private readRecords(lines: string, rows: CsvRow[]): boolean {
    if (lines === "") return true;
    this.delimiter ??= delimiterOf(lines);
    const block = Buffer.from(lines);
    const start = this.line;
    let consumed = 0;
    let isWhole = true;
    try {
      parse(block, {
        delimiter: this.delimiter,
        record_delimiter: "\n",
        relax_column_count: true,
        relax_quotes: true,
        max_record_size: 0,
        on_record: (cells: string[], info) => {
          if (cells.some((cell) => cell.trim() !== "")) rows.push({ line: this.line, cells });
          this.line = start + info.lines; // of the record's end, from 1
          consumed = info.bytes;
          return null;
        },
      });
    } catch (error) {
      if (!(error instanceof CsvError) || error.code !== "CSV_QUOTE_NOT_CLOSED") throw error;
      isWhole = false;
    }
    this.rest = block.subarray(consumed).toString() + this.rest.slice(lines.length);
    return isWhole;
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

const tooLong = "The line is longer than 64 KB.";
const neverClosed = "A quote that opens here is not closed: double it, or close it.";

/** What the first line has most of; spreadsheets in half of Europe write semicolons. */
function delimiterOf(lines: string): string {
  const [first = ""] = lines.trimStart().split("\n", 1);
  const count = (character: string) => first.split(character).length;
  return [";", "\t"].reduce((most, each) => (count(each) > count(most) ? each : most), ",");
}
