import { Type as t } from "@sinclair/typebox";
import { Elysia } from "elysia";
import type { App } from "../app.ts";
import { shareEmail } from "../emails/share.ts";
import { authenticated } from "./auth.ts";
import { shown } from "./example.ts";
import { answer, bodyErrorAnswers } from "./openapi.ts";

const shareRequest = t.Object({
  expires_in: t.Optional(
    t.Union([t.String(), t.Null()], {
      description: "It must be a duration such as `10m`, `2 hours` or `1 day`, at most 48 hours.",
      examples: ["2 hours"],
    }),
  ),
});

const shareAnswer = t.Object({
  object: t.Literal("email"),
  id: t.String({ format: "uuid" }),
  url: t.String({ format: "uri", description: "Shows the email to whoever has it." }),
});

/** Links that show one email without a key. */
export const emailSharingRoutes = (app: App) =>
  new Elysia({ prefix: "/emails" }).use(authenticated(app, "full_access")).post(
    "/:id/share",
    async ({ caller, params, body }) => {
      const { id, url } = await shareEmail(app, caller.teamId, params.id, body.expires_in ?? undefined);
      return { object: "email" as const, id, url };
    },
    {
      parse: "json",
      body: shown(shareRequest),
      detail: {
        summary: "Share an email by a link",
        tags: ["Emails"],
        responses: { 200: answer("The link", shareAnswer), ...bodyErrorAnswers },
      },
    },
  );
