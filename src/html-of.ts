/** What views become, for every door that answers with HTML. */
import type { JSX } from "preact";
import { render } from "preact-render-to-string";

export const htmlOf = (node: JSX.Element): string => withoutTurns(render(node));

const turns = /[\u202A-\u202E\u2066-\u2069]/;
/** Tags with what their attributes hold, and text areas with what is edited in them, are passed over. */
const tagsAndTurns =
  /<textarea(?:[^>"]|"[^"]*")*>[^<]*|<(?:[^>"]|"[^"]*")*>|(?<turn>[\u202A-\u202E\u2066-\u2069])/g;

/**
 * Names and subjects are strangers' text. A mark in one that turns the direction (UAX #9) and does not turn it back would
 * have the words around it read backwards, so text is shown without: letters have a direction of their own. What a form
 * sends back stays whole.
 */
function withoutTurns(html: string): string {
  if (!turns.test(html)) return html;
  return html.replace(tagsAndTurns, (found, turn: string | undefined) => (turn === undefined ? found : ""));
}
