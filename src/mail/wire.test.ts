import { expect, test } from "bun:test";
import { wireMistake } from "./wire.ts";

const cases: [string, string | undefined][] = [
  ["a: b\r\n\r\nc\r\n", undefined],
  [`${"x".repeat(998)}\r\n`, undefined],
  [`${"x".repeat(999)}\r\n`, "a line of more than 998 octets"],
  [`a\r\n${"ü".repeat(500)}\r\n`, "a line of more than 998 octets"],
  ["a\nb\r\n", "a bare LF"],
  ["\na\r\n", "a bare LF"],
  ["a\r\n\n.\r\n", "a bare LF"],
  ["a\rb\r\n", "a bare CR"],
  ["a\r\r\n", "a bare CR"],
  ["a\0\r\n", "a NUL"],
  ["a\r\nb", "a last line without CRLF"],
  ["a\r\nb\r", "a bare CR"],
  ["", "a last line without CRLF"],
];
test.each(cases)("the mistake in %j is %j", (message, mistake) => {
  expect(wireMistake(Buffer.from(message))).toBe(mistake);
});
