/** Lists by the number of a page, as the original MailIt had them. */
import { t } from "elysia";

export const numberFields = {
  page: t.Optional(t.String({ description: "From 1." })),
  per_page: t.Optional(t.String({ description: "1 to 100; 20 when absent." })),
};

export interface Numbers {
  page: number;
  perPage: number;
}

/** As the original read them: what is no page is the first, and nobody is refused. */
export function readNumbers({ page, per_page: perPage }: { page?: string; per_page?: string }): Numbers {
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
