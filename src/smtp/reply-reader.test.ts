import { expect, test } from "bun:test";
import fc from "fast-check";
import { ReplyReader } from "./reply-reader.ts";

/** The replies in these pieces, or undefined when the reader had enough of them. */
function readAll(pieces: (string | Uint8Array)[], reader = new ReplyReader()): string[] | undefined {
  const replies: string[] = [];
  for (const piece of pieces) if (!reader.read(Buffer.from(piece as string), replies)) return undefined;
  return replies;
}

test("a reply ends with the first line that does not promise another", () => {
  expect(readAll(["250-one\r\n250-two\r\n250 three\r\n220 next\r\n"])).toEqual([
    "250-one\n250-two\n250 three",
    "220 next",
  ]);
});

test("bytes may be cut anywhere", () => {
  const stream = Buffer.from("220 grüß\r\n\r\n250-a\r\n250 b\r\n354\r\n421 bye\n");
  const cuts = fc.array(fc.integer({ min: 0, max: stream.length }), { maxLength: 12 });
  fc.assert(
    fc.property(cuts, (positions) => {
      const borders = [0, ...positions.sort((a, b) => a - b), stream.length];
      const pieces = borders.slice(1).map((border, at) => stream.subarray(borders[at], border));
      expect(readAll(pieces)).toEqual(["220 grüß", "250-a\n250 b", "354", "421 bye"]);
    }),
  );
});

test("what is incomplete is known, and can be forgotten", () => {
  for (const beginning of ["2", "250-a\r\n", "250-a\r\n25"]) {
    const reader = new ReplyReader();
    expect(readAll([beginning], reader)).toEqual([]);
    expect(reader.isInside).toBe(true);
    reader.reset();
    expect(reader.isInside).toBe(false);
    expect(readAll(["220 new\r\n"], reader)).toEqual(["220 new"]);
  }
});

test("empty lines between replies are nothing, half of one included", () => {
  const reader = new ReplyReader();
  expect(readAll(["220 a\r\n\r\n\r"], reader)).toEqual(["220 a"]);
  expect(reader.isInside).toBe(false);
  expect(readAll(["\n220 b\r\n"], reader)).toEqual(["220 b"]);
});

test("a last line without a code makes junk of the whole reply", () => {
  expect(readAll(["250-ok\r\nwhatever\r\n"])).toEqual(["whatever"]);
});

test("the last line counts, however much came before it", () => {
  const lines = "250-yes, yes, yes, yes\r\n".repeat(2_000);
  expect(readAll([lines, "550 no\r\n"])?.[0]).toEndWith("\n550 no");
});

test.each([
  ["a line without end", "x".repeat(1_000)],
  ["a reply without end", "250-more\r\n".repeat(100)],
  ["empty lines without end", "\r\n".repeat(500)],
  ["replies without end", "250 ok\r\n".repeat(100)],
])("%s is too much", (_, piece) => {
  expect(readAll(Array(100).fill(piece))).toBeUndefined();
});

test("whatever comes, what is kept is short", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 3_000 }), { maxLength: 40 }), (pieces) => {
      for (const reply of readAll(pieces) ?? []) expect(reply.length).toBeLessThanOrEqual(64 * 1024);
    }),
  );
});
