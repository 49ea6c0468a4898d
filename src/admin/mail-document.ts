/** A stranger's HTML as the admin shows it: a document of its own, for a frame that lets nothing out. */

/** Pictures from elsewhere tell who reads an email, and when: they are loaded only when the reader asks for them. */
const policyOf = (hasPictures: boolean) =>
  [
    "sandbox allow-popups allow-popups-to-escape-sandbox",
    "default-src 'none'",
    "style-src 'unsafe-inline'",
    `img-src data:${hasPictures ? " https: http:" : ""}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'self'",
  ].join("; ");

/** Nothing in an email needs these, and the frame would not run them; without them it has nothing to complain of. */
const removed = "script, iframe, frame, object, embed, applet, portal, link, base, meta[http-equiv]";

/** The HTML of an email in its frame. */
export function mailDocument(html: string, { hasPictures }: { hasPictures: boolean }): Response {
  return new Response(cleaned(`<!doctype html><base target="_blank">${html}`, hasPictures), {
    headers: {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": policyOf(hasPictures),
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
      "x-robots-tag": "noindex, nofollow",
      "cache-control": "private, no-store",
    },
  });
}

/** What keeps a reader safe is the policy and the frame; this keeps them from having anything to stop. */
function cleaned(html: string, hasPictures: boolean): string {
  try {
    return new HTMLRewriter()
      .on(removed, {
        element(element) {
          if (element.tagName !== "base" || element.getAttribute("target") !== "_blank") element.remove();
        },
      })
      .on("*", {
        element(element) {
          for (const [name, value] of [...element.attributes]) {
            const isKept = hasPictures || !isPicture(element.tagName, name) || value.startsWith("data:");
            if (name.startsWith("on") || name === "srcdoc" || !isKept) element.removeAttribute(name);
          }
        },
      })
      .transform(html);
  } catch {
    return html; // too odd to be rewritten: the policy holds for it all the same
  }
}

const sources = new Set(["src", "srcset", "background", "poster"]);

const isPicture = (tag: string, attribute: string) => tag !== "a" && sources.has(attribute);
