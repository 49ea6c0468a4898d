/**
 * HTML that begins with a line which only lists of mail show, behind the subject. Inboxes fill up a short one with what
 * comes next, so it is followed by room that shows nothing.
 */
export function withPreview(html: string, preview: string): string {
  const body = /<body\b[^<>]*>/i.exec(html);
  const at = body ? body.index + body[0].length : 0;
  const hidden =
    '<div style="display:none;overflow:hidden;line-height:1px;opacity:0;max-height:0;max-width:0">' +
    `${escaped(preview)}${"&#847;&zwnj;&nbsp;".repeat(Math.max(0, 150 - preview.length))}</div>`;
  return html.slice(0, at) + hidden + html.slice(at);
}

const entities: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };

/** Merge fields have none of these, so they stay fields. */
const escaped = (text: string): string => text.replace(/[&<>]/g, (character) => entities[character]!);
