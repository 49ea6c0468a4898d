import { Type } from "@sinclair/typebox";
import { Elysia, t } from "elysia";
import { takeAttempt } from "../accounts/attempts.ts";
import { isFirstRun, mayClaim } from "../accounts/first-run.ts";
import { noteRefused } from "../accounts/refused.ts";
import { type Account, logIn, register } from "../accounts/service.ts";
import { beginSession } from "../accounts/sessions.ts";
import type { App } from "../app.ts";
import { clientAddressReader, isAtThisMachine } from "../client-address.ts";
import { Refusal } from "../errors.ts";
import { getOpenInvitation, joinByPassword } from "../invitations/service.ts";
import { anonymous } from "./auth.ts";
import { exampleId, shown } from "./example.ts";
import { answer, bodyErrorAnswers } from "./openapi.ts";

const registration = t.Object(
  {
    ...{ email: t.String(), password: t.String(), name: t.String(), team_name: t.String() },
    setup_token: t.Optional(
      t.String({
        description:
          "For the first account, unless it is made on the server's own machine: the token of the setup link that `mailit serve` prints.",
        examples: ["kR2vYb0pT8mWq4sZ1xLc7dFgH3jNu6aE"],
      }),
    ),
  },
  { additionalProperties: true },
);
const credentials = t.Object(
  {
    email: t.String(),
    password: t.String(),
    team_id: t.Optional(
      t.String({ description: "A team of theirs; the one joined last when absent.", examples: [exampleId] }),
    ),
  },
  { additionalProperties: true },
);
const acceptance = t.Object(
  {
    token: t.String({
      description: "What follows `token=` in the invitation's link.",
      examples: ["q0Yk3vVh9m2s7Xb1tLr8cWd4fJn6gPa5eZuHoKiTjQs"],
    }),
    name: t.Optional(t.String({ description: "1 to 100 characters; of no use to who has an account." })),
    password: t.String({ description: "A new one; who has an account gives the one it has." }),
  },
  { additionalProperties: true },
);
const signedIn = Type.Object({
  token: Type.String({ description: "Goes where an API key goes: `Authorization: Bearer …`." }),
  user: Type.Object({ id: Type.String({ format: "uuid" }), email: Type.String(), name: Type.String() }),
});
const { 404: notFound, ...refusals } = bodyErrorAnswers;
const security: never[] = []; // nobody has a token yet

/** Accounts of people: tokens that do what a key with full access does, for as long as `auth.jwtTtl`. */
export const authRoutes = (app: App) => {
  const clientAddress = clientAddressReader(app.config.server.trustedProxies);
  return new Elysia({ prefix: "/auth" })
    .use(anonymous(app))
    .post(
      "/register",
      async ({ body, request, server, set }) => {
        const address = clientAddress(request, server);
        takeAttempt(app, address);
        const { email, password, name, team_name: team, setup_token: token = "" } = body;
        // A browser says which site asks, and a program on this machine has nothing to say.
        const isHere = isAtThisMachine(request, server) && !request.headers.has("origin");
        if ((await isFirstRun(app)) && !mayClaim(app, isHere, token)) throw unclaimed();
        const account = await register(app, { email, password, name, team });
        set.status = 201;
        set.headers["cache-control"] = "no-store";
        return toAnswer(account, await beginSession(app, account, address));
      },
      {
        parse: "json",
        body: shown(registration),
        detail: {
          summary: "Register an account and its team",
          tags: ["Auth"],
          security,
          responses: {
            201: answer("Registered and logged in", signedIn),
            ...refusals,
          },
        },
      },
    )
    .post(
      "/login",
      async ({ body: { email, password, team_id: teamId }, request, server, set }) => {
        const address = clientAddress(request, server);
        takeAttempt(app, address);
        const account = await logIn(app, { email, password, address }, teamId).catch((error: unknown) => {
          // Also who has the password and asks for a team of others.
          if (error instanceof Refusal && error.code !== "rate_limit_exceeded")
            void noteRefused(app, email, address);
          throw error;
        });
        set.headers["cache-control"] = "no-store";
        return toAnswer(account, await beginSession(app, account, address));
      },
      {
        parse: "json",
        body: shown(credentials),
        detail: {
          summary: "Log in",
          tags: ["Auth"],
          security,
          responses: { 200: answer("Logged in", signedIn), ...refusals },
        },
      },
    )
    .post(
      "/accept-invite",
      async ({ body: { token, name = "", password }, request, server, set }) => {
        const address = clientAddress(request, server);
        takeAttempt(app, address);
        const found = await getOpenInvitation(app, token);
        const user = await joinByPassword(app, found, { name, password, address });
        set.headers["cache-control"] = "no-store";
        return toAnswer({ user }, await beginSession(app, { user, team: found.team }, address));
      },
      {
        parse: "json",
        body: shown(acceptance),
        detail: {
          summary: "Accept an invitation",
          description: "As the page that the invitation's link leads to. The token is for the team joined.",
          tags: ["Auth"],
          security,
          responses: { 200: answer("In the team, and logged in", signedIn), ...refusals, 404: notFound },
        },
      },
    );
};

const unclaimed = () =>
  new Refusal(
    "not_permitted",
    "This server has no account yet. Open the setup link that `mailit serve` printed when it started, send that link's token as `setup_token`, or register from the machine itself.",
  );

function toAnswer({ user: { id, email, name } }: Pick<Account, "user">, token: string) {
  return { token, user: { id, email, name } };
}
