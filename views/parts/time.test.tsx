/** @jsxImportSource preact */
import { expect, test } from "bun:test";
import { renderToString } from "preact-render-to-string";
import { Sentence } from "./time.tsx";

const shown = (text: string) => renderToString(<Sentence text={text} />);

test("a moment in a sentence is shown as the reader's clock has it", () => {
  expect(shown("Waiting until 2026-08-05T11:52:01Z, for 2026-08-05.")).toBe(
    'Waiting until <time datetime="2026-08-05T11:52:01.000Z" data-local="full">5 Aug 2026, 11:52:01 UTC</time>, for 2026-08-05.',
  );
});

test("what only looks like a moment stays as a stranger has written it", () => {
  expect(shown("550 not before 2026-99-99T99:99:99Z <b>")).toBe("550 not before 2026-99-99T99:99:99Z &lt;b>");
});
