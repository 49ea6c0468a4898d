/**
 * Merge fields in HTML. Whatever a value is, it stays what its place makes of it: text, or a part of an attribute. Triple
 * braces escape like double ones: values come from contacts and from clients' own users, and the contract promises
 * nobody that HTML in them has an effect.
 */
import { QuoteType, Tokenizer } from "htmlparser2";
import { filling, type Merge, type MergeField, readFields } from "./merge.ts";
import { remembering } from "./remembering.ts";
import { applyEdits, type TextEdit } from "./text-edits.ts";

/** `nowhere`: no value is harmless there, so none is filled in. */
type Place = "text" | "style" | "nowhere";

/** Fields that are judged together: one in a text, or all of an attribute. */
interface Slot {
  fields: MergeField[];
  place: Place;
  attribute?: Attribute;
}

interface Attribute {
  isQuoted: boolean;
  isUrl: boolean;
  /** Its characters as a browser reads them, and the fields in their places. */
  parts: (string | MergeField)[];
}

const isField = (part: string | MergeField): part is MergeField => typeof part !== "string";

/** HTML with the fields of a recipient filled in. */
export const mergeHtml = (html: string, merge: Merge): string => applyEdits(html, mergeEdits(html, merge));

/** The same as edits of the HTML, to be made beside others. */
export function mergeEdits(html: string, merge: Merge): TextEdit[] {
  return slotsOf(html).flatMap((slot) => {
    const texts = fillSlot(slot, merge);
    return slot.fields.map(({ start, end }, index) => ({ start, end, text: texts[index]! }));
  });
}

function fillSlot({ fields, place, attribute }: Slot, merge: Merge): string[] {
  const isLeft = place === "nowhere" || (attribute?.isUrl === true && !mayLeadTo(attribute.parts, merge));
  const isUnquoted = attribute?.isQuoted === false;
  const texts: string[] = fields.map((field) => {
    const value = isLeft ? "" : filling(field, merge);
    if (place === "style" && !isHarmlessInStyle.test(value)) return "";
    const isMarkup = field.fallback !== undefined && !Object.hasOwn(merge.values, field.name);
    return escapeHtml(value, { isMarkup, isUnquoted });
  });
  const hasOnlyFields = attribute?.parts.every(isField);
  // Without quotes, what comes next would be taken for the value of an attribute that has none.
  if (isUnquoted && hasOnlyFields && texts.join("") === "") texts[0] = '""';
  return texts;
}

/** Words, numbers, colours, or an address without anything that could end what it is in. */
const isHarmlessInStyle = /^(?:[\p{L}\p{N} #%.,_-]*|https?:\/\/[\w.~:/?#&+,=%-]*)$/u;

const harmlessScheme = /^(?:https?|mailto|tel|sms|cid)$/;
const harmlessData = /^data:image\/(?:png|gif|jpe?g|webp|avif)[;,]/;

/** Whether an address, as it becomes, leads to the web or to mail, or is relative; only pictures may be within themselves. */
function mayLeadTo(parts: (string | MergeField)[], merge: Merge): boolean {
  const raw = parts.map((part) => (isField(part) ? filling(part, merge) : part)).join("");
  // URL Standard §4.4: spaces and controls before it don't count, nor do tabs and line ends in it.
  const url = raw
    .replace(/[\t\n\r]/g, "")
    .replace(/^[\0- ]+/, "")
    .slice(0, 100)
    .toLowerCase();
  const scheme = /^([^/?#]*?):/.exec(url)?.[1];
  return scheme === undefined || harmlessScheme.test(scheme) || harmlessData.test(url);
}

const entities: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};
const entityOf = (character: string) => entities[character] ?? `&#${character.charCodeAt(0)};`;
const reference = /&(?:[a-z][a-z0-9]*|#\d+|#x[\da-f]+);|[&<>"']/gi;

/** A fallback is a piece of the template: `Tom &amp; Jerry` in it is what its author's editor made of `Tom & Jerry`. */
function escapeHtml(
  text: string,
  { isMarkup, isUnquoted }: { isMarkup: boolean; isUnquoted: boolean },
): string {
  const escaped = isMarkup
    ? text.replace(reference, (found) => (found.length > 1 ? found : entityOf(found)))
    : text.replace(/[&<>"']/g, entityOf);
  return isUnquoted ? escaped.replace(/[\t\n\f\r =`]/g, entityOf) : escaped;
}

const slotsOf = remembering((html: string): readonly Slot[] => {
  const fields = readFields(html);
  return fields.length === 0 ? [] : new Reader(html, fields).read();
});

/** Elements whose attributes decide what a page does; no mail program keeps them, and nothing is filled in. */
const actingElements = /^(?:script|meta|object|embed|applet|set|animate\w*)$/;
const actingAttributes = /^(?:on.*|srcdoc)$/;
const urlAttributes =
  /^(?:href|src|srcset|action|formaction|background|poster|cite|data|longdesc|lowsrc|dynsrc|ping|usemap|xlink:href|[\w-]*:href|[\w-]*:src)$/;

/** Finds out what a browser takes each field of a template for. */
class Reader {
  readonly #html: string;
  readonly #offset: number;
  readonly #fields: readonly MergeField[];
  readonly #slots: Slot[] = [];
  /** How many of the fields have their place. */
  #placed = 0;
  #element = "";
  /** The element whose content is no HTML, while we are in it. */
  #raw: "script" | "style" | undefined;
  #attribute = "";
  #isNamedByField = false;
  #parts: (string | MergeField)[] = [];

  /** `offset` is where the HTML stands in the template. */
  constructor(html: string, fields: readonly MergeField[], offset = 0) {
    // What stands in for a field is as long, and is letters, which are read alike everywhere.
    const masks = fields.map(({ start, end }) => ({
      start: start - offset,
      end: end - offset,
      text: "x".repeat(end - start),
    }));
    this.#html = applyEdits(html, masks);
    this.#offset = offset;
    this.#fields = fields;
  }

  read(): Slot[] {
    const nothing = () => {};
    const nowhere = (start: number, end: number) => this.#put(this.#take(start, end), "nowhere");
    const tokenizer = new Tokenizer(
      { decodeEntities: true },
      {
        onopentagname: (start, end) => {
          nowhere(start, end);
          this.#element = this.#html.slice(start, end).toLowerCase();
        },
        onattribname: (start, end) => {
          this.#isNamedByField = nowhere(start, end);
          this.#attribute = this.#html.slice(start, end).toLowerCase();
          this.#parts = [];
        },
        onattribdata: (start, end) => this.#addValue(start, end),
        onattribentity: (code) => void this.#parts.push(String.fromCodePoint(code)),
        onattribend: (quote) => this.#endAttribute(quote),
        onopentagend: () => this.#enter(),
        onselfclosingtag: () => this.#enter(), // to HTML no script or style is empty
        onclosetag: (start, end) => {
          nowhere(start, end);
          if (this.#html.slice(start, end).toLowerCase() === this.#raw) this.#raw = undefined;
        },
        oncomment: (start, end) => this.#readComment(start, end),
        ondeclaration: nowhere,
        onprocessinginstruction: nowhere,
        oncdata: nowhere,
        ontext: (start, end) => {
          for (const field of this.#take(start, end)) this.#put([field], this.#placeOfText());
        },
        ontextentity: nothing,
        onend: nothing,
      },
    );
    tokenizer.write(this.#html);
    tokenizer.end();
    this.#put(this.#parts.filter(isField), "nowhere"); // of something unfinished, as what follows
    nowhere(0, Number.POSITIVE_INFINITY);
    return this.#slots;
  }

  /** The next fields up to `end`; those before `start`, in what the tokenizer did not tell of, are nowhere. */
  #take(start: number, end: number): MergeField[] {
    const taken: MergeField[] = [];
    for (let field = this.#fields[this.#placed]; field; field = this.#fields[++this.#placed]) {
      const at = field.start - this.#offset;
      if (at >= end) break;
      if (at < start) this.#put([field], "nowhere");
      else taken.push(field);
    }
    return taken;
  }

  #put(fields: MergeField[], place: Place, attribute?: Attribute): boolean {
    if (fields.length === 0) return false;
    this.#slots.push({ fields, place, ...(attribute && { attribute }) });
    return true;
  }

  #enter(): void {
    if (this.#raw !== undefined) return;
    if (this.#element === "script" || this.#element === "style") this.#raw = this.#element;
  }

  #placeOfText(): Place {
    if (this.#raw === undefined) return "text";
    return this.#raw === "style" ? "style" : "nowhere";
  }

  #addValue(start: number, end: number): void {
    let from = start;
    for (const field of this.#take(start, end)) {
      this.#parts.push(this.#html.slice(from, field.start - this.#offset), field);
      from = field.end - this.#offset;
    }
    this.#parts.push(this.#html.slice(from, end));
  }

  #endAttribute(quote: QuoteType): void {
    const parts = this.#parts.filter((part) => part !== "");
    this.#parts = [];
    const fields = parts.filter(isField);
    const name = this.#attribute;
    const isActing =
      this.#isNamedByField ||
      this.#raw !== undefined ||
      actingElements.test(this.#element) ||
      actingAttributes.test(name);
    const attribute = { isQuoted: quote !== QuoteType.Unquoted, isUrl: urlAttributes.test(name), parts };
    this.#put(fields, isActing ? "nowhere" : name === "style" ? "style" : "text", attribute);
  }

  /** Outlook reads what is in a conditional comment as HTML: its buttons and their links are there. */
  #readComment(start: number, end: number): void {
    const fields = this.#take(start, end);
    const content = this.#html.slice(start, end);
    if (!/^\s*\[if\b/i.test(content)) this.#put(fields, "nowhere");
    else this.#slots.push(...new Reader(content, fields, this.#offset + start).read());
  }
}
