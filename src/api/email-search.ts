import { Type as t } from "@sinclair/typebox";
import type { EmailSearch } from "../emails/search.ts";
import { Refusal } from "../errors.ts";
import { isId } from "../ids.ts";
import { numberedPageQuery } from "./numbered.ts";

const searched = {
  q: t.String({
    description:
      "Words of addresses, subject, tags or Message-ID, each of which must be there and may be only begun; `from:`, `to:`, `subject:` or `tag:` before one says where, quotes hold several together. An email's id, too. What broadcasts have sent to somebody is found by the whole address, or by the Message-ID of the copy.",
    examples: ["ada@example.com invoice", 'to:ada subject:"second reminder"'],
  }),
  status: t.String({ description: "What happened last.", examples: ["bounced"] }),
  domain_id: t.String({ description: "The id of the sending domain." }),
  tag: t.String({ description: "A tag's name, or `name:value`.", examples: ["kind:invoice"] }),
  created_after: t.String({ description: "A time (ISO 8601): it and later." }),
  created_before: t.String({ description: "A time (ISO 8601): earlier than it." }),
};

/** The query string of the list of emails. */
export const emailSearchQuery = t.Partial(t.Object({ ...numberedPageQuery.properties, ...searched }), {
  additionalProperties: true,
});

type Query = Record<string, string | undefined>;

/** What is searched for; undefined where it is just the list. */
export function readEmailSearch(query: Query): EmailSearch | undefined {
  if (Object.keys(searched).every((name) => query[name] === undefined)) return undefined;
  const { q, status, domain_id: domainId, tag } = query;
  if (domainId !== undefined && !isId(domainId)) {
    throw new Refusal("invalid_parameter", "The `domain_id` must be a valid UUID.");
  }
  return {
    ...{ text: q, status, tag, domainId: domainId?.toLowerCase() },
    from: readTime(query, "created_after"),
    until: readTime(query, "created_before"),
  };
}

function readTime(query: Query, name: string): Date | undefined {
  const text = query[name];
  if (text === undefined) return undefined;
  const at = new Date(text);
  if (!/^\d{4}-\d\d-\d\d/.test(text) || Number.isNaN(at.getTime())) {
    throw new Refusal("invalid_parameter", `The \`${name}\` must be a time, such as 2026-03-01T12:00:00Z.`);
  }
  return at;
}
