import { Type as t } from "@sinclair/typebox";
import { Elysia } from "elysia";
import { h } from "preact";
import { NothingSharedPage, SharedPage } from "../../views/shared-email.tsx";
import type { App } from "../app.ts";
import type { LinkedAttachment } from "../emails/attachments.ts";
import { findSharedEmail, type SharedEmail } from "../emails/share.ts";
import { htmlOf } from "../html-of.ts";
import { hasRemotePictures } from "../mail/remote-pictures.ts";

/**
 * An email in `srcdoc` lives under the policy of the page around it, and emails are made of inline styles and pictures
 * from anywhere: the styles are allowed for its sake, what comes from other hosts where its reader asks for it. The page
 * itself has none, and nobody has scripts, forms or frames.
 */
const policyOf = ({ config }: App, hasPictures: boolean) => {
  const elsewhere = hasPictures ? " https: http:" : "";
  return [
    "default-src 'none'",
    "style-src 'self' 'unsafe-inline'",
    `img-src 'self' data: ${new URL(config.server.publicUrl).origin}${elsewhere}`,
    `font-src data:${elsewhere}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
};

/** One email for whoever has a link to it. */
export const sharedRoutes = (app: App) =>
  new Elysia().get(
    "/shared",
    async ({ query }) => {
      const { token = "" } = query;
      const shared = await findSharedEmail(app, token);
      const showsPictures = query.pictures === "1";
      const policy = policyOf(app, showsPictures);
      return shared
        ? page(200, htmlOf(h(SharedPage, { ...toProps(shared), token, showsPictures })), policy)
        : page(404, htmlOf(h(NothingSharedPage, {})), policy);
    },
    {
      query: t.Object(
        { token: t.Optional(t.String()), pictures: t.Optional(t.String()) },
        { additionalProperties: true },
      ),
      detail: {
        summary: "Show a shared email by its signed link",
        tags: ["Emails"],
        security: [],
        responses: { 200: html("The email"), 404: html("The link is forged or has expired") },
      },
    },
  );

const html = (description: string) => ({ description, content: { "text/html": { schema: t.String() } } });

function page(status: number, content: string, policy: string): Response {
  return new Response(`<!doctype html>${content}`, {
    status,
    headers: {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": policy,
      "x-content-type-options": "nosniff",
      // The address is all that is needed to read the email: it must not get around.
      "referrer-policy": "no-referrer",
      "x-robots-tag": "noindex, nofollow",
      "cache-control": "private, no-store",
    },
  });
}

function toProps({ email, attachments, expiresAt }: SharedEmail) {
  const { sender, recipients, cc, subject, html, text, scheduledAt, createdAt } = email;
  const inline = attachments.filter(({ contentId }) => contentId && html?.includes(`cid:${contentId}`));
  return {
    subject: subject.trim() || "(no subject)",
    from: sender,
    ...{ to: recipients, cc, text, expiresAt },
    // Not bcc: whoever is given the link may know no more than the recipients do.
    html: html && withPictures(html, inline),
    hasRemotePictures: html !== null && hasRemotePictures(html),
    date: scheduledAt && scheduledAt > createdAt ? scheduledAt : createdAt,
    attachments: attachments
      .filter((attachment) => !inline.includes(attachment))
      .map(({ filename, size, downloadUrl }) => ({ name: filename || "attachment", size, url: downloadUrl })),
  };
}

/** What an email shows from its own attachments has addresses here that only its recipients' programs understand. */
function withPictures(html: string, inline: LinkedAttachment[]): string {
  const urls = new Map(inline.map(({ contentId, downloadUrl }) => [contentId, downloadUrl]));
  return html.replace(/\bcid:([^\s"'<>)]+)/g, (whole, contentId: string) => urls.get(contentId) ?? whole);
}
