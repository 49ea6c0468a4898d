import { expect, test } from "bun:test";
import fc from "fast-check";
import { newId } from "../ids.ts";
import { fieldMistake } from "./headers.ts";
import { hasOwnLeaving, leavingHeaders, makeLeavingToken, readLeavingToken } from "./unsubscribe.ts";

const secret = new Uint8Array(32).fill(7);
const leaving = { teamId: newId(), deliveryId: newId(), topicId: newId(), address: "ada@example.com" };

test("a token names team, delivery, topic and address, with a topic and without", () => {
  for (const each of [leaving, { ...leaving, topicId: null }]) {
    expect(readLeavingToken(makeLeavingToken(each, secret), secret)).toEqual(each);
  }
});

test("a token with any character changed is none", () => {
  const token = makeLeavingToken(leaving, secret);
  for (let at = 0; at < token.length; at++) {
    const other = token[at] === "A" ? "B" : "A";
    expect(readLeavingToken(token.slice(0, at) + other + token.slice(at + 1), secret)).toBeUndefined();
  }
});

test("another server's token is none, nor is any text", () => {
  expect(readLeavingToken(makeLeavingToken(leaving, new Uint8Array(32)), secret)).toBeUndefined();
  fc.assert(fc.property(fc.string(), (text) => readLeavingToken(text, secret) === undefined));
});

test("the longest address still makes a header that can be sent", () => {
  const address = `${"é".repeat(32)}@${"d".repeat(60)}.${"d".repeat(60)}.${"d".repeat(60)}.example`;
  const token = makeLeavingToken({ ...leaving, address }, secret);
  expect(readLeavingToken(token, secret)?.address).toBe(address);
  const headers = leavingHeaders(`https://mail.example.com/unsubscribe?token=${token}`);
  for (const [name, value] of Object.entries(headers)) expect(fieldMistake(name, value)).toBeUndefined();
});

test("a sender's own way out is known in any capitals", () => {
  expect(hasOwnLeaving({ "LIST-unsubscribe": "<https://example.com>" })).toBeTrue();
  expect(hasOwnLeaving({ "List-Id": "news" })).toBeFalse();
});
