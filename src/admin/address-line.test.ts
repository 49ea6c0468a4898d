import { expect, test } from "bun:test";
import { addressesIn } from "./address-line.ts";

test("addresses of a line are told apart by commas, semicolons and line breaks outside of quotes", () => {
  const line = `ada@example.com, "Hopper, \\"Amazing\\" Grace" <grace@example.com>; a@example.com\n\nb@example.com,`;
  expect(addressesIn(line)).toEqual([
    "ada@example.com",
    `"Hopper, \\"Amazing\\" Grace" <grace@example.com>`,
    "a@example.com",
    "b@example.com",
  ]);
});

test("what is not closed is one address that nobody takes, and costs no more than its length", () => {
  for (const text of [`"\\"`.repeat(400_000), `"`.repeat(1_000_001), `"a\\`.repeat(300_000)]) {
    expect(addressesIn(text).length).toBeLessThan(3);
  }
  expect(addressesIn(`"Ada, b@example.com`)).toEqual([`"Ada, b@example.com`]);
});
