import { Elysia } from "elysia";
import { Fragment, h, type JSX } from "preact";
import { SignedOut, SignedOutPage } from "../../views/error.tsx";
import type { App } from "../app.ts";
import { isStorageUnavailable, Refusal, type RefusalCode } from "../errors.ts";
import { accountPages } from "./account.ts";
import { documentAnswer, leadTo, pieceAnswer } from "./answer.ts";
import { keyPages } from "./api-keys.ts";
import { broadcastPages } from "./broadcasts.ts";
import { contactImportPages } from "./contact-imports.ts";
import { contactPages } from "./contacts.ts";
import { docPages } from "./docs.ts";
import { claimPages } from "./domain-claims.ts";
import { domainPages } from "./domains.ts";
import { oneEmailPages } from "./email.ts";
import { newEmailPages } from "./email-new.ts";
import { emailPages } from "./emails.ts";
import { erasurePages } from "./erasures.ts";
import { firstRunPages } from "./first-run.ts";
import { inboundRoutePages } from "./inbound-routes.ts";
import { invitationPages } from "./invitation.ts";
import { logPages } from "./logs.ts";
import { metricsPages } from "./metrics.ts";
import { inWords } from "./mistakes.ts";
import { noteAnswer, SentBefore } from "./once.ts";
import { overviewPages } from "./overview.ts";
import { palettePages } from "./palette.ts";
import { peoplePages } from "./people.ts";
import { propertyPages } from "./properties.ts";
import { queuePages } from "./queue.ts";
import { receivingPages } from "./receiving.ts";
import { isPieceWanted } from "./request.ts";
import { sandboxPages } from "./sandbox.ts";
import { segmentPages } from "./segments.ts";
import { settingsPages } from "./settings.ts";
import { signInPages } from "./sign-in.ts";
import { suppressionPages } from "./suppressions.ts";
import { templatePages } from "./templates.ts";
import { themePages } from "./theme-switch.ts";
import { topicPages } from "./topics.ts";
import { errorDocument, errorPage, NotSignedIn } from "./visit.ts";
import { webhookEventTypePages } from "./webhook-event-types.ts";
import { webhookEventPages } from "./webhook-events.ts";
import { webhookPages } from "./webhooks.ts";

/** Every page of the admin. */
export const adminPages = (app: App) =>
  new Elysia({ prefix: "/admin", normalize: false, handler: { standardHostname: false } })
    .onParse({ as: "global" }, () => null) // forms are read by `signedIn`, once it is known whose they are
    .onError({ as: "global" }, ({ error, code, request, route }) =>
      answerError(app, { error, code, request, route }),
    )
    .onAfterHandle({ as: "global" }, ({ request, responseValue }) =>
      noteAnswer(app, request, responseValue instanceof Response ? responseValue : undefined),
    )
    .use(signInPages(app))
    .use(themePages(app))
    .use(keyPages(app))
    .use(contactImportPages(app))
    .use(erasurePages(app))
    .use(contactPages(app))
    .use(segmentPages(app))
    .use(topicPages(app))
    .use(propertyPages(app))
    .use(emailPages(app))
    .use(newEmailPages(app))
    .use(oneEmailPages(app))
    .use(palettePages(app))
    .use(claimPages(app))
    .use(domainPages(app))
    .use(suppressionPages(app))
    .use(webhookPages(app))
    .use(webhookEventPages(app))
    .use(webhookEventTypePages(app))
    .use(templatePages(app))
    .use(broadcastPages(app))
    .use(inboundRoutePages(app))
    .use(receivingPages(app))
    .use(sandboxPages(app))
    .use(firstRunPages(app))
    .use(invitationPages(app))
    .use(settingsPages(app))
    .use(peoplePages(app))
    .use(accountPages(app))
    .use(overviewPages(app))
    .use(metricsPages(app))
    .use(logPages(app))
    .use(queuePages(app))
    .use(docPages(app));

/**
 * The HTML door. It is a server of its own inside the API's: its errors are pages, its bodies are forms, and each of
 * its requests is handled as somebody's.
 */
export const adminRoutes = (app: App) => {
  const admin = adminPages(app).compile();
  const handle = ({ request, server }: { request: Request; server: Elysia["server"] }) => {
    // It holds the Host header as it came, which need not be one.
    if (!URL.canParse(request.url)) return unreadableHost();
    admin.server = server; // whom to ask for a client's address
    return app.acting.run({}, () => admin.handle(request));
  };
  return new Elysia({ detail: { hide: true } }).all("/admin", handle).all("/admin/*", handle);
};

const unreadableHost = () =>
  errorDocument(
    "There is no such page",
    "The request names no host that can be: open the admin by its own address.",
    400,
  );

interface Failed {
  error: unknown;
  code: unknown;
  request: Request;
  route: string;
}

async function answerError(app: App, { error, code, request, route }: Failed): Promise<Response> {
  if (error instanceof SentBefore) return error.answer;
  await noteAnswer(app, request);
  if (error instanceof NotSignedIn) return leadToSignIn(request);
  const { status, title, message } = toSentence(error, code);
  if (status >= 500) {
    app.log.error({ err: error, method: request.method, route }, "a page of the admin failed");
  }
  if (!isPieceWanted(request)) return errorPage(app, request, { title, message, status });
  return problemPiece(h(Fragment, {}, message), status);
}

/** The piece it asked for stays as it is; what went wrong is said at the head of the page. */
function problemPiece(problem: JSX.Element, status: number): Response {
  const answer = pieceAnswer(problem, status);
  answer.headers.set("hx-retarget", "#problem");
  answer.headers.set("hx-reswap", "innerHTML");
  return answer;
}

/** Leads to where one can sign in; whoever has written something keeps the page it is on. */
function leadToSignIn(request: Request): Response {
  const isPiece = isPieceWanted(request);
  if (request.method === "GET") {
    const shown = isPiece ? URL.parse(request.headers.get("hx-current-url") ?? "") : new URL(request.url);
    const back = shown ? `${shown.pathname}${shown.search}` : "/admin";
    const path = back === "/admin" ? "/admin/sign-in" : `/admin/sign-in?${new URLSearchParams({ to: back })}`;
    return isPiece ? new Response(null, { status: 401, headers: { "hx-redirect": path } }) : leadTo(path);
  }
  if (isPiece) return problemPiece(h(SignedOut, {}), 401);
  return documentAnswer(h(SignedOutPage, {}), 401);
}

function toSentence(error: unknown, code: unknown): { status: number; title: string; message: string } {
  if (error instanceof Refusal) {
    return {
      status: statuses[error.code] ?? 422,
      title: titles[error.code] ?? "That was not done",
      message: inWords(error.message),
    };
  }
  if (code === "NOT_FOUND") {
    return {
      status: 404,
      title: "There is no such page",
      message: "The address is wrong, or what was there has been removed.",
    };
  }
  if (isStorageUnavailable(error)) {
    return {
      status: 503,
      title: "The database can't be used now",
      message:
        "Nothing was changed. The server's disk may be full: its log says what is wrong. Try again once that is mended.",
    };
  }
  return {
    status: 500,
    title: "Something went wrong",
    message: "The server's log says what. Nothing more is known here; try again.",
  };
}

const statuses: Partial<Record<RefusalCode, number>> = {
  invalid_json: 400,
  payload_too_large: 413,
  invalid_credentials: 401,
  not_permitted: 403,
  not_found: 404,
  already_exists: 409,
  rate_limit_exceeded: 429,
  service_unavailable: 503,
};

const titles: Partial<Record<RefusalCode, string>> = {
  not_permitted: "You may not do that",
  not_found: "It is not here",
  rate_limit_exceeded: "Too often",
};
