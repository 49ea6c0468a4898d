/** @jsxImportSource preact */
import { expect, test } from "bun:test";
import { renderToString } from "preact-render-to-string";
import { Ago, Sentence } from "./time.tsx";

const shown = (text: string) => renderToString(<Sentence text={text} />);

test("a moment in a sentence is shown as the reader's clock has it", () => {
  expect(shown("Waiting until 2026-08-05T11:52:01Z, for 2026-08-05.")).toBe(
    'Waiting until <time datetime="2026-08-05T11:52:01.000Z" data-local="full">5 Aug 2026, 11:52:01 UTC</time>, for 2026-08-05.',
  );
});

test("what only looks like a moment stays as a stranger has written it", () => {
  expect(shown("550 not before 2026-99-99T99:99:99Z <b>")).toBe("550 not before 2026-99-99T99:99:99Z &lt;b>");
});

test("how long ago, or until when, is said to the nearest that matters", () => {
  const now = new Date("2026-11-30T15:04:00Z");
  const at = (seconds: number) =>
    renderToString(<Ago at={new Date(now.getTime() + seconds * 1000)} now={now} />).replace(/<[^>]*>/g, "");
  const [minute, hour, day] = [60, 3_600, 86_400];
  expect([-3, 3, -59, -59.7, 3 * hour - 1, 35 * hour].map(at)).toEqual([
    ...["just now", "in a moment", "59 seconds ago", "1 minute ago", "in 3 hours", "in 35 hours"],
  ]);
  expect(
    [2 * day - minute, -2 * day, 7 * day - 1, 44 * day, 50 * day, 365 * day, -600 * day].map(at),
  ).toEqual([
    ...["in 2 days", "2 days ago", "in 7 days", "in 44 days", "in 2 months", "in 12 months", "2 years ago"],
  ]);
});
