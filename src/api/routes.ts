import { openapi } from "@elysiajs/openapi";
import type { App } from "../app.ts";
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
import { queueRoutes } from "./queue.ts";
import { queueSwitchRoutes } from "./queue-switches.ts";
import { receivingRoutes } from "./receiving.ts";
import { sandboxRoutes } from "./sandbox.ts";
import { segmentRoutes } from "./segments.ts";
import { makeServer } from "./server.ts";
import { suppressionRoutes } from "./suppressions.ts";
import { teamRoutes } from "./team.ts";
import { templateRoutes } from "./templates.ts";
import { topicRoutes } from "./topics.ts";
import { webhookRoutes } from "./webhooks.ts";

/** The JSON door, all of it: what `openapi/json` describes is what is here. */
export const apiRoutes = (app: App, version: string) => {
  const server = makeServer(app)
    .use(
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
    )
    .use(authRoutes(app))
    .use(emailRoutes(app))
    .use(emailChangeRoutes(app))
    .use(emailAttachmentRoutes(app))
    .use(emailSharingRoutes(app))
    .use(metricsRoutes(app))
    .use(deliveryRoutes(app))
    .use(receivingRoutes(app))
    .use(inboundEmailRoutes(app))
    .use(broadcastRoutes(app))
    .use(domainRoutes(app))
    .use(domainDnsRoutes(app))
    .use(domainClaimRoutes(app))
    .use(inboundRouteRoutes(app))
    .use(keyRoutes(app))
    .use(suppressionRoutes(app))
    .use(contactRoutes(app))
    .use(contactPropertyRoutes(app))
    .use(segmentRoutes(app))
    .use(audienceRoutes(app))
    .use(topicRoutes(app))
    .use(webhookRoutes(app))
    .use(templateRoutes(app))
    .use(oauthGrantRoutes(app))
    .use(logRoutes(app))
    .use(queueRoutes(app))
    .use(queueSwitchRoutes(app))
    .use(teamRoutes(app));
  return app.sandbox ? server.use(sandboxRoutes(app)) : server;
};
