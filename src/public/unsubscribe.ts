import { Type as t } from "@sinclair/typebox";
import { Elysia } from "elysia";
import { h } from "preact";
import { NothingToLeavePage, UnsubscribePage } from "../../views/unsubscribe.tsx";
import type { App } from "../app.ts";
import {
  choosePreferences,
  getPreferences,
  joinAgain,
  leave,
  leaveAll,
  readLeaving,
} from "../emails/unsubscribe.ts";
import { htmlOf } from "../html-of.ts";
import type { Leaving } from "../mail/unsubscribe.ts";

const policy = [
  "default-src 'none'",
  "style-src 'self'",
  "img-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join("; ");

const query = t.Object({ token: t.Optional(t.String()) }, { additionalProperties: true });

/**
 * Where people leave what they are sent. `GET` shows and changes nothing, since scanners follow every link in a message;
 * `POST` acts: that of a mail program's own button (RFC 8058) at once, that of the page as its form says.
 */
export const unsubscribeRoutes = (app: App) =>
  new Elysia()
    .get(
      "/unsubscribe",
      async ({ query }) => {
        const leaving = await readLeaving(app, query.token ?? "");
        return leaving ? show(app, leaving) : nothingToLeave(query.token);
      },
      {
        query,
        detail: {
          summary: "Show what a recipient gets, and how to leave it",
          tags: ["Unsubscribe"],
          security: [],
          responses: { 200: html("Their preferences"), 404: html("The link is forged") },
        },
      },
    )
    .post(
      "/unsubscribe",
      async ({ query, request }) => {
        const leaving = await readLeaving(app, query.token ?? "");
        if (!leaving) return nothingToLeave(query.token);
        return show(app, leaving, await act(app, leaving, await readForm(request)));
      },
      {
        query,
        detail: {
          summary: "Leave what a message was about: at once (RFC 8058), or as the page's form says",
          tags: ["Unsubscribe"],
          security: [],
          responses: { 200: html("Done"), 404: html("The link is forged") },
        },
      },
    );

const html = (description: string) => ({ description, content: { "text/html": { schema: t.String() } } });

/** Does what a form asks for; gives what was done, in a sentence. */
async function act(app: App, leaving: Leaving, form: Form): Promise<string> {
  switch (form.first("action")) {
    case "save":
      await choosePreferences(app, leaving, { shown: form.all("shown"), wanted: form.all("topic") });
      return "Your choice is saved.";
    case "leave_all":
      await leaveAll(app, leaving);
      return "You are unsubscribed from everything.";
    case "join":
      await joinAgain(app, leaving);
      return "You are subscribed again.";
    default:
      // `List-Unsubscribe=One-Click`. Whatever else is sent here by POST was meant to stop the mail as well.
      await leave(app, leaving);
      return "You are unsubscribed.";
  }
}

interface Form {
  first(name: string): string | undefined;
  all(name: string): string[];
}

const maxFormBytes = 64 * 1024;

/** RFC 8058 §3.2 has both kinds of forms. What can't be read is an empty one. */
async function readForm(request: Request): Promise<Form> {
  const data = await readData(request).catch(() => undefined);
  const all = (name: string) => (data?.getAll(name) ?? []).filter((value) => typeof value === "string");
  return { first: (name) => all(name)[0], all };
}

async function readData(request: Request) {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of request.body ?? []) {
    size += piece.length;
    if (size > maxFormBytes) return undefined;
    pieces.push(piece);
  }
  const type = request.headers.get("content-type") ?? "application/x-www-form-urlencoded";
  return new Response(Buffer.concat(pieces), { headers: { "content-type": type } }).formData();
}

async function show(app: App, leaving: Leaving, done?: string): Promise<Response> {
  return page(200, htmlOf(h(UnsubscribePage, { preferences: await getPreferences(app, leaving), done })));
}

const nothingToLeave = (token: string | undefined): Response =>
  page(token === undefined ? 400 : 404, htmlOf(h(NothingToLeavePage, {})));

function page(status: number, content: string): Response {
  return new Response(`<!doctype html>${content}`, {
    status,
    headers: {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": policy,
      "x-content-type-options": "nosniff",
      // The address is all that is needed to choose for somebody: it must not get around.
      "referrer-policy": "no-referrer",
      "x-robots-tag": "noindex, nofollow",
      "cache-control": "private, no-store",
    },
  });
}
