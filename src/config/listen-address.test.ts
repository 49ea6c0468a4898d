import { expect, test } from "bun:test";
import { ConfigFault } from "../errors.ts";
import { clashes, parseListenAddress } from "./listen-address.ts";

test.each([
  [":8080", { port: 8080 }],
  ["127.0.0.1:0", { hostname: "127.0.0.1", port: 0 }],
  ["[::1]:25", { hostname: "::1", port: 25 }],
  ["localhost:25", { hostname: "localhost", port: 25 }],
  ["0.0.0.0:65535", { hostname: "0.0.0.0", port: 65_535 }],
])("%p is an address to listen on", (text, address) => {
  expect(parseListenAddress(text)).toEqual(address);
});

test.each([
  "",
  "8080",
  ":",
  ":65536",
  ":-1",
  ":http",
  "::1:25",
  "[::1]",
  "[127.0.0.1]:25",
  "[]:25",
  "999.1.1.1:25",
  "a b:25",
  "http://localhost:25",
  ":25\n",
])("%p is no address to listen on", (text) => {
  expect(() => parseListenAddress(text)).toThrow(ConfigFault);
});

test.each([
  [":25", ":25", true],
  [":25", "127.0.0.1:25", true],
  ["[::]:25", "127.0.0.1:25", true],
  ["127.0.0.1:25", "127.0.0.1:25", true],
  ["127.0.0.1:25", "127.0.0.2:25", false],
  [":25", ":26", false],
  [":0", ":0", false],
])("whether %p and %p can't both be listened on is %p", (a, b, answer) => {
  expect(clashes(parseListenAddress(a), parseListenAddress(b))).toBe(answer);
});
