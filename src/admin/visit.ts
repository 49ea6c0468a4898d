import { Elysia } from "elysia";
import { h, type JSX } from "preact";
import { ErrorPage, Problem } from "../../views/error.tsx";
import { MayWrite } from "../../views/parts/acting.tsx";
import { type NavPlace, placesOf, Shell, type ShellProps } from "../../views/shell.tsx";
import { findSignedIn, listTeamsOf, type SignedIn } from "../accounts/sign-ins.ts";
import type { App } from "../app.ts";
import { auditEntry } from "../audit/service.ts";
import { type Connections, clientAddressReader } from "../client-address.ts";
import type { Keyset } from "../db/page.ts";
import { type OnceOnly, shortHash } from "../emails/idempotency.ts";
import { Refusal } from "../errors.ts";
import { isId, newId } from "../ids.ts";
import { atLeast } from "../roles.ts";
import { documentAnswer, leadTo, pieceAnswer } from "./answer.ts";
import { csrfToken, pageOfToken, requireCsrfToken, requireSameSite } from "./csrf.ts";
import { type Live, liveAnswer } from "./live.ts";
import { noticeCookie, readNotice, takenNotice } from "./notice.ts";
import { keptForMs, refuseSentBefore } from "./once.ts";
import { cookie, cookieOf, type Form, formOf, isPieceWanted, readForm } from "./request.ts";
import { readTheme } from "./theme.ts";

const sessionCookie = "mailit_session";

/** Somebody who is not signed in: they are led to where they can. */
export class NotSignedIn extends Error {
  override readonly name = "NotSignedIn";
}

interface PageOptions {
  title: string;
  /** The entry of the navigation that is lit. */
  place: NavPlace;
  /** 201 where it shows what a form has made: that is shown again to whoever sends the form twice. */
  status?: number;
  /** Scripts that only this page needs, by name in `assets/`. */
  scripts?: readonly string[];
  /** The address of the page's live parts (`visit.live`). */
  live?: string;
}

/** One request of a person who is signed in, and everything a page needs to answer it. */
export interface Visit extends SignedIn {
  request: Request;
  teamId: string;
  /** The fields of a write; empty for a `GET`. */
  form: Form;
  /** htmx asks, and wants a piece of the page. */
  wantsPiece: boolean;
  /** What forms send back as the hidden field `csrf`. */
  csrf: string;
  /** For services that do a thing once, on whatever node it arrives; absent where the form does not say which it is. */
  once: OnceOnly | undefined;
  /** Says what a write does, for the audit log: `Created the API key “Production”`. The id of what it is done to, if any. */
  act(sentence: string, subject?: string): void;
  /** A whole page in the admin's frame. */
  page(options: PageOptions, content: JSX.Element): Promise<Response>;
  /** A piece of a page. */
  piece(content: JSX.Element, status?: number): Response;
  /** Leads on to another page of the admin after a write, and tells there what was done. */
  done(path: string, notice?: string): Response;
  /** Keeps pieces of a page as they are now, over one connection. */
  live(live: Live): Response;
}

interface Asked {
  request: Request;
  server: Connections | null;
  route: string;
  /** Null where a part of the address can't be decoded. */
  params: Record<string, string | null | undefined>;
}

/** Whether cookies go over TLS alone: where the admin is reached by TLS, by the configuration's word for it. */
export function isSecure({ config }: App): boolean {
  return config.server.publicUrl.startsWith("https:");
}

/**
 * Lets in who is signed in and gives routes `visit`. A write must come from a page of ours, with its form's token; who
 * it is from then counts for every service that is called (`App.acting`).
 */
export const signedIn = (app: App) => {
  const clientAddress = clientAddressReader(app.config.server.trustedProxies);
  return new Elysia({ name: "signed-in" }).derive(
    { as: "scoped" },
    async ({ request, server, route, params }): Promise<{ visit: Visit }> => ({
      visit: await begin(app, clientAddress, { request, server, route, params: params ?? {} }),
    }),
  );
};

async function begin(
  app: App,
  clientAddress: ReturnType<typeof clientAddressReader>,
  asked: Asked,
): Promise<Visit> {
  const { request, server, route, params } = asked;
  const token = sessionTokenOf(app, request);
  const who = token ? await findSignedIn(app, token) : undefined;
  if (!who) throw new NotSignedIn();
  if (Object.values(params).includes(null)) {
    throw new Refusal("not_found", "The address is wrong: a part of it can't be read.");
  }
  const isWrite = request.method !== "GET" && request.method !== "HEAD";
  const form = isWrite ? await readWrite(app, request, who, route) : formOf(new FormData());
  const sending = isWrite ? await sendingOf(request, form) : undefined;
  if (sending !== undefined) await refuseSentBefore(app, request, who.signInId, sending);
  const once = sending === undefined ? undefined : onceOnly(app, who, sending);

  const visitor = app.acting.getStore();
  if (!visitor) throw new Error("the admin's requests are handled as somebody's");
  visitor.role = who.role;
  const act = (sentence: string, subject = Object.values(params).at(-1) ?? "") => {
    const { user, team } = who;
    const address = clientAddress(request, server);
    visitor.trace = auditEntry(app, {
      ...{ teamId: team.id, userId: user.id, email: user.email },
      ...{ act: sentence, subject, address },
    });
  };
  if (isWrite) act(`${request.method} ${route}`); // until the route says it in words
  return visitOf(app, request, who, { form, once, act });
}

/**
 * Which form it is, by the page it was on, where it is sent and what is in it. A page that stays is no such form's: what
 * htmx sends from one may be meant as often as it is sent.
 */
async function sendingOf(request: Request, form: Form): Promise<string | undefined> {
  if (!pageOfToken(form.raw("csrf")) || isPieceWanted(request)) return undefined;
  const { pathname, search } = new URL(request.url);
  return shortHash(`${pathname}${search}`, await form.hash());
}

/** What a form mails is mailed once for about as long as its answer is kept, on whatever node it arrives. */
const onceOnly = (app: App, { signInId }: SignedIn, sending: string): OnceOnly => ({
  endpoint: "POST /admin",
  key: shortHash(signInId, sending, String(Math.floor(app.now().getTime() / keptForMs))),
  bodyHash: "", // what it holds is in the key
});

/** Whether it is as right to do from a page of a team that is not looked at any more: it is about the person alone. */
export const isOfAnyTeam = (route: string): boolean =>
  ["/admin/team", "/admin/sign-out", "/admin/settings/teams"].includes(route) ||
  route.startsWith("/admin/settings/account");

/** The token comes in a header from htmx, in the address for what is read as it comes (uploads), else in the form. */
async function readWrite(app: App, request: Request, who: SignedIn, route: string): Promise<Form> {
  requireSameSite(app, request);
  const require = (token: string) => requireCsrfToken(app, who, token, isOfAnyTeam(route));
  const ahead = request.headers.get("x-csrf-token") ?? new URL(request.url).searchParams.get("csrf");
  if (ahead !== null) require(ahead);
  const type = request.headers.get("content-type") ?? "";
  if (new URL(request.url).searchParams.has("streamed") && ahead !== null) return formOf(new FormData());
  const form = /^(multipart\/form-data|application\/x-www-form-urlencoded)\b/i.test(type)
    ? await readForm(request, app.config.server.maxBodyBytes)
    : formOf(new FormData());
  if (ahead === null) require(form.raw("csrf"));
  return form;
}

function visitOf(
  app: App,
  request: Request,
  who: SignedIn,
  { form, ...asked }: Pick<Visit, "form" | "once" | "act">,
): Visit {
  const csrf = csrfToken(app, who, newId());
  const forThem = (content: JSX.Element) =>
    h(MayWrite.Provider, { value: atLeast(who.role, "developer") }, content);
  return {
    ...who,
    ...{ request, form, csrf, ...asked },
    teamId: who.team.id,
    wantsPiece: isPieceWanted(request),
    piece: (content, status) => pieceAnswer(forThem(content), status),
    async page({ title, place, status, scripts = [], live }, content) {
      const notice = readNotice(request);
      const shell: ShellProps = {
        ...{ title, place, scripts, live, csrf, notice },
        path: new URL(request.url).pathname,
        user: who.user,
        role: who.role,
        team: who.team,
        teams: await listTeamsOf(app, who.user.id),
        theme: readTheme(request),
        isSandbox: app.sandbox,
      };
      const answer = documentAnswer(forThem(h(Shell, shell, content)), status);
      if (notice !== undefined) answer.headers.append("set-cookie", takenNotice(isSecure(app)));
      return answer;
    },
    done(path, notice) {
      const answer = isPieceWanted(request)
        ? new Response(null, { status: 204, headers: { "hx-redirect": path, "cache-control": "no-store" } })
        : leadTo(path);
      if (notice) answer.headers.append("set-cookie", noticeCookie(notice, isSecure(app)));
      return answer;
    },
    live: (live) =>
      liveAnswer(app, request, async () => mapped(await live(), forThem), {
        whose: who.user.id,
        // Who looks at another team by now is shown nothing more of this one: they may have left it.
        isStillThere: async () => {
          const token = sessionTokenOf(app, request);
          const now = token === undefined ? undefined : await findSignedIn(app, token);
          return now?.signInId === who.signInId && now.team.id === who.team.id;
        },
      }),
  };
}

const mapped = (pieces: Record<string, JSX.Element>, change: (piece: JSX.Element) => JSX.Element) =>
  Object.fromEntries(Object.entries(pieces).map(([id, piece]) => [id, change(piece)]));

/** The session's cookie; without a token, what takes it back. */
export function sessionCookieOf(app: App, token: string | undefined): string {
  const maxAgeSeconds = token === undefined ? 0 : 90 * 86_400;
  const place = isSecure(app) ? { path: "/", isSecure: true } : { isSecure: false };
  return cookie(sessionCookieName(app), token ?? "", { maxAgeSeconds, ...place });
}

export function sessionTokenOf(app: App, request: Request): string | undefined {
  return cookieOf(request, sessionCookieName(app));
}

/**
 * Behind TLS no other host of the domain, and no page that was tampered with on its way, can put one of that name into a
 * browser (RFC 6265bis §4.1.3.2); the prefix asks for the path `/`.
 */
const sessionCookieName = (app: App): string => (isSecure(app) ? `__Host-${sessionCookie}` : sessionCookie);

/** Which page of a list is asked for; what can't be a cursor begins at the start. */
export function keysetOf(query: Record<string, string | undefined>, limit = 50): Keyset & { limit: number } {
  const { after } = query;
  return after !== undefined && isId(after) ? { limit, after: after.toLowerCase() } : { limit };
}

/** The rows of a page, and the cursor of the next one where there is more. */
export function sliceOf<Row extends { id: string }>(
  rows: Row[],
  { limit }: Keyset,
): { rows: Row[]; next: string | undefined } {
  if (limit === undefined || rows.length <= limit) return { rows, next: undefined };
  const kept = rows.slice(0, limit);
  return { rows: kept, next: kept.at(-1)?.id };
}

/** As of when the form of a write showed what was there (`Seen`). */
export const seenAt = ({ form }: Visit): Date | undefined => momentOf(form.text("seen"));

export function momentOf(text = ""): Date | undefined {
  const at = new Date(text);
  return Number.isNaN(at.getTime()) ? undefined : at;
}

/** What a person sees instead of a page that can't be shown: inside the admin's frame where it is known who they are. */
export async function errorPage(app: App, request: Request, error: ErrorProps): Promise<Response> {
  const token = sessionTokenOf(app, request);
  // Where that can't be found out, the error itself is what has to be said.
  const who = token === undefined ? undefined : await findSignedIn(app, token).catch(() => undefined);
  if (!who) return errorDocument(error.title, error.message, error.status);
  const nothing = { form: formOf(new FormData()), once: undefined, act: () => undefined };
  const { pathname } = new URL(request.url);
  const places = placesOf(app.sandbox).filter(({ path }) => `${pathname}/`.startsWith(`${path}/`));
  return visitOf(app, request, who, nothing).page(
    { title: error.title, place: places.at(-1)?.id ?? "overview", status: error.status },
    h(Problem, { ...error, wasWrite: request.method === "POST" }),
  );
}

interface ErrorProps {
  title: string;
  message: string;
  status: number;
}

export function errorDocument(title: string, message: string, status: number): Response {
  return documentAnswer(h(ErrorPage, { title, message }), status);
}
