/** @jsxImportSource preact */
import { expect, test } from "bun:test";
import { render } from "preact-render-to-string";
import { Chart, labelPlaces, type Series, stacked, valueScale } from "./chart.tsx";

const wide = { name: "wide", width: 720, height: 220, labels: 8 } as const;

const points = (count: number) =>
  Array.from({ length: count }, (_, n) => ({ label: `${n}`, name: `Hour ${n}` }));
const of = (...all: number[][]): Series[] =>
  all.map((values, n) => ({ name: `Series ${n}`, tone: "good", values }));

const draw = (count: number, series: Series[], kind: "bars" | "lines") =>
  render(<Chart id="c" title="A chart" points={points(count)} series={series} of="Hour" kind={kind} />);

test.each([
  ["no points", 0, of([], [])],
  ["no series", 3, []],
  ["one point", 1, of([7], [2])],
  ["nothing but zeros", 4, of([0, 0, 0, 0], [0, 0, 0, 0])],
  ["fewer values than points", 3, of([1])],
])("a chart of %s is drawn without a number that is none", (_, count, series) => {
  for (const kind of ["bars", "lines"] as const) {
    expect(draw(count, series, kind)).not.toMatch(/NaN|Infinity|undefined|null/);
  }
});

test("the scale begins at zero and has whole numbers, also where nothing or one thing was counted", () => {
  for (const most of [0, 1, Number.NaN, Number.NEGATIVE_INFINITY]) {
    const { at, ticks } = valueScale(most, 220);
    expect(ticks).toEqual([0, 1]);
    expect(at(0)).toBeGreaterThan(at(1));
  }
  expect(valueScale(1_234_567, 220).ticks).toEqual([0, 500_000, 1_000_000, 1_500_000]);
  expect(valueScale(0.4, 220, "%").ticks).toEqual([0, 0.1, 0.2, 0.3, 0.4]);
});

test("no more points are named than there is room for, and one point stands in the middle", () => {
  expect(labelPlaces(0, wide)).toEqual([]);
  expect(labelPlaces(1, wide)).toEqual([{ index: 0, at: 377 }]);
  expect(labelPlaces(30, wide).map(({ index }) => index)).toEqual([0, 4, 8, 12, 16, 20, 24, 28]);
});

test("each series stands upon those before it", () => {
  const [first, second] = stacked(of([1, 2], [3, 0]), 2);
  expect(first).toEqual([
    [0, 1],
    [0, 2],
  ]);
  expect(second).toEqual([
    [1, 4],
    [2, 2],
  ]);
});

test("every number of the drawing is in the table, and a series is told by more than its colour", () => {
  const html = draw(2, of([1, 1234], [5, 0]), "bars");
  expect(html).toContain('<th scope="row">Hour 1</th><td class="number">1,234</td><td class="number">0</td>');
  expect(html).toContain('<pattern id="c-wide-1"');
  expect(html).toContain('role="img" aria-label="A chart"');
  expect(draw(2, of([1, 2], [2, 1]), "lines")).toContain("dash-1");
});

test("who points above a point is told every series of it, and many points are drawn as few shapes", () => {
  const few = draw(2, of([1, 1234], [5, 0]), "bars");
  expect(few).toContain("<title>Hour 1: 1,234 series 0, 0 series 1</title>");
  const hours = Array.from({ length: 720 }, (_, n) => n);
  for (const kind of ["bars", "lines"] as const) {
    const many = draw(720, of(hours, hours), kind);
    expect(many).not.toContain("<title>");
    expect(many.match(/<(rect|circle|path)\b/g)!.length).toBeLessThan(20);
  }
});

test("of very many points the last numbers are in the table, and it says so", () => {
  const html = draw(101, of(Array.from({ length: 101 }, (_, n) => n)), "bars");
  expect(html).toContain('<th scope="row">Hour 100</th><td class="number">100</td>');
  expect(html).not.toContain('<th scope="row">Hour 0</th>');
  expect(html).toContain("The last 60 of 101.");
});

test("names are text, whatever they hold", () => {
  const series: Series[] = [{ name: "<script>", tone: "bad", values: [1] }];
  expect(draw(1, series, "bars")).not.toContain("<script>");
});
