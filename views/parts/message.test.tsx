import { expect, test } from "bun:test";
import { sizeInWords } from "./message.tsx";

test("a size is said in the unit in which it is short, without a fraction that says nothing", () => {
  expect([0, 999, 1_500, 999_600, 1_500_000, 25_000_000, 1_000_000_000].map(sizeInWords)).toEqual([
    ...["0 bytes", "999 bytes", "2 KB", "1 MB", "1.5 MB", "25 MB", "1 GB"],
  ]);
});
