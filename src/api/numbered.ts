/** Lists by the number of a page, as the original MailIt had them. */
import { type Static, t } from "elysia";
import { furthestNumbered, type Keyset, type Numbers, type Place } from "../db/page.ts";
import { Refusal } from "../errors.ts";
import { pageQuery } from "./list.ts";

export const numberFields = {
  page: t.Optional(t.String({ description: "From 1." })),
  per_page: t.Optional(t.String({ description: "1 to 100; 20 when absent." })),
};

/** The query string of lists by cursors that are read by numbers too. */
export const numberedPageQuery = t.Object(
  { ...pageQuery.properties, ...numberFields },
  { additionalProperties: true },
);

/** Of each list that is paged by cursors as well. */
export const numberedNote =
  "With `page` or `per_page` as the original MailIt listed them, with `total`, `page`, `per_page` and `total_pages`; it is counted, and leads back, to 10,000.";

/** Of each such list that has a search as well. */
export const numberedSearchNote = "With both, the search is among the newest 10,000.";

interface NumberQuery {
  page?: string;
  per_page?: string;
}

/** The numbers a client asks by; undefined where it asks by none. */
export function askedNumbers(query: NumberQuery & Static<typeof pageQuery>): Numbers | undefined {
  if (query.page === undefined && query.per_page === undefined) return undefined;
  if (query.after !== undefined || query.before !== undefined) {
    throw new Refusal(
      "validation_error",
      "A page has a number or a cursor: leave out `page` and `per_page`, or `after` and `before`.",
    );
  }
  return readNumbers(query);
}

/** As the original read them: what is no page is the first, and nobody is refused. */
export function readNumbers({ page, per_page: perPage }: NumberQuery): Numbers {
  const read = (written: string | undefined, otherwise: number): number =>
    /^[1-9]\d{0,8}$/.test(written ?? "") ? Number(written) : otherwise;
  return { page: read(page, 1), perPage: Math.min(read(perPage, 20), 100) };
}

/** What stands around a page; `rows` are one more than it holds, where there are more. */
export function numberedAnswer<Row, Answer>(
  rows: Row[],
  total: number,
  { page, perPage }: Numbers,
  toAnswer: (row: Row) => Answer,
) {
  return {
    data: rows.slice(0, perPage).map(toAnswer),
    total,
    page,
    per_page: perPage,
    total_pages: Math.ceil(total / perPage),
    has_more: rows.length > perPage,
  };
}

/** The page of a list that is otherwise read by cursors. */
export async function numberedList<Row, Answer>(
  numbers: Numbers,
  find: () => Promise<Place>,
  list: (page: Keyset & { limit: number }) => Promise<Row[]>,
  toAnswer: (row: Row) => Answer,
) {
  if ((numbers.page - 1) * numbers.perPage >= furthestNumbered) {
    throw new Refusal(
      "validation_error",
      `Pages lead back ${furthestNumbered} entries. Go on with \`after\`, and without \`page\`.`,
    );
  }
  const { total, keyset } = await find();
  return numberedAnswer(keyset ? await list(keyset) : [], total, numbers, toAnswer);
}

/** What is searched or filtered for is not counted. */
export const searchHasNoNumbers = () =>
  new Refusal("validation_error", "A search goes on with `after`; it has no `page` and no `per_page`.");
