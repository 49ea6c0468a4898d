import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type CsvRow, readCsvRows } from "./rows.ts";

/** As a network might bring it: in chunks that have nothing to do with the pieces it is read in. */
async function* inChunks(bytes: Uint8Array) {
  let size = 1;
  for (let at = 0; at < bytes.length; at += size, size = (size * 5) % 1_999)
    yield bytes.subarray(at, at + size);
}

async function rowsOf(file: string | Uint8Array, pieceBytes?: number, charset?: string): Promise<CsvRow[]> {
  const bytes = typeof file === "string" ? Buffer.from(file) : file;
  const rows: CsvRow[] = [];
  for await (const piece of readCsvRows(inChunks(bytes), charset, pieceBytes)) rows.push(...piece);
  return rows;
}

/** `1 a|b`: the line a record begins in, and its cells. */
const shown = (rows: CsvRow[]) =>
  rows.map((row) => ("cells" in row ? `${row.line} ${row.cells.join("|")}` : `${row.line}! ${row.mistake}`));

const utf16be = (text: string) => Buffer.from(`\ufeff${text}`, "utf16le").swap16();

test.each([
  ["lines and commas", "a,b\nc,d\n", ["1 a|b", "2 c|d"]],
  ["no line ending at the end", "a,b\nc,d", ["1 a|b", "2 c|d"]],
  ["CRLF", "a,b\r\nc,d\r\n", ["1 a|b", "2 c|d"]],
  ["the line endings of old Macs", "a\rb\r", ["1 a", "2 b"]],
  ["all sorts of line endings", "a\nb\r\nc\rd", ["1 a", "2 b", "3 c", "4 d"]],
  ["empty lines", "\n\na\n \n,,\nb\n\n", ["3 a", "6 b"]],
  ["quotes", '"a,1","b ""x"""\n"",c\n', ['1 a,1|b "x"', "2 |c"]],
  ["a line break in quotes", '"a\r\nb",c\r\nd,e\r\n', ["1 a\nb|c", "3 d|e"]],
  ["quotes where none belong", 'a"b"c,d\n"e"f,g\nh\n', ['1 a"b"c|d', '2 "e"f|g', "3 h"]],
  ["lines of different lengths", "a\nb,c,d\n\ne,f\n", ["1 a", "2 b|c|d", "4 e|f"]],
  ["semicolons", "a;b;c,d\ne;f\n", ["1 a|b|c,d", "2 e|f"]],
  ["tabs", "a\tb\nc\td,e\n", ["1 a|b", "2 c|d,e"]],
  ["a byte order mark", "\ufeffa,b\n", ["1 a|b"]],
  ["UTF-16 of Windows", Buffer.from("\ufeffä,b\r\n😀\r\n", "utf16le"), ["1 ä|b", "2 😀"]],
  ["UTF-16 in network order", utf16be("ä,b\r\n😀\r\n"), ["1 ä|b", "2 😀"]],
  ["next to nothing", "a", ["1 a"]],
  ["nothing but a mark", "\ufeff", []],
  ["nothing", "", []],
])("a file with %s is read, whatever the pieces it comes in", async (_, file, rows) => {
  for (const size of [1, 2, 3, 7, 1_000]) expect(shown(await rowsOf(file, size))).toEqual(rows);
});

test("bytes that are no UTF-8 are marked as such, and read where the client says what they are", async () => {
  const bytes = Buffer.from("J\xf6rg,x\n", "latin1");
  expect(shown(await rowsOf(bytes))).toEqual(["1 J\ufffdrg|x"]);
  expect(shown(await rowsOf(bytes, 2, "windows-1252"))).toEqual(["1 Jörg|x"]);
});

describe("what is wrong in one line costs that line alone", () => {
  const long = Array.from({ length: 10_000 }, (_, n) => `${n}@recipient.test`);
  const neverClosed = "A quote that opens here is not closed: double it, or close it.";

  test.each([7_000, 64 * 1024, 10_000_000])("a quote that is never closed, in pieces of %d", async (size) => {
    const rows = await rowsOf(["a", 'b,"c', ...long].join("\n"), size);
    expect(shown(rows.slice(0, 3))).toEqual(["1 a", `2! ${neverClosed}`, "3 0@recipient.test"]);
    expect(shown(rows.slice(-1))).toEqual(["10002 9999@recipient.test"]);
    expect(rows).toHaveLength(10_002);
  });

  test("a quote that is never closed, among lines with quotes of their own", async () => {
    const file = ['"a@x.test",b', '"c', ...long, '"d,""e""",f', ""].join("\n");
    const rows = shown(await rowsOf(file));
    expect(rows.slice(0, 3)).toEqual(["1 a@x.test|b", `2! ${neverClosed}`, "3 0@recipient.test"]);
    expect(rows.slice(-2)).toEqual(["10002 9999@recipient.test", '10003 d,"e"|f']);
  });

  test("quotes in every line that open where the last one was closed", async () => {
    const rows = await rowsOf(`a\n${'x","""x\n'.repeat(20_000)}`);
    expect(rows).toHaveLength(20_001);
    expect(shown(rows).at(-1)).toBe(`20001! ${neverClosed}`);
  });

  test("a quote in the last line", async () => {
    expect(shown(await rowsOf('a\n"b\n'))).toEqual(["1 a", `2! ${neverClosed}`]);
    expect(shown(await rowsOf('a\n"b'))).toEqual(["1 a", `2! ${neverClosed}`]);
  });

  test.each([1_000, 64 * 1024, 10_000_000])("an endless line, in pieces of %d", async (size) => {
    const rows = await rowsOf(`a\n${"x".repeat(300_000)}\nb\n`, size);
    expect(shown(rows)).toEqual(["1 a", "2! The record is longer than 64 KB.", "3 b"]);
  });
});

test("records come back as they were written, in any pieces", async () => {
  const cell = fc.string({ unit: fc.constantFrom(..."ab@.,;\"\n\t 'é😀") });
  const record = fc.array(cell, { minLength: 1, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(
      fc.array(record, { maxLength: 8 }),
      fc.integer({ min: 1, max: 40 }),
      async (records, size) => {
        const written = [["email", "x"], ...records].map((cells) =>
          cells.map((text) => `"${text.replaceAll('"', '""')}"`).join(","),
        );
        const rows = await rowsOf(written.join("\r\n"), size);
        const read = rows.map((row) => ("cells" in row ? row.cells : []));
        const notEmpty = records.filter((cells) => cells.some((text) => text.trim() !== ""));
        expect(read).toEqual([["email", "x"], ...notEmpty]);
      },
    ),
    { numRuns: 200, seed: 3 },
  );
});

test("other work gets its turn while a file is read", async () => {
  let turns = 0;
  let isOver = false;
  const turn = () => {
    turns++;
    if (!isOver) setImmediate(turn);
  };
  setImmediate(turn);
  await rowsOf("a@recipient.test\n".repeat(100_000));
  isOver = true;
  expect(turns).toBeGreaterThan(20);
});
