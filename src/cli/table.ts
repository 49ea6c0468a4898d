/** Rows under headings, as wide as they need to be; the last column may be as long as it likes. */
export function table(headings: string[], rows: string[][]): string {
  const lines = [headings, ...rows].map((cells) => cells.map(harmless));
  const widths = headings.map((_, column) =>
    Math.max(...lines.map((cells) => Bun.stringWidth(cells[column] ?? ""))),
  );
  return lines
    .map((cells) =>
      cells
        .map((cell, column) => pad(cell, widths[column]!))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** Names are anybody's text: an escape sequence in one must not reach the terminal. */
export function harmless(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}]/gu, "\ufffd");
}

function pad(text: string, width: number): string {
  return text + " ".repeat(width - Bun.stringWidth(text));
}
