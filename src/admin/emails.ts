import { Elysia } from "elysia";
import { h } from "preact";
import { type EmailListProps, EmailRows, EmailsPage, FreshEmails } from "../../views/emails.tsx";
import type { App } from "../app.ts";
import { listDomains } from "../domains/service.ts";
import { getEmails } from "../emails/read.ts";
import { type EmailSearch, searchEmails } from "../emails/search.ts";
import { Refusal } from "../errors.ts";
import { inWords } from "./mistakes.ts";
import { keysetOf, signedIn, sliceOf, type Visit } from "./visit.ts";

const perPage = 50;
/** Of the domains, as many as one may choose from. */
const mostDomains = 500;
/** Whoever leaves the page open while thousands are sent sees the newest. */
const mostFresh = 300;

export const emailPages = (app: App) =>
  new Elysia({ prefix: "/emails" })
    .use(signedIn(app))
    .get("", async ({ visit, query }) => {
      const list = await readList(app, visit, query);
      if (visit.wantsPiece && query.after !== undefined) return visit.piece(h(EmailRows, list));
      const domains = await listDomains(app, visit.teamId, { limit: mostDomains });
      const props = { ...list, domains: domains.map(({ id, name }) => [id, name] as const) };
      // Only the list as it grows is kept as it is now: under a search it would be a search a second.
      const isWhole = !list.isSearch && query.after === undefined && list.emails.length > 0;
      const live = isWhole
        ? `/admin/emails/live?${new URLSearchParams(list.next ? { since: list.next } : {})}`
        : undefined;
      return visit.page({ title: "Emails", place: "emails", live }, h(EmailsPage, props));
    })
    .get("/live", async ({ visit, query }) => {
      const since = keysetOf({ after: query.since }).after ?? "";
      return visit.live(async () => {
        const rows = await getEmails(app, visit.teamId, { limit: mostFresh });
        const emails = rows.filter(({ id }) => id > since);
        return { "fresh-emails": h(FreshEmails, { emails, now: app.now() }) };
      });
    });

type Query = Record<string, string | undefined>;

async function readList(app: App, visit: Visit, query: Query): Promise<EmailListProps> {
  const values = {
    q: query.q?.trim() ?? "",
    status: query.status ?? "",
    domain: query.domain ?? "",
    tag: query.tag?.trim() ?? "",
    from: query.from ?? "",
    until: query.until ?? "",
  };
  const isSearch = Object.values(values).some((value) => value !== "");
  const page = keysetOf(query, perPage);
  const shown = { values, isSearch, now: app.now() };
  if (!isSearch) {
    const { rows, next } = sliceOf(await getEmails(app, visit.teamId, page), page);
    return { ...shown, emails: rows, next };
  }
  try {
    const { emails, next } = await searchEmails(app, visit.teamId, searchOf(values), {
      limit: perPage,
      after: page.after,
    });
    return { ...shown, emails, next };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { ...shown, emails: [], next: undefined, mistake: inWords(error.message) };
  }
}

function searchOf({ q, status, domain, tag, from, until }: EmailListProps["values"]): EmailSearch {
  return {
    ...{ text: q, status, tag, domainId: domain || undefined },
    from: dayOf(from),
    // A day that is named is meant whole.
    until: dayOf(until, 86_400_000),
  };
}

function dayOf(text: string, plusMs = 0): Date | undefined {
  const at = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  return Number.isNaN(at) ? undefined : new Date(at + plusMs);
}
