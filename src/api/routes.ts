import { openapi } from "@elysiajs/openapi";
import type { App } from "../app.ts";
import { authRoutes } from "./auth-routes.ts";
import { deliveryRoutes } from "./deliveries.ts";
import { domainRoutes } from "./domains.ts";
import { emailRoutes } from "./emails.ts";
import { keyRoutes } from "./keys.ts";
import { logRoutes } from "./logs.ts";
import { oauthGrantRoutes } from "./oauth-grants.ts";
import { queueRoutes } from "./queue.ts";
import { queueSwitchRoutes } from "./queue-switches.ts";
import { sandboxRoutes } from "./sandbox.ts";
import { makeServer } from "./server.ts";

/** The JSON door, all of it: what `openapi/json` describes is what is here. */
export const apiRoutes = (app: App, version: string) => {
  const server = makeServer(app)
    .use(
      openapi({
        path: "/openapi",
        specPath: "/openapi/json",
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
    .use(deliveryRoutes(app))
    .use(domainRoutes(app))
    .use(keyRoutes(app))
    .use(oauthGrantRoutes(app))
    .use(logRoutes(app))
    .use(queueRoutes(app))
    .use(queueSwitchRoutes(app));
  return app.sandbox ? server.use(sandboxRoutes(app)) : server;
};
