import { Elysia } from "elysia";
import { h } from "preact";
import { SignInPage } from "../../views/sign-in.tsx";
import { takeAttempt } from "../accounts/attempts.ts";
import { isFirstRun } from "../accounts/first-run.ts";
import { noteRefused } from "../accounts/refused.ts";
import { logIn } from "../accounts/service.ts";
import { findSignedIn, signIn, signOut, switchTeam } from "../accounts/sign-ins.ts";
import { hasUsers } from "../accounts/store.ts";
import type { App } from "../app.ts";
import { clientAddressReader } from "../client-address.ts";
import { Refusal } from "../errors.ts";
import { documentAnswer, leadTo } from "./answer.ts";
import { requireSameSite } from "./csrf.ts";
import { mistakesOf } from "./mistakes.ts";
import { readForm } from "./request.ts";
import { readTheme } from "./theme.ts";
import { sessionCookieOf, sessionTokenOf, signedIn } from "./visit.ts";

export const signInPages = (app: App) => {
  const clientAddress = clientAddressReader(app.config.server.trustedProxies);
  const page = async (request: Request, to: string, email = "", mistake?: string, status = 200) => {
    const { registration } = app.config.auth;
    const newcomers = registration === "open" ? "register" : (await hasUsers(app.db)) ? "ask" : "setup";
    return documentAnswer(
      h(SignInPage, { to, email, mistake, newcomers, theme: readTheme(request) }),
      status,
    );
  };
  return new Elysia()
    .get("/sign-in", async ({ request, query }) => {
      const to = ownPath(query.to);
      if (await signedInAlready(app, request)) return leadTo(to);
      return (await isFirstRun(app)) ? leadTo("/admin/first-run") : page(request, to);
    })
    .post("/sign-in", async ({ request, server }) => {
      requireSameSite(app, request);
      const form = await readForm(request, 10_000);
      const [email, to] = [form.text("email"), ownPath(form.raw("to"))];
      const address = clientAddress(request, server);
      try {
        takeAttempt(app, address);
        const { user, team } = await logIn(app, { email, password: form.raw("password"), address });
        const browser = { address, userAgent: request.headers.get("user-agent") ?? "" };
        // Always a new token: one that somebody else has put into this browser is worth nothing (session fixation).
        const token = await signIn(app, user, team.id, browser);
        return leadTo(to, { "set-cookie": sessionCookieOf(app, token) });
      } catch (error) {
        const mistakes = mistakesOf(error, []);
        if (error instanceof Refusal && error.code === "invalid_credentials")
          void noteRefused(app, email, address);
        const status = error instanceof Refusal && error.code === "rate_limit_exceeded" ? 429 : 401;
        return page(request, to, email, mistakes.form, status);
      }
    })
    .use(signedIn(app))
    .post("/sign-out", async ({ visit }) => {
      visit.act("Signed out", visit.user.id);
      await signOut(app, visit.user.id, visit.signInId);
      return leadTo("/admin/sign-in", { "set-cookie": sessionCookieOf(app, undefined) });
    })
    .post("/team", async ({ visit, request, server }) => {
      visit.act("Went to another team", visit.user.id); // its name is not this team's to know
      const address = clientAddress(request, server);
      const isTheirs = await switchTeam(app, visit, visit.form.text("team"), address);
      if (!isTheirs) throw new Refusal("not_found", "You are not in that team.");
      return visit.done("/admin");
    });
};

async function signedInAlready(app: App, request: Request): Promise<boolean> {
  const token = sessionTokenOf(app, request);
  return token !== undefined && (await findSignedIn(app, token)) !== undefined;
}

/** Where to go on after signing in: a page of the admin, whatever the address says. */
function ownPath(to: string | undefined): string {
  return to !== undefined && /^\/admin(\/[\w\-./%@+]*)?(\?[^\s\\]*)?$/.test(to) && !/\/(\/|\.\.)/.test(to)
    ? to
    : "/admin";
}
