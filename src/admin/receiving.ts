/** Mail that came in, as the team reads it. */

import { Elysia } from "elysia";
import { h, type JSX } from "preact";
import { Files, Headers, MailBody, MailText, Raw } from "../../views/parts/message.tsx";
import {
  FreshRows,
  OriginTab,
  ReceivedList,
  type ReceivedListProps,
  ReceivedPage,
  ReceivedRows,
  ReceivingPage,
} from "../../views/receiving.tsx";
import type { App } from "../app.ts";
import { listDomains } from "../domains/service.ts";
import { Refusal } from "../errors.ts";
import { findReceivedBy, getReceivedEmail, type ReceivedWhole, removeReceived } from "../inbound/received.ts";
import { getReceivedStart } from "../inbound/received-files.ts";
import { linkReceivedAttachment } from "../inbound/received-links.ts";
import { type TriedAddress, tryAddress } from "../inbound/try-address.ts";
import { hasRemotePictures } from "../mail/remote-pictures.ts";
import { getToldOfReceived } from "../webhooks/read.ts";
import { pathOf } from "./file.ts";
import { mailDocument } from "./mail-document.ts";
import { headerFields, rawText } from "./message-text.ts";
import { keysetOf, signedIn, type Visit } from "./visit.ts";

type Query = Record<string, string | undefined>;

export const receivingPages = (app: App) =>
  new Elysia({ prefix: "/receiving" }).use(listPages(app)).use(messagePages(app));

const listPages = (app: App) =>
  new Elysia()
    .use(signedIn(app))
    .get("", async ({ visit, query }) => {
      const list = await listOf(app, visit, query);
      if (visit.wantsPiece && query.after !== undefined) return visit.piece(h(ReceivedRows, list));
      return visit.page(
        { title: "Received", place: "receiving", live: liveOf(list) },
        h(ReceivingPage, { list }),
      );
    })
    .get("/live", ({ visit, query }) => {
      const { since, ...asked } = query;
      return visit.live(async (): Promise<Record<string, JSX.Element>> => {
        const list = await listOf(app, visit, asked);
        if (since === undefined) return list.emails.length > 0 ? { received: h(ReceivedList, list) } : {};
        return { fresh: h(FreshRows, { ...list, emails: list.emails.filter(({ id }) => id > since) }) };
      });
    });

async function listOf(app: App, visit: Visit, query: Query): Promise<ReceivedListProps> {
  const { q = "", kind: wanted } = query;
  const kind = wanted === "report" ? "report" : "email";
  const { emails, next } = await findReceivedBy(app, visit.teamId, kind, q, keysetOf(query));
  const asked = new URLSearchParams({ ...(q && { q }), ...(kind === "report" && { kind }) });
  const more = next && `/admin/receiving?${new URLSearchParams([...asked, ["after", next]])}`;
  const isEmpty = emails.length === 0 && q === "";
  return {
    emails,
    next: more,
    q,
    kind,
    now: app.now(),
    domain: isEmpty ? await receiving(app, visit) : undefined,
  };
}

/** Of a search nothing is kept: it says what was found when it was asked. */
function liveOf({ emails, q, kind }: ReceivedListProps): string | undefined {
  if (q !== "") return undefined;
  const newest = emails[0]?.id;
  return `/admin/receiving/live?${new URLSearchParams({ kind, ...(newest && { since: newest }) })}`;
}

async function receiving(app: App, { teamId }: Visit): Promise<string | undefined> {
  const domains = await listDomains(app, teamId, { limit: 100 });
  return domains.find((domain) => domain.receiving)?.name;
}

const messagePages = (app: App) =>
  new Elysia()
    .use(signedIn(app))
    .get("/:id", async ({ visit, params, query }) => {
      const email = await read(app, visit, params.id);
      const path = `/admin/receiving/${email.id}`;
      const frame = email.html
        ? {
            ...{ src: `${path}/document`, path, showsPictures: query.pictures === "1" },
            hasRemotePictures: hasRemotePictures(email.html),
          }
        : undefined;
      return messagePage(visit, email, "", h(MailBody, { frame, text: email.text }));
    })
    .get("/:id/document", async ({ visit, params, query }) => {
      const { html } = await getReceivedEmail(app, visit.teamId, params.id, "data_uri");
      if (!html) throw new Refusal("not_found", "This message has no HTML.");
      return mailDocument(html, { hasPictures: query.pictures === "1" });
    })
    .get("/:id/origin", async ({ visit, params }) => {
      const email = await read(app, visit, params.id);
      const [routes, told] = await Promise.all([
        Promise.all(email.receivedFor.slice(0, 20).map((address) => tried(app, visit, address))),
        getToldOfReceived(app, visit.teamId, email.id),
      ]);
      const known = routes.filter((route) => route !== undefined);
      return messagePage(visit, email, "/origin", h(OriginTab, { email, routes: known, told }));
    })
    .get("/:id/text", async ({ visit, params }) => {
      const email = await read(app, visit, params.id);
      return messagePage(visit, email, "/text", h(MailText, { text: email.text }));
    })
    .get("/:id/headers", async ({ visit, params }) => {
      const email = await read(app, visit, params.id);
      const fields = headerFields(await getReceivedStart(app, visit.teamId, email.id));
      return messagePage(visit, email, "/headers", h(Headers, { fields }));
    })
    .get("/:id/raw", async ({ visit, params }) => {
      const email = await read(app, visit, params.id);
      const { text, isCut } = rawText(await getReceivedStart(app, visit.teamId, email.id));
      const raw = { text, isCut, download: pathOf(email.raw.downloadUrl) };
      return messagePage(visit, email, "/raw", h(Raw, raw));
    })
    .get("/:id/attachments", async ({ visit, params }) => {
      const email = await read(app, visit, params.id);
      const files = email.attachments.map((row) => ({
        ...{ name: row.filename, type: row.contentType, size: row.size },
        href: pathOf(linkReceivedAttachment(app, row).downloadUrl),
        isInline: row.contentDisposition === "inline",
      }));
      return messagePage(visit, email, "/attachments", h(Files, { files }));
    })
    .post("/:id/delete", async ({ visit, params }) => {
      visit.act("Deleted a received message");
      await removeReceived(app, visit.teamId, params.id);
      return visit.done("/admin/receiving", "The message is deleted.");
    });

const read = (app: App, { teamId }: Visit, id: string) => getReceivedEmail(app, teamId, id, "cid");

/** Undefined for what is none of the team's addresses any more. */
async function tried(app: App, { teamId }: Visit, address: string): Promise<TriedAddress | undefined> {
  return tryAddress(app, teamId, address).catch((error: unknown) => {
    if (error instanceof Refusal) return undefined;
    throw error;
  });
}

function messagePage(
  visit: Visit,
  email: ReceivedWhole,
  tab: string,
  content: JSX.Element,
): Promise<Response> {
  const title = email.subject.trim() || "(no subject)";
  const props = { email, csrf: visit.csrf, current: `/admin/receiving/${email.id}${tab}` };
  return visit.page({ title, place: "receiving" }, h(ReceivedPage, props, content));
}
