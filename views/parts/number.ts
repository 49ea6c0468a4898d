/** A number as one reads it: 12,345. */
export const number = (count: number): string => count.toLocaleString("en");

/** So many of a thing: "1 contact", "12,345 contacts". */
export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${number(count)} ${count === 1 ? one : many}`;
