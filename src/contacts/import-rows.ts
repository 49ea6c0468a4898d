/** What the rows of a file say, by its header. */
import { unguardFormula } from "../csv/formula.ts";
import type { CsvRow } from "../csv/rows.ts";
import { suppressionKey } from "../suppressions/address.ts";
import type { Wish } from "./changes.ts";
import type { ImportOptions } from "./import-options.ts";
import { longestName } from "./names.ts";
import { readCell, readFlag } from "./property-values.ts";
import { dateForms } from "./rules.ts";
import type { ContactProperty, PropertyType, PropertyValue } from "./schema.ts";

export interface Columns {
  email: number;
  firstName: number;
  lastName: number;
  unsubscribed: number;
  properties: { key: string; type: PropertyType; at: number }[];
}

export type Header = { columns: Columns } | { problem: string };

/** Finds the columns in a file's first row. Names are told apart by case, as the contract has it. */
export function readHeader(
  row: CsvRow | undefined,
  { columnMap = {} }: Pick<ImportOptions, "columnMap">,
  definitions: Map<string, ContactProperty>,
): Header {
  const cells = row && "cells" in row ? row.cells.map((cell) => cell.trim()) : [];
  const at = (name: string) => cells.indexOf(name.trim());
  /** Empty: the file's column is left out, even where it is called so. */
  const of = (field: "first_name" | "last_name" | "unsubscribed") =>
    columnMap[field] === "" ? -1 : at(columnMap[field] ?? field);
  const email = at(columnMap.email ?? "email");
  if (email === -1) return { problem: "CSV missing required email column" };
  for (const [field, name] of mapped(columnMap)) {
    if (at(name) === -1)
      return {
        problem: `CSV missing the column \`${name.slice(0, 80)}\` that \`column_map.${field}\` names`,
      };
  }
  const wanted = columnMap.properties
    ? Object.entries(columnMap.properties).map(([key, { column }]) => [key, at(column)] as const)
    : [...definitions.keys()].map((key) => [key, at(key)] as const);
  return {
    columns: {
      email,
      firstName: of("first_name"),
      lastName: of("last_name"),
      unsubscribed: of("unsubscribed"),
      properties: wanted.flatMap(([key, index]) => {
        const type = definitions.get(key)?.type; // absent: it was deleted meanwhile
        return index === -1 || !type ? [] : [{ key, type, at: index }];
      }),
    },
  };
}

function mapped({ properties = {}, ...fields }: NonNullable<ImportOptions["columnMap"]>): [string, string][] {
  const ofProperties = Object.entries(properties).map(([key, { column }]): [string, string] => [
    `properties.${key}`,
    column,
  ]);
  const ofFields = Object.entries(fields).filter(([field, name]) => name !== "" || field === "email");
  return [...ofFields, ...ofProperties];
}

export type ReadRow = { wish: Wish } | { mistake: string };

/** An empty cell says nothing: what is known stays. Nor does a file say that somebody has come back, unless it may. */
export function readRow(
  columns: Columns,
  cells: string[],
  { resubscribe = false }: Pick<ImportOptions, "resubscribe"> = {},
): ReadRow {
  const cell = (at: number) => (at === -1 ? "" : unguardFormula((cells[at] ?? "").trim()));
  const given = cell(columns.email);
  if (given === "") return { mistake: "There is no address in the row." };
  const email = suppressionKey(given);
  if (email === undefined) {
    return given.includes("\ufffd")
      ? { mistake: `${quote(given)} is not text in UTF-8: save the file as UTF-8.` }
      : { mistake: `${quote(given)} is not an email address: it must follow \`email@example.com\`.` };
  }
  const wish: Wish = { email };
  for (const [field, at] of [
    ["firstName", columns.firstName],
    ["lastName", columns.lastName],
  ] as const) {
    const name = readName(cell(at));
    if (name === undefined) return { mistake: `A name has ${longestName} characters at most, in one line.` };
    if (name !== "") wish[field] = name;
  }
  const unsubscribed = cell(columns.unsubscribed);
  if (unsubscribed !== "") {
    wish.unsubscribed = readFlag(unsubscribed);
    if (wish.unsubscribed === undefined) {
      return { mistake: `${quote(unsubscribed)} says neither true nor false in \`unsubscribed\`.` };
    }
  }
  if (wish.unsubscribed === false && !resubscribe) delete wish.unsubscribed;
  const properties: Record<string, PropertyValue> = {};
  for (const { key, type, at } of columns.properties) {
    const text = cell(at);
    if (text === "") continue;
    const value = readCell(type, text);
    if (value === undefined) return { mistake: `${quote(text)} is no ${kinds[type]} in \`${key}\`.` };
    properties[key] = value;
  }
  return { wish: { ...wish, ...(Object.keys(properties).length > 0 && { properties }) } };
}

const kinds: Record<PropertyType, string> = {
  string: "text of 2000 characters at most",
  number: "number",
  boolean: "`true` or `false`",
  date: dateForms.replace(/^a /, ""),
};

/** Undefined when it can't be one. */
function readName(cell: string): string | undefined {
  const name = cell.normalize("NFC");
  return [...name].length > longestName || /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u.test(name) ? undefined : name;
}

const longestQuote = 80;

const quote = (text: string) =>
  `\`${(text.length > longestQuote ? `${text.slice(0, longestQuote)}…` : text).toWellFormed().replaceAll("\0", "")}\``;

/** Rows about one address, taken together: the later one counts where both say something. */
export function mergeWishes(wishes: Wish[], keepFirst: boolean): Wish[] {
  const byEmail = new Map<string, Wish>();
  for (const wish of wishes) {
    const known = byEmail.get(wish.email);
    if (known && keepFirst) continue;
    const properties =
      known?.properties || wish.properties ? { ...known?.properties, ...wish.properties } : undefined;
    byEmail.set(wish.email, { ...known, ...wish, ...(properties && { properties }) });
  }
  return [...byEmail.values()];
}
