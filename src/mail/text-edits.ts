/** Characters of a text that are replaced; none of them: something is put in. */
export interface TextEdit {
  start: number;
  end: number;
  text: string;
}

/** A text with the edits made, which are in the order of the text and don't overlap. All else stays, character by character. */
export function applyEdits(source: string, edits: readonly TextEdit[]): string {
  if (edits.length === 0) return source;
  const pieces: string[] = [];
  let from = 0;
  for (const { start, end, text } of edits) {
    pieces.push(source.slice(from, start), text);
    from = end;
  }
  pieces.push(source.slice(from));
  return pieces.join("");
}

/**
 * Two lists of edits of one text as one. Where both would change the same characters the first list does, and what only
 * puts something in does so before them.
 */
export function joinEdits(first: readonly TextEdit[], second: readonly TextEdit[]): TextEdit[] {
  const joined: TextEdit[] = [];
  let at = 0;
  for (const edit of first) {
    for (; at < second.length && second[at]!.start < edit.end; at++) {
      const { start, end, text } = second[at]!;
      if (end <= edit.start) joined.push(second[at]!);
      else if (start === end) joined.push({ start: edit.start, end: edit.start, text });
    }
    joined.push(edit);
  }
  return [...joined, ...second.slice(at)];
}
