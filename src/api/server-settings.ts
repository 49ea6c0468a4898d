import { Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import type { App } from "../app.ts";
import { smtpAccess, toldSettings } from "../config/told.ts";
import { authenticated } from "./auth.ts";
import { answer, errorAnswers } from "./openapi.ts";

const port = (example: number) =>
  Type.Union([Type.Integer({ examples: [example] }), Type.Null()], {
    description: "Null where the system chooses one at each start.",
  });
const serverAnswer = Type.Object({
  object: Type.Literal("server"),
  url: Type.String({ examples: ["https://mail.example.com"] }),
  sandbox: Type.Boolean(),
  smtp: Type.Object(
    {
      host: Type.String({ examples: ["mail.example.com"] }),
      starttls_port: port(587),
      tls_port: port(465),
      self_signed: Type.Boolean({
        description:
          "Whether the certificate vouches for itself: programs must then be told not to check it.",
      }),
    },
    { description: "Where programs hand in mail; an API key is the password." },
  ),
  settings: Type.Array(
    Type.Object({
      key: Type.String({ examples: ["smtpOutbound.giveUpAfter"] }),
      variable: Type.String({ examples: ["MAILIT_SMTP_OUTBOUND_GIVE_UP_AFTER"] }),
      value: Type.String({ examples: ["2d"] }),
      description: Type.String({ examples: ["How long an email is tried."] }),
    }),
    { description: "Those people ask about, as the configuration is written." },
  ),
});

/** How the server is reached and set. */
export const serverSettingsRoutes = (app: App) =>
  new Elysia().use(authenticated(app, "full_access")).get("/server", () => toAnswer(app), {
    detail: {
      summary: "See how the server is reached and set",
      tags: ["Server"],
      responses: { 200: answer("Its addresses and settings", serverAnswer), ...errorAnswers },
    },
  });

function toAnswer({ config, sandbox }: App) {
  const { host, startTls = null, tls = null, isSelfSigned } = smtpAccess(config, sandbox);
  return {
    object: "server" as const,
    url: config.server.publicUrl,
    sandbox,
    smtp: { host, starttls_port: startTls, tls_port: tls, self_signed: isSelfSigned },
    settings: toldSettings(config).map(({ path, env, value, doc }) => ({
      ...{ key: path, variable: env, value, description: doc },
    })),
  };
}
