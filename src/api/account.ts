import { Type } from "@sinclair/typebox";
import { Elysia, t } from "elysia";
import {
  changeOwnPassword,
  getOwnAccount,
  type OwnAccount,
  renameSelf,
  tokenForTeam,
} from "../accounts/account.ts";
import { takeAttempt } from "../accounts/attempts.ts";
import type { SignIn } from "../accounts/schema.ts";
import { issueToken } from "../accounts/sessions.ts";
import { listSignIns, listTeamsOf, signOut, signOutElsewhere } from "../accounts/sign-ins.ts";
import type { App } from "../app.ts";
import { Refusal } from "../errors.ts";
import { roles } from "../roles.ts";
import { actingAs } from "./acting.ts";
import { authenticatedPerson, type PersonCaller } from "./auth.ts";
import { shown } from "./example.ts";
import { listAnswer, pageQuery, readPage } from "./list.ts";
import { answer, bodyErrorAnswers, errorAnswers, listOf } from "./openapi.ts";

const tags = ["Account"];
const id = Type.String({ format: "uuid" });
const time = Type.String({ format: "date-time" });
const role = Type.String({ enum: [...roles] });
const person = Type.String({ examples: ["Ada Lovelace"] });
const teamName = Type.String({ examples: ["Acme"] });

const renaming = t.Object(
  { name: t.String({ description: "1 to 100 characters.", examples: ["Ada Lovelace"] }) },
  { additionalProperties: true },
);
const passwords = t.Object(
  {
    old_password: t.String({ examples: ["correct horse"] }),
    password: t.String({ description: "The new one, 8 to 1000 characters." }),
  },
  { additionalProperties: true },
);

const account = Type.Object({
  object: Type.Literal("account"),
  ...{ id, name: person, email: Type.String(), role },
  team: Type.Object({ id, name: teamName }),
  created_at: time,
});
const token = (description: string) => Type.String({ description });
const changed = Type.Object({
  object: Type.Literal("account"),
  id,
  token: token("In place of the one that asked, which has ended with the old password."),
});
const signInFields = {
  id,
  address: Type.String({ description: "The network address it was made from." }),
  user_agent: Type.String({ examples: ["Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101"] }),
  created_at: time,
  last_seen_at: Type.String({ format: "date-time", description: "To about five minutes." }),
  expires_at: time,
};
const ended = Type.Object({ object: Type.Literal("sign_in"), id, deleted: Type.Literal(true) });
const allEnded = Type.Object({ object: Type.Literal("sign_in"), deleted: Type.Literal(true) });
const ownTeam = Type.Object({
  ...{ id, name: teamName, role },
  is_current: Type.Boolean({ description: "Whether the token that asks is for it." }),
  created_at: time,
});
const madeToken = Type.Object({
  object: Type.Literal("token"),
  token: token("Does in that team what its person may do there."),
  team: Type.Object({ id, name: teamName }),
});

/** What is a person's own, whatever their role in the team: for the token of a login, and for no key. */
export const accountRoutes = (app: App) =>
  new Elysia({ prefix: "/account" }).use(selfRoutes(app)).use(signInRoutes(app)).use(teamRoutes(app));

const getAccount = (app: App, { teamId, userId }: PersonCaller) => getOwnAccount(app, teamId, userId);

const selfRoutes = (app: App) =>
  new Elysia()
    .use(authenticatedPerson(app))
    .get("", async ({ caller }) => toAccount(await getAccount(app, caller)), {
      detail: {
        summary: "Get one's own account",
        tags,
        responses: { 200: answer("The person, and the team the token is for", account), ...errorAnswers },
      },
    })
    .patch(
      "",
      async ({ caller, body, asked }) => {
        const { user } = await getAccount(app, caller);
        await actingAs(app, caller, asked, "Changed their own name", user.id, () =>
          renameSelf(app, { user }, body.name),
        );
        return toAccount(await getAccount(app, caller));
      },
      {
        parse: "json",
        body: shown(renaming),
        detail: {
          summary: "Change one's own name",
          tags,
          responses: { 200: answer("Changed", account), ...bodyErrorAnswers },
        },
      },
    )
    .post(
      "/password",
      async ({ caller, body, asked, set }) => {
        const address = asked?.address ?? "";
        takeAttempt(app, address);
        const { user } = await getAccount(app, caller);
        const { old_password: old, password } = body;
        const act = "Changed their own password";
        const changed = await actingAs(app, caller, asked, act, user.id, () =>
          changeOwnPassword(app, { user }, { old, password, address }),
        );
        set.headers["cache-control"] = "no-store";
        return {
          object: "account" as const,
          id: user.id,
          token: await issueToken(app, changed, caller.teamId),
        };
      },
      {
        parse: "json",
        body: shown(passwords),
        detail: {
          summary: "Change one's own password",
          description:
            "All tokens and sign-ins end. Attempts are limited by address, as those to log in are; a wrong old password is answered 401.",
          tags,
          responses: { 200: answer("Changed", changed), ...bodyErrorAnswers },
        },
      },
    );

const signInRoutes = (app: App) =>
  new Elysia({ prefix: "/sign-ins" })
    .use(authenticatedPerson(app))
    .get(
      "",
      async ({ caller, query }) => {
        const page = readPage(query, "paged");
        return listAnswer(await listSignIns(app, caller.userId, page), page, toSignIn);
      },
      {
        query: pageQuery,
        detail: {
          summary: "List the browsers one is signed in with",
          tags,
          responses: {
            200: answer("A page, newest first", listOf(Type.Object(signInFields))),
            ...errorAnswers,
          },
        },
      },
    )
    .delete(
      "",
      async ({ caller, asked }) => {
        const { user } = await getAccount(app, caller);
        await actingAs(app, caller, asked, "Signed out all browsers of their own", user.id, () =>
          signOutElsewhere(app, { user }),
        );
        return { object: "sign_in" as const, deleted: true as const };
      },
      {
        detail: {
          summary: "Sign out of all browsers",
          description: "Tokens go on: they end with their time, or with the password.",
          tags,
          responses: { 200: answer("Ended", allEnded), ...errorAnswers },
        },
      },
    )
    .delete(
      "/:id",
      async ({ caller, params, asked }) => {
        const id = params.id.toLowerCase();
        const isEnded = await actingAs(
          app,
          caller,
          asked,
          "Signed out a browser of their own",
          caller.userId,
          () => signOut(app, caller.userId, id),
        );
        if (!isEnded) throw new Refusal("not_found", "Sign-in not found");
        return { object: "sign_in" as const, id, deleted: true as const };
      },
      {
        detail: {
          summary: "Sign out of a browser",
          tags,
          responses: { 200: answer("Ended", ended), ...errorAnswers },
        },
      },
    );

const teamRoutes = (app: App) =>
  new Elysia({ prefix: "/teams" })
    .use(authenticatedPerson(app))
    .get(
      "",
      async ({ caller }) => ({
        object: "list" as const,
        has_more: false as const,
        data: (await listTeamsOf(app, caller.userId)).map(({ id, name, role, createdAt }) => ({
          ...{ id, name, role, is_current: id === caller.teamId },
          created_at: createdAt.toISOString(),
        })),
      }),
      {
        detail: {
          summary: "List one's own teams",
          tags,
          responses: { 200: answer("All of them, by name", listOf(ownTeam)), ...errorAnswers },
        },
      },
    )
    .post(
      "/:id/token",
      async ({ caller, params, asked, set }) => {
        const { user } = await getAccount(app, caller);
        const { team, token } = await tokenForTeam(app, caller, user.email, params.id, asked?.address ?? "");
        set.headers["cache-control"] = "no-store";
        return { object: "token" as const, token, team: { id: team.id, name: team.name } };
      },
      {
        detail: {
          summary: "Get a token for another of one's teams",
          description:
            "It ends when the one that asks does, which stays good. `POST /auth/login` takes a `team_id` as well.",
          tags,
          responses: { 200: answer("The token", madeToken), ...errorAnswers },
        },
      },
    );

function toAccount({ user, team, role }: OwnAccount) {
  return {
    object: "account" as const,
    ...{ id: user.id, name: user.name, email: user.email, role },
    team: { id: team.id, name: team.name },
    created_at: user.createdAt.toISOString(),
  };
}

function toSignIn({ id, address, userAgent, createdAt, seenAt, expiresAt }: SignIn) {
  return {
    ...{ id, address, user_agent: userAgent },
    created_at: createdAt.toISOString(),
    last_seen_at: seenAt.toISOString(),
    expires_at: expiresAt.toISOString(),
  };
}
