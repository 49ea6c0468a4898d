/** The tracked links of bodies: written with the body, looked up at every click. */

import { and, eq, sql } from "drizzle-orm";
import { type App, atomically } from "../app.ts";
import type { Db } from "../db/open.ts";
import { preparedRead } from "../db/read.ts";
import { rawWrite, type Write } from "../db/write.ts";
import { leastIdAt } from "../ids.ts";
import { recurring } from "../jobs/recurring.ts";
import { deliveries, emails, links } from "./schema.ts";

export const insertLinks = (contentId: string, found: [id: string, url: string][]): Write =>
  rawWrite(
    `insert into links (content_id, id, url)
     select ?1, value ->> 0, value ->> 1 from json_each(?2) where true on conflict do nothing`,
    [contentId, JSON.stringify(found)],
  );

const linkQuery = preparedRead((db) =>
  db
    .select({ url: links.url })
    .from(deliveries)
    .innerJoin(emails, eq(emails.id, deliveries.emailId))
    .innerJoin(links, and(eq(links.contentId, emails.contentId), eq(links.id, sql.placeholder("link"))))
    .where(eq(deliveries.id, sql.placeholder("deliveryId")))
    .prepare(),
);

/** Where a link of a delivery's message leads. */
export async function findLink(db: Db, deliveryId: string, link: string): Promise<string | undefined> {
  const row = await linkQuery(db).get({ deliveryId, link });
  return row?.url;
}

/** Removed in one batch, so that no other write waits long behind it. */
const linksPerSlice = 1_000;

/** Removes links of bodies that are older than `retention.links`. */
export const forgettingLinks = recurring("forget_links", 3_600_000, (app) => forgetLinks(app));

export async function forgetLinks(app: App, slice = linksPerSlice): Promise<void> {
  const { links: keptFor } = app.config.retention;
  if (keptFor === "forever") return;
  const before = new Date(app.now().getTime() - keptFor);
  let removed: number;
  do {
    const [result] = await atomically(app, [deleteLinks(before, slice)]);
    removed = result!.changes;
  } while (removed === slice);
}

// Ids tell when a body was made.
const deleteLinks = (before: Date, limit: number): Write =>
  rawWrite(
    `delete from links where (content_id, id) in (
       select content_id, id from links where content_id < ? order by content_id, id limit ?)`,
    [leastIdAt(before), limit],
  );
