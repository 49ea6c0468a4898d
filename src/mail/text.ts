import { compile } from "html-to-text";

// A text part is for people without HTML and for filters; nobody reads half a megabyte of it.
const maxLength = 500_000;

const convert = compile({
  // At most 76 characters a line: such text needs no transfer encoding as long as it is ASCII.
  wordwrap: 76,
  limits: { maxInputLength: maxLength, maxDepth: 100, maxChildNodes: 10_000, ellipsis: "…" },
  selectors: [
    { selector: "a", options: { hideLinkHrefIfSameAsText: true, linkBrackets: ["<", ">"] } },
    { selector: "img", format: "skip" },
    ...["h1", "h2", "h3", "h4", "h5", "h6"].map((selector) => ({ selector, options: { uppercase: false } })),
  ],
});

/** The text part of an email that has only HTML: its words and its links. Empty for HTML that can't be converted. */
export function textFromHtml(html: string): string {
  try {
    // Cut here: the library would write a warning to the console. Nested quotes and lists can make text longer than HTML.
    return convert(html.slice(0, maxLength)).trim().slice(0, maxLength);
  } catch {
    // The converter throws on some documents, such as a list that starts at a Roman 1,000,000. Such an email goes out
    // without a text part rather than not at all.
    return "";
  }
}
