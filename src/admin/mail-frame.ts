/** What is shown inside a frame of a page: mail, under a policy of its own. */

/**
 * A document made of an email's HTML. It is for a sandboxed frame; opened by itself it is as powerless: no scripts, no
 * forms, and nothing from elsewhere unless whoever looks at it asks for its pictures.
 */
export function mailFrame(html: string, { hasPictures = false } = {}): Response {
  const policy = [
    "sandbox allow-popups allow-popups-to-escape-sandbox",
    "default-src 'none'",
    "style-src 'unsafe-inline'",
    `img-src data: 'self'${hasPictures ? " https: http:" : ""}`,
    "frame-ancestors 'self'",
  ];
  return new Response(html, {
    headers: {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": policy.join("; "),
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
      "x-robots-tag": "noindex, nofollow",
      "cache-control": "private, no-store",
    },
  });
}

/** A sentence in place of an email. */
export const wordsFrame = (sentence: string): Response =>
  mailFrame(
    `<!doctype html><title>Preview</title><p style="font:15px sans-serif">${Bun.escapeHTML(sentence)}</p>`,
  );
