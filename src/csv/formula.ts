/**
 * Spreadsheets run what begins like a formula, and an address may (`=cmd|' /C calc'!A0@x.test`); the full-width forms
 * count as well. An apostrophe before one is doubled too, so that what was put in front is known from what was there.
 */
const formula = /^'*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]/;

/** A cell that no spreadsheet runs. */
export function guardFormula(cell: string): string {
  return formula.test(cell) ? `'${cell}` : cell;
}

/** The cell as it was before `guardFormula`. */
export function unguardFormula(cell: string): string {
  return cell.startsWith("'") && formula.test(cell) ? cell.slice(1) : cell;
}
