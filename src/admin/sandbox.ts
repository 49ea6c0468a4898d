/** The inbox of a sandbox: what would have gone to the internet. */

import { Elysia } from "elysia";
import { h, type JSX } from "preact";
import { Files, Headers, MailBody, MailText, Raw } from "../../views/parts/message.tsx";
import {
  ClearInbox,
  FreshMessages,
  Inbox,
  InboxPage,
  type InboxProps,
  InboxRows,
  MessagePage,
  ReceivePage,
  type ReceiveProps,
} from "../../views/sandbox.tsx";
import type { App } from "../app.ts";
import { listDomains } from "../domains/service.ts";
import { Refusal } from "../errors.ts";
import { hasRemotePictures } from "../mail/remote-pictures.ts";
import { injectMail } from "../sandbox/inject.ts";
import { clearSandbox, getSandboxInbox, getSandboxMessage, type ReadMessage } from "../sandbox/read.ts";
import { fileAnswer } from "./file.ts";
import { mailDocument } from "./mail-document.ts";
import { headerFields, rawText } from "./message-text.ts";
import { mistakesOf } from "./mistakes.ts";
import { keysetOf, signedIn, sliceOf, type Visit } from "./visit.ts";

const base = "/admin/sandbox";

/** There are none where mail really goes out. */
export const sandboxPages = (app: App) =>
  app.sandbox
    ? new Elysia({ prefix: "/sandbox" }).use(inboxPages(app)).use(receivePages(app)).use(messagePages(app))
    : new Elysia();

const inboxPages = (app: App) =>
  new Elysia()
    .use(signedIn(app))
    .get("", async ({ visit, query }) => {
      const inbox = await inboxOf(app, visit, query);
      if (visit.wantsPiece) return visit.piece(h(InboxRows, inbox));
      const newest = inbox.messages[0]?.id;
      const live = newest ? `${base}/live?since=${newest}` : `${base}/live`;
      return visit.page(
        { title: "Sandbox inbox", place: "sandbox", live },
        h(InboxPage, { inbox, csrf: visit.csrf }),
      );
    })
    .get("/live", ({ visit, query: { since } }) =>
      visit.live(async (): Promise<Record<string, JSX.Element>> => {
        const inbox = await inboxOf(app, visit, {});
        if (since === undefined) {
          if (inbox.messages.length === 0) return {};
          return {
            inbox: h(Inbox, inbox),
            "clear-inbox": h(ClearInbox, { isEmpty: false, csrf: visit.csrf }),
          };
        }
        const messages = inbox.messages.filter(({ id }) => id > since);
        return { fresh: h(FreshMessages, { ...inbox, messages }) };
      }),
    )
    .post("/clear", async ({ visit }) => {
      visit.act("Cleared the sandbox inbox", "");
      const removed = await clearSandbox(app, visit.teamId);
      return visit.done(base, removed === 1 ? "1 message is removed." : `${removed} messages are removed.`);
    });

async function inboxOf(
  app: App,
  { teamId }: Visit,
  query: Record<string, string | undefined>,
): Promise<InboxProps> {
  const page = keysetOf(query);
  const { rows, next } = sliceOf(await getSandboxInbox(app, teamId, page), page);
  return { messages: rows, next, now: app.now() };
}

const receiveFields = ["from", "to", "subject", "text", "html"] as const;

const receivePages = (app: App) =>
  new Elysia()
    .use(signedIn(app))
    .get("/receive", async ({ visit }) => {
      const domain = await receiving(app, visit);
      const to = domain ? `hello@${domain}` : "";
      const values = { from: "Ada <ada@elsewhere.test>", to, subject: "Hello", text: "Hello!", html: "" };
      return receivePage(visit, { values, mistakes: {}, domain });
    })
    .post("/receive", async ({ visit }) => {
      const { text, raw } = visit.form;
      const values = {
        ...{ from: text("from"), to: text("to"), subject: text("subject") },
        ...{ text: raw("text"), html: raw("html") },
      };
      visit.act(`Received a message from nowhere for ${values.to.slice(0, 100)}`, "");
      try {
        const { isDropped } = await injectMail(app, visit.teamId, {
          ...{ from: values.from, to: values.to, subject: values.subject },
          ...(values.text && { text: values.text }),
          ...(values.html && { html: values.html }),
        });
        return visit.done(
          "/admin/receiving",
          isDropped ? "A route had it thrown away: nothing of it is kept." : "The message is received.",
        );
      } catch (error) {
        const mistakes = mistakesOf(error, receiveFields);
        return receivePage(visit, { values, mistakes, domain: await receiving(app, visit) });
      }
    });

function receivePage(visit: Visit, props: Omit<ReceiveProps, "csrf">): Promise<Response> {
  const status = Object.keys(props.mistakes).length > 0 ? 422 : 200;
  return visit.page(
    { title: "Receive a message", place: "sandbox", status },
    h(ReceivePage, { ...props, csrf: visit.csrf }),
  );
}

async function receiving(app: App, { teamId }: Visit): Promise<string | undefined> {
  const domains = await listDomains(app, teamId, { limit: 100 });
  return domains.find((domain) => domain.receiving)?.name;
}

const messagePages = (app: App) =>
  new Elysia()
    .use(signedIn(app))
    .get("/:id", async ({ visit, params, query }) => {
      const message = await getSandboxMessage(app, visit.teamId, params.id);
      const { html, text = null } = message.parsed;
      const path = `${base}/${message.id}`;
      const frame = html
        ? {
            ...{ src: `${path}/document`, path, showsPictures: query.pictures === "1" },
            hasRemotePictures: hasRemotePictures(html),
          }
        : undefined;
      return messagePage(visit, message, "", h(MailBody, { frame, text }));
    })
    .get("/:id/document", async ({ visit, params, query }) => {
      const { parsed } = await getSandboxMessage(app, visit.teamId, params.id);
      if (!parsed.html) throw new Refusal("not_found", "This message has no HTML.");
      return mailDocument(parsed.html, { hasPictures: query.pictures === "1" });
    })
    .get("/:id/text", async ({ visit, params }) => {
      const message = await getSandboxMessage(app, visit.teamId, params.id);
      return messagePage(visit, message, "/text", h(MailText, { text: message.parsed.text ?? null }));
    })
    .get("/:id/headers", async ({ visit, params }) => {
      const message = await getSandboxMessage(app, visit.teamId, params.id);
      return messagePage(visit, message, "/headers", h(Headers, { fields: headerFields(message.raw) }));
    })
    .get("/:id/raw", async ({ visit, params }) => {
      const message = await getSandboxMessage(app, visit.teamId, params.id);
      const raw = { ...rawText(message.raw), download: `${base}/${message.id}/message.eml` };
      return messagePage(visit, message, "/raw", h(Raw, raw));
    })
    .get("/:id/message.eml", async ({ visit, params }) => {
      const { id, raw } = await getSandboxMessage(app, visit.teamId, params.id);
      return fileAnswer(raw, `${id}.eml`, "message/rfc822");
    })
    .get("/:id/attachments", async ({ visit, params }) => {
      const message = await getSandboxMessage(app, visit.teamId, params.id);
      const files = message.parsed.attachments.map(({ filename, contentType, size, related }, index) => ({
        ...{ name: filename ?? null, type: contentType, size, isInline: related === true },
        href: `${base}/${message.id}/attachments/${index}`,
      }));
      return messagePage(visit, message, "/attachments", h(Files, { files }));
    })
    .get("/:id/attachments/:index", async ({ visit, params }) => {
      const { parsed } = await getSandboxMessage(app, visit.teamId, params.id);
      const file = parsed.attachments[Number(params.index)];
      if (!file) throw new Refusal("not_found", "Attachment not found");
      return fileAnswer(file.content, file.filename ?? null, "application/octet-stream");
    });

function messagePage(
  visit: Visit,
  message: ReadMessage,
  tab: string,
  content: JSX.Element,
): Promise<Response> {
  const title = message.parsed.subject?.trim() || "(no subject)";
  return visit.page(
    { title, place: "sandbox" },
    h(MessagePage, { message, current: `${base}/${message.id}${tab}` }, content),
  );
}
