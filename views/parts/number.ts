/** A number as one reads it: 12,345. */
export const number = (count: number): string => (isShort(count) ? String(count) : written.format(count));

/** A page may have thousands of numbers, most of them zero: these need no formatter. */
const isShort = (count: number) => Number.isInteger(count) && count >= 0 && count < 1000;

/** It takes half as long as `toLocaleString`, and a page may have thousands of numbers. */
const written = new Intl.NumberFormat("en");

/** So many of a thing: "1 contact", "12,345 contacts". */
export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${number(count)} ${count === 1 ? one : many}`;
