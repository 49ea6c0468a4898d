import { expect, test } from "bun:test";
import { testApp } from "../../test/support/test-app.ts";
import { storeContent } from "./content.ts";

const bodies = { html: "<p>Hello</p>", text: null };

test("a body is shared for an hour, and only once it is on disk", async () => {
  const app = await testApp();
  const first = storeContent(app, bodies);
  const beside = storeContent(app, bodies); // the first is not on disk yet
  expect([first.writes.length, beside.writes.length]).toEqual([1, 1]);
  expect(beside.id).not.toBe(first.id);
  first.isStored();
  expect(storeContent(app, bodies)).toMatchObject({ id: first.id, writes: [] });
  app.clock.advance(3_600_000);
  expect(storeContent(app, bodies).writes).toHaveLength(1);
});

test("a body that was stored while the clock was ahead is not shared once it is right", async () => {
  const app = await testApp();
  app.clock.advance(86_400_000);
  storeContent(app, bodies).isStored();
  app.clock.advance(-86_400_000);
  expect(storeContent(app, bodies).writes).toHaveLength(1);
});

test("bodies that only look alike, and those of another program's start, are stored on their own", async () => {
  const app = await testApp();
  storeContent(app, { html: "a", text: "b" }).isStored();
  for (const other of [
    { html: "ab", text: "" },
    { html: "", text: "ab" },
    { html: "ab", text: null },
  ]) {
    expect(storeContent(app, other).writes).toHaveLength(1);
  }
  expect(storeContent(await testApp(), { html: "a", text: "b" }).writes).toHaveLength(1);
});
