import { expect, test } from "bun:test";
import { hashPassword, isPassword, nobodysPassword } from "./password.ts";

const parametersOf = (hash: string) => hash.split("$").slice(0, 4).join("$");

test("checking nobody's password costs what checking somebody's does, and never succeeds", async () => {
  expect(parametersOf(nobodysPassword)).toBe(parametersOf(await hashPassword("correct horse")));
  expect(nobodysPassword).toHaveLength((await hashPassword("correct horse")).length);
  expect(await isPassword("", nobodysPassword)).toBe(false);
});

test("more hashes at once than may wait are refused, the others are made, and then there is room again", async () => {
  const cheap = await Bun.password.hash("correct horse", {
    algorithm: "argon2id",
    memoryCost: 8,
    timeCost: 1,
  });
  const outcomes = await Promise.allSettled(
    Array.from({ length: 110 }, () => isPassword("correct horse", cheap)),
  );
  expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(102);
  expect(outcomes.at(-1)).toMatchObject({ status: "rejected", reason: { code: "rate_limit_exceeded" } });
  expect(await isPassword("correct horse", cheap)).toBe(true);
});
