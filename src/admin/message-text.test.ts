import { expect, test } from "bun:test";
import { headerFields } from "./message-text.ts";

test("a head's fields are unfolded and in their order", () => {
  const message = Buffer.from("Subject: a\r\n b\nX:\r\nno colon\r\n\r\nBody: no field\r\n");
  expect(headerFields(message)).toEqual([
    { name: "Subject", value: "a b" },
    { name: "X", value: "" },
    { name: "", value: "no colon" },
  ]);
});

test("of a head with a hundred thousand fields a page shows the first", () => {
  const fields = headerFields(Buffer.from("a:\n".repeat(80_000)));
  expect(fields).toHaveLength(500);
});
