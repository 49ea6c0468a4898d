import { Elysia } from "elysia";
import { h } from "preact";
import { InvitationPage, type InvitationProps, NoInvitationPage } from "../../views/invitation.tsx";
import { takeAttempt } from "../accounts/attempts.ts";
import { findSignedIn, type SignedIn, signIn, switchTeam } from "../accounts/sign-ins.ts";
import type { App } from "../app.ts";
import { type Connections, clientAddressReader } from "../client-address.ts";
import { findInvitation, joinAs, joinByPassword, type OpenInvitation } from "../invitations/service.ts";
import { documentAnswer, leadTo } from "./answer.ts";
import { csrfToken, requireCsrfToken, requireSameSite } from "./csrf.ts";
import { mistakesOf } from "./mistakes.ts";
import { noticeCookie } from "./notice.ts";
import { type Form, readForm } from "./request.ts";
import { readTheme } from "./theme.ts";
import { isSecure, sessionCookieOf, sessionTokenOf } from "./visit.ts";

/** Where an invitation's link leads, for people with an account and without one, signed in or not. */
export const invitationPages = (app: App) => {
  const clientAddress = clientAddressReader(app.config.server.trustedProxies);
  const nothing = (request: Request) =>
    documentAnswer(h(NoInvitationPage, { theme: readTheme(request) }), 404);
  const page = (
    request: Request,
    token: string,
    found: OpenInvitation,
    who: SignedIn | undefined,
    given: Partial<Pick<InvitationProps, "name" | "mistakes">> = {},
    status = 200,
  ) => {
    const { invitation, team } = found;
    return documentAnswer(
      h(InvitationPage, {
        ...{ token, team: team.name, email: invitation.email, role: invitation.role },
        invitedBy: invitation.invitedBy,
        way: wayOf(found, who),
        signedInAs: who?.user.email,
        csrf: who ? csrfToken(app, who) : "",
        ...{ name: "", mistakes: {}, theme: readTheme(request), ...given },
      }),
      status,
    );
  };
  return new Elysia({ prefix: "/invitation" })
    .get("", async ({ request, query }) => {
      const token = query.token ?? "";
      const found = await findInvitation(app, token);
      return found ? page(request, token, found, await whoAsks(app, request)) : nothing(request);
    })
    .post("", async ({ request, server }) => {
      requireSameSite(app, request);
      const form = await readForm(request, 10_000);
      const token = form.raw("token");
      const found = await findInvitation(app, token);
      if (!found) return nothing(request);
      const who = await whoAsks(app, request);
      if (who) requireCsrfToken(app, who, form.raw("csrf"), true);
      try {
        return await join({ request, server }, found, who, form);
      } catch (error) {
        const mistakes = mistakesOf(error, ["name", "password"]);
        return page(request, token, found, who, { name: form.text("name"), mistakes }, 422);
      }
    });

  async function join(
    { request, server }: { request: Request; server: Connections | null },
    found: OpenInvitation,
    who: SignedIn | undefined,
    form: Form,
  ): Promise<Response> {
    const address = clientAddress(request, server);
    const { team } = found;
    const welcome = noticeCookie(`You are in ${team.name} now.`, isSecure(app));
    if (who) {
      await joinAs(app, found, who.user, address);
      await switchTeam(app, who, team.id);
      return leadTo("/admin", { "set-cookie": welcome });
    }
    takeAttempt(app, address);
    const [name, password] = [form.text("name"), form.raw("password")];
    const user = await joinByPassword(app, found, { name, password, address });
    const userAgent = request.headers.get("user-agent") ?? "";
    const session = await signIn(app, user, team.id, { address, userAgent });
    const answer = leadTo("/admin", { "set-cookie": sessionCookieOf(app, session) });
    answer.headers.append("set-cookie", welcome);
    return answer;
  }
};

function wayOf(
  { invitation, hasAccount }: OpenInvitation,
  who: SignedIn | undefined,
): InvitationProps["way"] {
  if (!who) return hasAccount ? "password" : "new";
  return who.user.email === invitation.email ? "join" : "other";
}

async function whoAsks(app: App, request: Request): Promise<SignedIn | undefined> {
  const token = sessionTokenOf(app, request);
  return token === undefined ? undefined : findSignedIn(app, token);
}
