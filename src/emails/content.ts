import type { App } from "../app.ts";
import type { Write } from "../db/write.ts";
import { newId } from "../ids.ts";
import { insertLinks } from "./links.ts";
import type { Content } from "./schema.ts";
import { insertContent } from "./store.ts";
import type { FoundLink, LinksOf } from "./tracking.ts";

type Bodies = Pick<Content, "html" | "text">;

interface Seen {
  id: string;
  madeAt: number;
}

const keptMs = 3_600_000;
/** So long after it was made a body may still be given to other emails, with some time for the write of the last. */
export const sharedForMs = keptMs + 15 * 60_000;
const keptPerGeneration = 5_000;

/** Two generations, the older one forgotten whole: taking the oldest out of a Map one by one slows it down. */
interface Memory {
  young: Map<string, Seen>;
  old: Map<string, Seen>;
}

// What was stored lately, by hash: whoever sends one newsletter email by email stores its body once. It is a memory and
// not an index, because an index by hash costs every email a page of its own; after a restart a body is stored again.
const memories = new WeakMap<App, Memory>();

export interface StoredContent {
  id: string;
  writes: Write[];
  isStored(): void;
}

/** What emails that are accepted in one write store, by hash. */
export type ContentsOfWrite = Map<string, StoredContent>;

/**
 * The id under which bodies are stored, and the writes that store them unless they are there. A body is shared only once
 * it is on disk, which `isStored` says after the commit, and within the write that stores it. With `links` these are
 * stored too, as they are or as they are found in its HTML, and it is shared only with such as have the same.
 */
export function storeContent(
  app: App,
  bodies: Bodies,
  beside: ContentsOfWrite = new Map(),
  links?: FoundLink[] | LinksOf,
): StoredContent {
  const memory = memoryOf(app);
  const hash = kindOf(links) + hashOf(bodies);
  const shared = beside.get(hash);
  if (shared) return { id: shared.id, writes: [], isStored() {} };
  const now = app.now().getTime();
  const known = memory.young.get(hash) ?? memory.old.get(hash);
  // One that is yet to be made was by a clock that was ahead: it would be given away long after others have removed it.
  if (known && known.madeAt <= now && now < known.madeAt + keptMs)
    return { id: known.id, writes: [], isStored() {} };

  const id = newId();
  const found = typeof links === "function" ? links(bodies.html ?? "") : (links ?? []);
  const content = {
    id,
    writes: [
      insertContent({ id, ...bodies, createdAt: app.now() }),
      ...(found.length > 0 ? [insertLinks(id, found)] : []),
    ],
    isStored() {
      memory.young.set(hash, { id, madeAt: now });
      if (memory.young.size < keptPerGeneration) return;
      memory.old = memory.young;
      memory.young = new Map();
    },
  };
  beside.set(hash, content);
  return content;
}

function memoryOf(app: App): Memory {
  const known = memories.get(app);
  if (known) return known;
  const memory = { young: new Map(), old: new Map() };
  memories.set(app, memory);
  return memory;
}

/** Of one body those are told apart that have other links, or none. */
function kindOf(links: FoundLink[] | LinksOf | undefined): string {
  if (typeof links !== "object") return links ? "links " : "";
  return `${new Bun.CryptoHasher("sha256").update(JSON.stringify(links)).digest("base64url")} `;
}

function hashOf({ html, text }: Bodies): string {
  // Lengths first: no html followed by a text can hash like another pair.
  const all = `${html?.length ?? -1}:${text?.length ?? -1}:${html ?? ""}${text ?? ""}`;
  return Bun.CryptoHasher.hash("sha256", all, "base64url");
}
