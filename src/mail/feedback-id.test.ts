import { expect, test } from "bun:test";
import fc from "fast-check";
import { makeFeedbackId, readFeedbackId } from "./feedback-id.ts";
import { fieldMistake } from "./headers.ts";
import { makeReturnPath } from "./verp.ts";

const secret = new Uint8Array(32).fill(7);
const deliveryId = "0190f7a2-1111-7abc-8def-0123456789ab";
const groups = ["key", "example.com", "team"] as const;
const made = makeFeedbackId({ deliveryId, groups, secret });

test("a Feedback-ID names its delivery, and is fit for a header", () => {
  fc.assert(
    fc.property(fc.uuid(), fc.tuple(fc.string(), fc.string(), fc.string()), (id, any) => {
      const value = makeFeedbackId({ deliveryId: id, groups: any, secret });
      expect(readFeedbackId(value, secret)).toEqual({ deliveryId: id });
      expect(value.split(":")).toHaveLength(5);
      expect(fieldMistake("Feedback-ID", value)).toBeUndefined();
    }),
    { seed: 1 },
  );
});

test("what is of one message only stands before the four fields that Gmail counts by", () => {
  expect(made.split(":").slice(-4)).toEqual(["key", "example.com", "team", "mailit"]);
});

test("its token is the return path's", () => {
  const returnPath = makeReturnPath({ deliveryId, domain: "example.com", secret });
  expect(returnPath).toBe(`b+${made.split(":")[0]}@example.com`);
});

test("a host that changes its case, or folds it, does no harm", () => {
  expect(readFeedbackId(made.toUpperCase(), secret)).toEqual({ deliveryId });
  expect(readFeedbackId(` ${made.replace(":", " :")}`, secret)).toEqual({ deliveryId });
});

test.each([
  "",
  ":",
  "1:2:3:mailit",
  `x${made}`,
  made.replace(/-./, "-x"),
  makeFeedbackId({ deliveryId, groups, secret: new Uint8Array(32) }),
])("%j names no delivery of ours", (value) => {
  expect(readFeedbackId(value, secret)).toBeUndefined();
});
