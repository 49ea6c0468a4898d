import { openapi } from "@elysiajs/openapi";
import type { AnyElysia } from "elysia";
import type { App } from "../app.ts";
import { accountRoutes } from "./account.ts";
import { audienceRoutes } from "./audiences.ts";
import { authRoutes } from "./auth-routes.ts";
import { broadcastRoutes } from "./broadcasts.ts";
import { contactPropertyRoutes } from "./contact-properties.ts";
import { contactRoutes } from "./contacts.ts";
import { deliveryRoutes } from "./deliveries.ts";
import { domainClaimRoutes } from "./domain-claims.ts";
import { domainDnsRoutes } from "./domain-dns.ts";
import { domainRoutes } from "./domains.ts";
import { emailAttachmentRoutes } from "./email-attachments.ts";
import { emailChangeRoutes } from "./email-changes.ts";
import { emailSharingRoutes } from "./email-sharing.ts";
import { emailRoutes } from "./emails.ts";
import { inboundEmailRoutes } from "./inbound-emails.ts";
import { inboundRouteRoutes } from "./inbound-routes.ts";
import { keyRoutes } from "./keys.ts";
import { logRoutes } from "./logs.ts";
import { metricsRoutes } from "./metrics.ts";
import { oauthGrantRoutes } from "./oauth-grants.ts";
import { overviewRoutes } from "./overview.ts";
import { queueRoutes } from "./queue.ts";
import { queueSwitchRoutes } from "./queue-switches.ts";
import { receivingRoutes } from "./receiving.ts";
import { sandboxRoutes } from "./sandbox.ts";
import { segmentRoutes } from "./segments.ts";
import { makeServer } from "./server.ts";
import { serverSettingsRoutes } from "./server-settings.ts";
import { settingsRoutes } from "./settings.ts";
import { suppressionRoutes } from "./suppressions.ts";
import { teamRoutes } from "./team.ts";
import { templateRoutes } from "./templates.ts";
import { topicRoutes } from "./topics.ts";
import { usesRoutes } from "./uses.ts";
import { webhookRoutes } from "./webhooks.ts";

/** Every resource; their types together are more than the compiler follows, and nobody needs them. */
const resources: readonly ((app: App) => AnyElysia)[] = [
  authRoutes,
  accountRoutes,
  emailRoutes,
  emailChangeRoutes,
  emailAttachmentRoutes,
  emailSharingRoutes,
  metricsRoutes,
  deliveryRoutes,
  receivingRoutes,
  inboundEmailRoutes,
  broadcastRoutes,
  domainRoutes,
  domainDnsRoutes,
  domainClaimRoutes,
  inboundRouteRoutes,
  keyRoutes,
  suppressionRoutes,
  contactRoutes,
  contactPropertyRoutes,
  segmentRoutes,
  audienceRoutes,
  topicRoutes,
  usesRoutes,
  webhookRoutes,
  templateRoutes,
  oauthGrantRoutes,
  logRoutes,
  overviewRoutes,
  serverSettingsRoutes,
  queueRoutes,
  queueSwitchRoutes,
  teamRoutes,
  settingsRoutes,
];

/** The JSON door, all of it: what `openapi/json` describes is what is here. */
export const apiRoutes = (app: App, version: string) => {
  const server = makeServer(app).use(
    openapi({
      path: "/openapi",
      specPath: "/openapi/json",
      provider: null, // its pages load their scripts from elsewhere; ours is public/reference.ts
      documentation: {
        info: {
          title: "MailIt",
          version,
          description: "The API you know from Resend, on your own server.",
        },
        components: { securitySchemes: { bearer: { type: "http", scheme: "bearer" } } },
        security: [{ bearer: [] }],
      },
    }),
  );
  for (const routes of resources) server.use(routes(app));
  return app.sandbox ? server.use(sandboxRoutes(app)) : server;
};
