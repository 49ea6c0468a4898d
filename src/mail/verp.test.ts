import { expect, test } from "bun:test";
import fc from "fast-check";
import { parseAddress } from "./address.ts";
import { makeMessageId, readMessageId } from "./message-id.ts";
import { makeReturnPath, namesReturnPath, readReturnPath } from "./verp.ts";

const secret = new Uint8Array(32).fill(7);
const deliveryId = "0190f7a2-1111-7abc-8def-0123456789ab";
const returnPath = makeReturnPath({ deliveryId, domain: "bounces.example.com", secret });

test("a return path names its delivery", () => {
  fc.assert(
    fc.property(fc.uuid(), (id) => {
      const made = makeReturnPath({ deliveryId: id, domain: "example.com", secret });
      expect(readReturnPath(made, secret)).toEqual({ deliveryId: id });
      expect(parseAddress(made)?.address).toBe(made);
      expect(made.indexOf("@")).toBeLessThanOrEqual(64);
    }),
    { seed: 1 },
  );
});

test("a host that changes the case of a return path does no harm", () => {
  expect(readReturnPath(returnPath.toUpperCase(), secret)).toEqual({ deliveryId });
});

test("a return path made with another secret, or changed in any character, is none of ours", () => {
  expect(readReturnPath(returnPath, new Uint8Array(32))).toBeUndefined();
  for (let at = 0; at < returnPath.indexOf("@"); at++) {
    const other = returnPath[at] === "0" ? "1" : "0";
    expect(
      readReturnPath(returnPath.slice(0, at) + other + returnPath.slice(at + 1), secret),
    ).toBeUndefined();
  }
});

test.each([
  "",
  "@",
  "b+@example.com",
  "ada@example.com",
  "b+x-y@example.com",
  returnPath.replace("@", "@a@"),
])("%j is no return path", (address) => {
  expect(readReturnPath(address, secret)).toBeUndefined();
});

test("a reply that talks of a return path is told from one that talks of a recipient", () => {
  expect(namesReturnPath(`550 5.1.1 <${returnPath}>: User unknown`)).toBe(true);
  expect(namesReturnPath("550 5.1.1 <bob+b@example.net>: User unknown")).toBe(false);
});

test("a return path is made for nothing but a delivery id", () => {
  expect(() => makeReturnPath({ deliveryId: "x@y", domain: "example.com", secret })).toThrow(
    "Not a delivery id",
  );
});

test("a Message-ID names the email and the sending domain", () => {
  expect(makeMessageId(deliveryId, "example.com")).toBe(`<${deliveryId}@example.com>`);
});

test("the email is read back out of a Message-ID, and out of nothing else", () => {
  const messageId = makeMessageId(deliveryId, "example.com");
  expect(readMessageId(` ${messageId} `)).toEqual({ emailId: deliveryId, messageId });
  expect(readMessageId(`<${deliveryId}>`)).toBeUndefined();
  expect(readMessageId("<1@example.com>")).toBeUndefined();
});
