/** @jsxImportSource preact */
import { scaleLinear } from "d3-scale";
import { line, stack, stackOrderNone } from "d3-shape";
import type { Tone } from "./badge.tsx";
import { number } from "./number.ts";

/** A part of a chart's time. */
export interface Point {
  /** Below the chart, where there is room. */
  label: string;
  /** In the table, and for whoever points at it. */
  name: string;
}

export interface Series {
  name: string;
  tone: Tone;
  /** One for each point. */
  values: readonly number[];
}

interface ChartProps {
  /** Of the figure: unique in its page. */
  id: string;
  title: string;
  points: readonly Point[];
  /** Five at most: as many are told apart without colours. */
  series: readonly Series[];
  /** What a point is: the head of the table's first column. */
  of: string;
  kind: "bars" | "lines";
  unit?: "%";
}

/** A wide drawing and one for phones, of which the sheet shows the one that fits: text must not shrink with the screen. */
const sizes = [
  { name: "wide", width: 720, height: 220, labels: 8 },
  { name: "narrow", width: 340, height: 200, labels: 4 },
] as const;
type Size = (typeof sizes)[number];

const margin = { top: 10, right: 8, bottom: 22, left: 42 };

/** More rows than these nobody reads in a table; a longer chart stands where its numbers can be downloaded. */
const mostNumbers = 60;

/** How things went over time: stacked bars or lines, drawn here, with all of its numbers as a table. */
export function Chart(props: ChartProps) {
  const { id, title, points, series, of, unit } = props;
  const from = Math.max(0, points.length - mostNumbers);
  const layers = props.kind === "bars" ? stacked(series, points.length) : undefined;
  const told = toldOf(props);
  return (
    <figure class="figure" id={id}>
      <figcaption>
        <h2 id={`${id}-title`}>{title}</h2>
        <ul class="legend">
          {series.map(({ name, tone }, n) => (
            <li>
              <Swatch id={id} kind={props.kind} tone={tone} n={n} />
              {name}
            </li>
          ))}
        </ul>
      </figcaption>
      {sizes.map((size) => (
        <Drawing {...props} layers={layers} told={told} size={size} />
      ))}
      <details>
        <summary>Numbers</summary>
        <section class="table" aria-label={`${title}: numbers`} tabindex={0}>
          <table>
            <thead>
              <tr>
                <th scope="col">{of}</th>
                {series.map(({ name }) => (
                  <th scope="col" class="number">
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {points.slice(from).map(({ name }, at) => (
                <tr>
                  <th scope="row">{name}</th>
                  {series.map(({ values }) => (
                    <td class="number">{amount(values[from + at], unit)}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </section>
        {from > 0 && (
          <p class="quiet">
            The last {mostNumbers} of {number(points.length)}. The CSV file has all of them.
          </p>
        )}
      </details>
    </figure>
  );
}

interface DrawingProps extends ChartProps {
  size: Size;
  layers: Layers | undefined;
  told: readonly string[];
}

function Drawing({ size, layers, told, ...props }: DrawingProps) {
  const { id, title, points, unit, series } = props;
  const { width, height } = size;
  const most = layers ? mostStacked(layers) : mostOf(series);
  const y = valueScale(most, height, unit);
  const x = labelPlaces(points.length, size);
  return (
    <svg class={`chart ${size.name}`} viewBox={`0 0 ${width} ${height}`} role="img" aria-label={title}>
      <defs>
        {series.map((_, n) => (
          <Texture id={`${id}-${size.name}-${n}`} n={n} />
        ))}
      </defs>
      {y.ticks.map((tick) => (
        <g>
          <line class="axis" x1={margin.left} x2={width - margin.right} y1={y.at(tick)} y2={y.at(tick)} />
          <text x={margin.left - 6} y={y.at(tick) + 4} text-anchor="end">
            {`${short.format(tick)}${unit ? " %" : ""}`}
          </text>
        </g>
      ))}
      {x.map(({ index, at }) => (
        <text x={at} y={height - 6} text-anchor="middle">
          {points[index]!.label}
        </text>
      ))}
      {layers ? (
        <Bars {...props} layers={layers} y={y} size={size} />
      ) : (
        <Lines {...props} y={y} size={size} />
      )}
      <Told told={told} size={size} />
    </svg>
  );
}

type Drawn = ChartProps & { size: Size; y: ValueScale };

/** One shape a series, whatever the number of points: a month of hours is thousands of bars. */
function Bars({ id, points, series, layers, y, size }: Drawn & { layers: Layers }) {
  const x = bandScale(points.length, size);
  // Less than a pixel between bars is no gap, but a pattern that nothing stands for.
  const gap = points.length > 200 ? 0 : x.step * (points.length > 60 ? 0.1 : 0.25);
  const lefts = points.map((_, at) => round(x.left(at) + gap / 2));
  const width = round(x.step - gap);
  return (
    <>
      {layers.map((layer, n) => {
        const bars = layer.map(([from, to], at) =>
          to === from ? "" : `M${lefts[at]} ${round(y.at(from))}h${width}V${round(y.at(to))}h${-width}z`,
        );
        const d = bars.join("");
        return (
          <g class={`series ${series[n]!.tone}`}>
            <path class="fill" d={d} />
            {n > 0 && <path class="texture" fill={`url(#${id}-${size.name}-${n})`} d={d} />}
          </g>
        );
      })}
    </>
  );
}

function Lines({ points, series, y, size }: Drawn) {
  const x = bandScale(points.length, size);
  const middles = points.map((_, at) => round(x.middle(at)));
  const draw = line<number>()
    .x((_, at) => middles[at]!)
    .y((value) => round(y.at(value)));
  // Dots would hide a line of many points.
  const hasDots = points.length <= 60;
  return (
    <>
      {series.map(({ tone, values }, n) => (
        <g class={`series ${tone} dash-${n}`}>
          <path class="line" d={draw([...values]) ?? ""} />
          {hasDots && (
            <path
              class="dots"
              d={values.map((value, at) => `M${middles[at]} ${round(y.at(value))}h0`).join("")}
            />
          )}
        </g>
      ))}
    </>
  );
}

/** More points than these nobody can point at one by one. */
const mostPointed = 200;

/** What is told of each point. */
function toldOf({ points, series, unit }: ChartProps): string[] {
  if (points.length > mostPointed) return [];
  const names = series.map(({ name }) => name.toLowerCase());
  return points.map(
    ({ name }, at) =>
      `${name}: ${series.map(({ values }, n) => `${amount(values[at], unit)} ${names[n]}`).join(", ")}`,
  );
}

/** It is told to whoever points at a point, wherever above its name. */
function Told({ told, size }: Pick<DrawingProps, "told" | "size">) {
  if (told.length === 0) return null;
  const x = bandScale(told.length, size);
  const [width, height] = [round(x.step), size.height - margin.top - margin.bottom];
  return (
    <g class="told">
      {told.map((text, at) => (
        <rect x={round(x.left(at))} y={margin.top} width={width} height={height}>
          <title>{text}</title>
        </rect>
      ))}
    </g>
  );
}

const amount = (value = 0, unit?: "%") => `${number(value)}${unit ? ` ${unit}` : ""}`;

function Swatch({ id, kind, tone, n }: { id: string; kind: "bars" | "lines"; tone: Tone; n: number }) {
  if (kind === "lines") {
    return (
      <svg class={`swatch series ${tone} dash-${n}`} viewBox="0 0 24 12" aria-hidden="true">
        <path class="line" d="M0 6H24" />
      </svg>
    );
  }
  const texture = `${id}-swatch-${n}`;
  return (
    <svg class={`swatch series ${tone}`} viewBox="0 0 12 12" aria-hidden="true">
      <defs>
        <Texture id={texture} n={n} />
      </defs>
      <rect class="fill" width="12" height="12" rx="2" />
      {n > 0 && <rect class="texture" width="12" height="12" rx="2" fill={`url(#${texture})`} />}
    </svg>
  );
}

/** What a series looks like beside its colour: nothing, stripes up, stripes down, lines across, dots. */
function Texture({ id, n }: { id: string; n: number }) {
  const shapes = [null, "M-1 5L5 -1M3 9L9 3", "M-1 3L5 9M3 -1L9 5", "M0 4H8", "M4 3V5"];
  const shape = shapes[n % shapes.length];
  if (!shape) return null;
  return (
    <pattern id={id} width="8" height="8" patternUnits="userSpaceOnUse">
      <path d={shape} />
    </pattern>
  );
}

interface ValueScale {
  at(value: number): number;
  ticks: number[];
}

/** From nothing at the bottom to a round number at the top, also where nothing was counted. */
export function valueScale(most: number, height: number, unit?: "%"): ValueScale {
  const scale = scaleLinear()
    .domain([0, Number.isFinite(most) && most > 0 ? most : 1])
    .nice(4)
    .range([height - margin.bottom, margin.top]);
  const ticks = scale.ticks(4);
  return { at: (value) => scale(value), ticks: unit ? ticks : ticks.filter(Number.isInteger) };
}

/** Which points are named below a chart, and where: evenly, and no more than there is room for. */
export function labelPlaces(count: number, size: Size): { index: number; at: number }[] {
  if (count === 0) return [];
  const x = bandScale(count, size);
  const every = Math.ceil(count / size.labels);
  const indexes = Array.from({ length: Math.ceil(count / every) }, (_, n) => n * every);
  return indexes.map((index) => ({ index, at: round(x.middle(index)) }));
}

/** Each point's part of the width, all of them as wide. d3's bands look each of them up by its name, which takes long. */
function bandScale(count: number, { width }: Size) {
  const step = (width - margin.left - margin.right) / count;
  const left = (at: number) => margin.left + at * step;
  return { step, left, middle: (at: number) => left(at + 0.5) };
}

/** Of each series where each of its bars begins and ends. */
type Layers = [from: number, to: number][][];

/** The bars of each series upon those before it, in their order. */
export function stacked(series: readonly Series[], points: number): Layers {
  const layers = stack<number, number>()
    .keys([...series.keys()])
    .value((at, n) => Math.max(0, series[n]!.values[at] ?? 0))
    .order(stackOrderNone)(Array.from({ length: points }, (_, at) => at));
  return layers.map((layer) => layer.map(([from, to]): [number, number] => [from, to]));
}

const mostStacked = (layers: Layers) => Math.max(0, ...(layers.at(-1) ?? []).map(([, to]) => to));

const mostOf = (series: readonly Series[]) => Math.max(0, ...series.flatMap(({ values }) => values));

const round = (value: number) => Math.round(value * 10) / 10;
const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 2 });
