import type { App } from "../app.ts";
import { ByteBudget } from "../byte-budget.ts";
import { guessType } from "../mail/attachment.ts";
import { perApp } from "../per-app.ts";
import type { InboundAttachment } from "./schema.ts";

/** The contract's: what would be larger is better fetched piece by piece. */
const mostBytes = 100_000_000;

/** A hostile message of 25 MB has room for millions. */
const mostLinks = 10_000;

/** All that is being put together at once: a small message may name its one picture hundreds of times. */
const mostAtOnce = mostBytes;

/** RFC 2392 links where HTML and CSS have them: in quotes, in brackets, or bare behind an equals sign. */
const link = /(?<=["'(=]\s{0,8})cid:([^\s"'<>)]+)/gi;

/** What pictures are found by. */
type Attached = Pick<InboundAttachment, "contentId" | "contentType" | "filename" | "size" | "blobHash">;

/** HTML with the pictures that came beside it as `data:` URIs; undefined where it would be too large with them. */
export async function withPictures(
  app: App,
  html: string,
  attachments: Attached[],
): Promise<string | undefined> {
  const pictures = picturesIn(attachments);
  const named: Picture[] = [];
  for (const [, target = ""] of html.matchAll(link)) {
    const picture = find(pictures, target);
    if (picture && named.push(picture) > mostLinks) return undefined;
  }
  if (named.length === 0) return html;
  const size = named.reduce((sum, picture) => sum + sizeInHtml(picture), Buffer.byteLength(html));
  if (size > mostBytes) return undefined;

  const giveBack = await budgetOf(app).take(size);
  try {
    const uris = new Map<Picture, string | undefined>();
    for (const picture of new Set(named)) uris.set(picture, await uriOf(app, picture));
    return html.replace(link, (whole, target: string) => {
      const picture = find(pictures, target);
      return (picture && uris.get(picture)) ?? whole;
    });
  } finally {
    giveBack();
  }
}

interface Picture {
  type: string;
  size: number;
  blobHash: string;
}

/** By their content ids; of several with one id the first. */
function picturesIn(attachments: Attached[]): Map<string, Picture> {
  const pictures = new Map<string, Picture>();
  for (const { contentId, size, blobHash, ...about } of attachments) {
    const type = pictureType(about);
    if (type && contentId && !pictures.has(contentId)) pictures.set(contentId, { type, size, blobHash });
  }
  return pictures;
}

/** Undefined for what is no picture. Some programs send pictures as bytes of no type, under a name that tells it. */
function pictureType({ contentType, filename }: Pick<InboundAttachment, "contentType" | "filename">) {
  const told = contentType.split(";", 1)[0]!.trim();
  const type = told === "application/octet-stream" && filename ? guessType(filename) : told;
  // A sender's own words must not get out of the attribute they are put into.
  return /^image\/[a-z0-9.+-]{1,60}$/.test(type) ? type : undefined;
}

/** RFC 2392 §2: links have the id percent-encoded, though many programs don't; in HTML its ampersands are written out. */
function find(pictures: Map<string, Picture>, target: string): Picture | undefined {
  const written = target.replaceAll("&amp;", "&");
  const known = pictures.get(written);
  if (known || !written.includes("%")) return known;
  try {
    return pictures.get(decodeURIComponent(written));
  } catch {
    return undefined;
  }
}

const prefixOf = ({ type }: Picture) => `data:${type};base64,`;

const sizeInHtml = (picture: Picture) => prefixOf(picture).length + Math.ceil(picture.size / 3) * 4;

/** Undefined when its file is not kept any more. */
async function uriOf(app: App, picture: Picture): Promise<string | undefined> {
  const bytes = await app.blobs.get(picture.blobHash);
  return bytes && prefixOf(picture) + Buffer.from(bytes).toString("base64");
}

const budgetOf = perApp((): ByteBudget => new ByteBudget(mostAtOnce));
