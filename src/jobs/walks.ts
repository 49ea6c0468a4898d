/** How far work is that walks through a table for ever, a slice at a time: over restarts, and for all nodes. */
import { eq } from "drizzle-orm";
import type { Db } from "../db/open.ts";
import { rawWrite, type Write } from "../db/write.ts";
import { walks } from "./schema.ts";

/** Empty at the beginning. */
export async function findWalk(db: Db, name: string): Promise<string> {
  const row = await db.select({ cursor: walks.cursor }).from(walks).where(eq(walks.name, name)).get();
  return row?.cursor ?? "";
}

/** Moves a walk on from where it was seen; to be followed by `expectChange`. */
export const moveWalk = (name: string, from: string, to: string): Write =>
  rawWrite(
    `insert into walks (name, cursor) values (?1, ?3)
     on conflict (name) do update set cursor = excluded.cursor where cursor = ?2`,
    [name, from, to],
  );
