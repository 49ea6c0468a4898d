import { type Merge, mergeText } from "./merge.ts";
import { mergeHtml } from "./merge-html.ts";
import { textFromHtml } from "./text.ts";

/** What an email says, as it is stored. */
export type Bodies = { html: string | null; text: string | null };

/**
 * Bodies as their recipient sees them, whose braces are no fields where there is no merge; with `hasMadeText` also the
 * text that a message has where none is given.
 */
export function mergeBodies({ html, text }: Bodies, merge: Merge | null, hasMadeText = false): Bodies {
  const shownText = text ?? (hasMadeText && html !== null ? textFromHtml(html) : null);
  if (merge === null) return { html, text: shownText };
  return {
    html: html === null ? null : mergeHtml(html, merge),
    text: shownText === null ? null : mergeText(shownText, merge),
  };
}
