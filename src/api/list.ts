import { t } from "elysia";
import type { Keyset } from "../db/page.ts";
import { Refusal } from "../errors.ts";
import { isId } from "../ids.ts";

/** The query string of every list, for route schemas. */
export const pageQuery = t.Object(
  { limit: t.Optional(t.String()), after: t.Optional(t.String()), before: t.Optional(t.String()) },
  { additionalProperties: true },
);

/**
 * How many a list holds when its client does not say; lists older than pagination hold everything then, or (`long`) as
 * much of what may be without end as one answer bears.
 */
const standardLimits = { paged: 20, unpaged: undefined, long: 500 } as const;

/** What a list's cursors are, where they are no UUIDs. */
interface Cursors {
  isCursor(text: string): boolean;
  /** What a cursor must be, as the end of a sentence. */
  says: string;
  /** Whether capitals are told from small letters; they are not in UUIDs. */
  isExact?: boolean;
}

const uuids: Cursors = { isCursor: isId, says: "must be a valid UUID" };

/** Reads `limit`, `after` and `before`. */
export function readPage(
  query: { limit?: string; after?: string; before?: string },
  kind: keyof typeof standardLimits,
  { isCursor, says, isExact = false }: Cursors = uuids,
): Keyset {
  const { limit, after, before } = query;
  if (limit !== undefined && !/^([1-9]|[1-9]\d|100)$/.test(limit)) {
    throw new Refusal(
      "validation_error",
      "The pagination limit must be a number between 1 and 100. See https://resend.com/docs/pagination for more information.",
    );
  }
  if (after !== undefined && before !== undefined) {
    throw new Refusal("validation_error", "The `after` and `before` parameters cannot be used together.");
  }
  for (const [name, cursor] of Object.entries({ after, before })) {
    if (cursor !== undefined && !isCursor(cursor)) {
      throw new Refusal("invalid_parameter", `The \`${name}\` ${says}.`);
    }
  }
  const asStored = (cursor: string | undefined) => (isExact ? cursor : cursor?.toLowerCase());
  return {
    limit: limit === undefined ? standardLimits[kind] : Number(limit),
    after: asStored(after), // ids are compared as text
    before: asStored(before),
  };
}

/** A list answer from up to one row more than the page holds; the extra row only tells that there is more. */
export function listAnswer<Row, Answer>(rows: Row[], page: Keyset, toAnswer: (row: Row) => Answer) {
  const hasMore = page.limit !== undefined && rows.length > page.limit;
  // With `before` the rows next to the cursor come first from the store's point of view: the extra one is the newest.
  const kept = !hasMore ? rows : page.before ? rows.slice(-page.limit!) : rows.slice(0, page.limit);
  return { object: "list" as const, has_more: hasMore, data: kept.map(toAnswer) };
}

/** Searches go on from where they were, and nowhere else. */
export function searchPage({ limit = 20, after, before }: Keyset): { limit: number; after?: string } {
  if (before !== undefined) {
    throw new Refusal("validation_error", "A search goes on with `after`; it has no `before`.");
  }
  return { limit, after };
}

/** What a search found, which may be fewer than asked for though more follow: `next` says where to go on. */
export function searchAnswer<Row, Answer>(
  rows: Row[],
  next: string | undefined,
  toAnswer: (row: Row) => Answer,
) {
  return { object: "list" as const, has_more: next !== undefined, data: rows.map(toAnswer), next };
}

/** Of each such list's description. */
export const searchNote =
  "a search: an answer looks at a bounded number of rows, so it may hold fewer than `limit` and still have more; `next` is then the `after` of the request that goes on.";
