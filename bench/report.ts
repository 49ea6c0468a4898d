/** One line of a benchmark: a figure, its budget, and the raw limit of the same run, since machines are noisy. */
export interface Figure {
  what: string;
  value: number;
  unit: string;
  /** From DESIGN: at least this (rates) or at most this (times, sizes). */
  budget?: { atLeast: number } | { atMost: number };
  note?: string;
}

export function report(figures: Figure[]): void {
  for (const { what, value, unit, budget, note } of figures) {
    const wanted =
      budget &&
      ("atLeast" in budget ? `budget ≥ ${shown(budget.atLeast)}` : `budget ≤ ${shown(budget.atMost)}`);
    const kept = budget && ("atLeast" in budget ? value >= budget.atLeast : value <= budget.atMost);
    const verdict = kept === undefined ? "" : kept ? "kept" : "MISSED";
    process.stdout.write(
      `${what.padEnd(62)} ${shown(value).padStart(9)} ${unit.padEnd(10)} ${(wanted ?? "").padEnd(16)} ${verdict.padEnd(7)}${note ?? ""}\n`,
    );
  }
}

function shown(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString("en") : value.toFixed(1);
}
