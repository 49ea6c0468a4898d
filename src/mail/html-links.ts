import { createHash } from "node:crypto";
import { QuoteType, Tokenizer } from "htmlparser2";
import { remembering } from "./remembering.ts";

/** Where a body's links stand in its HTML, and where nothing that is put in disturbs the rest. */
export interface HtmlPlan {
  /** In the order of the text. */
  edits: HtmlEdit[];
  /** Where an image that nobody sees belongs. */
  pixelAt: number;
  /** Every trackable address once, by its id. */
  links: Map<string, string>;
}

/** Characters that may be replaced: the value of an `href`, or, without a link, an attribute that is for us alone. */
export interface HtmlEdit {
  start: number;
  end: number;
  link?: { id: string; url: string; origin: string };
}

/** Looks through a body's HTML with the tokens of a real parser. Never throws, whatever the HTML is. */
export const planOf = remembering((html: string): HtmlPlan => new Reader(html).read());

/** The links of a body that may be tracked, by their ids. */
export const linksOf = (html: string): [id: string, url: string][] => [...new Reader(html).read().links];

/** Elements whose content is text to HTML (WHATWG HTML §13.2.6.4), though their tags are read here like any other. */
const opaqueElements = new Set(["iframe", "noembed", "noframes", "plaintext"]);
/** The same; the tokenizer knows these itself. */
const textElements = new Set(["script", "style", "title", "textarea", "xmp"]);
const linkElements = new Set(["a", "area"]);

const longestUrl = 8_000;

class Reader {
  readonly #html: string;
  readonly #plan: HtmlPlan = { edits: [], pixelAt: -1, links: new Map() };
  #element = "";
  /** The opaque element we are in, and where the last element of text began. */
  #opaque: string | undefined;
  #textFrom = -1;
  /** Where the last tag or comment began. */
  #begunAt = 0;
  #endIsText = false;
  #attribute = "";
  #attributeAt = 0;
  #valueAt = 0;
  #value = "";
  #href: HtmlEdit | undefined;
  #off: HtmlEdit | undefined;
  #seen = new Set<string>();

  constructor(html: string) {
    this.#html = html;
  }

  read(): HtmlPlan {
    const nothing = () => {};
    const begins = (prefix: number) => (start: number) => {
      this.#begunAt = Math.min(start - prefix, this.#html.length);
    };
    const tokenizer = new Tokenizer(
      { decodeEntities: true },
      {
        onopentagname: (start, end) => this.#openTag(start, end),
        onattribname: (start, end) => this.#nameAttribute(start, end),
        onattribdata: (start, end) => {
          this.#value += this.#html.slice(start, end);
        },
        onattribentity: (code) => {
          this.#value += String.fromCodePoint(code);
        },
        onattribend: (quote, end) => this.#endAttribute(quote, end),
        onopentagend: () => this.#endTag(),
        onselfclosingtag: () => this.#endTag(),
        onclosetag: (start, end) => this.#closeTag(start, end),
        oncomment: begins("<!--".length),
        ondeclaration: begins("<!".length),
        onprocessinginstruction: begins("<".length),
        oncdata: begins("<![CDATA[".length),
        ontext: nothing,
        ontextentity: nothing,
        onend: nothing,
      },
    );
    tokenizer.write(this.#html);
    tokenizer.write("<i>"); // seen as a tag, it says that what comes after the HTML is no part of something unfinished
    tokenizer.end();
    const plan = this.#plan;
    if (plan.pixelAt < 0) plan.pixelAt = this.#endIsText ? this.#html.length : this.#unfinishedAt();
    return plan;
  }

  #unfinishedAt(): number {
    return this.#opaque !== undefined || this.#textFrom >= 0 ? Math.max(this.#textFrom, 0) : this.#begunAt;
  }

  #openTag(start: number, end: number): void {
    this.#begunAt = start - 1;
    if (this.#opaque === undefined) this.#textFrom = -1; // a tag is no text
    if (start === this.#html.length + 1) {
      this.#endIsText = this.#opaque === undefined;
      return;
    }
    this.#element = this.#html.slice(start, end).toLowerCase();
    this.#href = undefined;
    this.#off = undefined;
    this.#seen.clear();
    if (this.#opaque !== undefined) return;
    if (opaqueElements.has(this.#element)) {
      this.#opaque = this.#element;
      this.#textFrom = start - 1;
    } else if (textElements.has(this.#element)) this.#textFrom = start - 1;
  }

  #closeTag(start: number, end: number): void {
    this.#begunAt = start - 2;
    const name = this.#html.slice(start, end).toLowerCase();
    if (this.#opaque !== undefined && this.#opaque !== name) return;
    this.#opaque = undefined;
    this.#textFrom = -1;
    if (name === "body") this.#plan.pixelAt = start - 2;
  }

  #nameAttribute(start: number, end: number): void {
    this.#attribute = this.#html.slice(start, end).toLowerCase();
    this.#attributeAt = start;
    this.#valueAt = end;
    this.#value = "";
  }

  #endAttribute(quote: QuoteType, end: number): void {
    const name = this.#attribute;
    // WHATWG HTML §13.2.5.33: of attributes with one name the first counts.
    if (this.#opaque !== undefined || !linkElements.has(this.#element) || this.#seen.has(name)) return;
    this.#seen.add(name);
    if (name === "data-mailit-track" && this.#value.trim().toLowerCase() === "off") {
      this.#off = { start: this.#spaceBefore(this.#attributeAt), end };
    }
    if (name !== "href" || quote === QuoteType.NoValue) return;
    const url = readUrl(this.#value);
    if (url === undefined) return;
    const opening = /\s*=\s*["']?/y;
    opening.lastIndex = this.#valueAt;
    opening.test(this.#html);
    const isQuoted = quote !== QuoteType.Unquoted;
    const link = { id: linkId(url), url, origin: new URL(url).origin };
    this.#href = { start: opening.lastIndex, end: isQuoted ? end - 1 : end, link };
  }

  #endTag(): void {
    const [href, off] = [this.#href, this.#off];
    this.#href = undefined;
    this.#off = undefined;
    if (off) this.#plan.edits.push(off);
    else if (href?.link) {
      this.#plan.edits.push(href);
      this.#plan.links.set(href.link.id, href.link.url);
    }
  }

  #spaceBefore(at: number): number {
    let start = at;
    while (/\s/.test(this.#html[start - 1] ?? "")) start--;
    return start;
  }
}

/** The absolute web address that an `href` is to a browser; undefined for anything else. */
function readUrl(href: string): string | undefined {
  // URL Standard §4.4: spaces around it don't count, nor do tabs and line ends in it.
  const url = href
    .replace(/[\t\n\r]/g, "")
    .replace(/^[\0- ]+|[\0- ]+$/g, "")
    .toWellFormed();
  if (url.length > longestUrl || !/^https?:\/\//i.test(url)) return undefined;
  // What is still to be filled in for each recipient leads nowhere yet.
  return url.includes("{{") || !URL.canParse(url) ? undefined : url;
}

const linkIdBytes = 8;

/** What a link is called in the links of its content: the same address has the same id wherever it stands. */
export function linkId(url: string): string {
  return createHash("sha256").update(url).digest().subarray(0, linkIdBytes).toString("base64url");
}
