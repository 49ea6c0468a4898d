import { expect, test } from "bun:test";
import { testApp } from "../../test/support/test-app.ts";
import { allowanceOf, forgetHealth, noteCall } from "./health.ts";

const quick = { isSuccess: true, durationMs: 50 };
const slow = { isSuccess: true, durationMs: 9_000 };
const failed = { isSuccess: false, durationMs: 50 };

test("an endpoint that answers at once gets more calls at once, to a bound; one that fails gets fewer, and rests", async () => {
  const app = await testApp();
  expect(allowanceOf(app, "a")).toEqual({ jobs: 5 });
  for (let n = 0; n < 40; n++) noteCall(app, "a", quick);
  expect(allowanceOf(app, "a")).toEqual({ jobs: 25 });
  for (let n = 0; n < 4; n++) noteCall(app, "a", failed);
  expect(allowanceOf(app, "a")).toEqual({ jobs: 1 });
  noteCall(app, "a", failed);
  expect(allowanceOf(app, "a")).toMatchObject({ until: new Date(app.now().getTime() + 1_000) });
  forgetHealth(app, "a");
  expect(allowanceOf(app, "a")).toEqual({ jobs: 5 });
});

test("an endpoint that takes its time with every answer keeps few permits, until it is quick again", async () => {
  const app = await testApp();
  for (let n = 0; n < 40; n++) noteCall(app, "a", quick);
  for (let n = 0; n < 40; n++) noteCall(app, "a", slow);
  expect(allowanceOf(app, "a")).toEqual({ jobs: 2 });
  noteCall(app, "a", quick);
  expect(allowanceOf(app, "a")).toEqual({ jobs: 3 });
  noteCall(app, "b", failed);
  noteCall(app, "b", failed);
  noteCall(app, "b", slow);
  expect(allowanceOf(app, "b")).toEqual({ jobs: 2 });
});
