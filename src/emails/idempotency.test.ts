import { expect, spyOn, test } from "bun:test";
import { testApp } from "../../test/support/test-app.ts";
import { eachTransport } from "../../test/support/transports.ts";
import { type App, atomically } from "../app.ts";
import { answerOnce, forgetAnswers, shortHash } from "./idempotency.ts";
import { idempotencyKeys } from "./schema.ts";

const answer = (app: App, key: string) =>
  answerOnce(app, "team", { endpoint: "POST /emails", key, bodyHash: "body" }, false, async (remember) => {
    await atomically(app, remember(key));
    return key;
  });

eachTransport((_, open) => {
  test("answers are forgotten after a day, a stretch at a time, and those of the day stay", async () => {
    const app = await testApp({ transport: await open() });
    for (let n = 0; n < 7; n++) await answer(app, `old ${n}`);
    app.clock.advance(24 * 3_600_000 + 1);
    for (let n = 0; n < 4; n++) await answer(app, `new ${n}`);
    const batch = spyOn(app.transport, "batch");
    await forgetAnswers(app, 3);
    expect(batch).toHaveBeenCalledTimes(4); // eleven keys in stretches of three
    const left = await app.db.select({ answer: idempotencyKeys.answer }).from(idempotencyKeys);
    expect(left.map((row) => row.answer).sort()).toEqual(["new 0", "new 1", "new 2", "new 3"]);
  });
});

test("lists of parts that read alike when put together have other hashes", () => {
  expect(shortHash("a", "bc")).not.toBe(shortHash("ab", "c"));
  expect(shortHash("a", "b")).toHaveLength(22);
});
