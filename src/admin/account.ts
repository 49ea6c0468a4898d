import { Elysia } from "elysia";
import { h } from "preact";
import { AccountPage, type AccountPageProps } from "../../views/account.tsx";
import { changeOwnPassword, renameSelf } from "../accounts/account.ts";
import { takeAttempt } from "../accounts/attempts.ts";
import { listSignIns, signOut, signOutElsewhere } from "../accounts/sign-ins.ts";
import type { App } from "../app.ts";
import { clientAddressReader } from "../client-address.ts";
import { mistakesOf } from "./mistakes.ts";
import { signedIn, sliceOf, type Visit } from "./visit.ts";

const path = "/admin/settings/account";
const shownBrowsers = { limit: 100 };

/** A person's own account, whatever their role in the team. */
export const accountPages = (app: App) => {
  const clientAddress = clientAddressReader(app.config.server.trustedProxies);
  const page = async (visit: Visit, given: Partial<Pick<AccountPageProps, "name" | "mistakes">> = {}) =>
    visit.page(
      { title: "Account", place: "settings", ...(given.mistakes && { status: 422 }) },
      h(AccountPage, {
        ...{ csrf: visit.csrf, name: visit.user.name, email: visit.user.email, mistakes: {} },
        browsers: sliceOf(await listSignIns(app, visit.user.id, shownBrowsers), shownBrowsers).rows,
        own: visit.signInId,
        now: app.now(),
        ...given,
      }),
    );
  return new Elysia({ prefix: "/settings/account" })
    .use(signedIn(app))
    .get("", ({ visit }) => page(visit))
    .post("/name", async ({ visit }) => {
      const name = visit.form.text("name");
      visit.act("Changed their own name", visit.user.id);
      try {
        await renameSelf(app, visit, name);
      } catch (error) {
        return page(visit, { name, mistakes: mistakesOf(error, ["name"]) });
      }
      return visit.done(path, "Your name is changed.");
    })
    .post("/password", async ({ visit, request, server }) => {
      visit.act("Changed their own password", visit.user.id);
      try {
        const address = clientAddress(request, server);
        takeAttempt(app, address);
        await changeOwnPassword(app, visit, {
          address,
          old: visit.form.raw("old_password"),
          password: visit.form.raw("password"),
        });
      } catch (error) {
        return page(visit, { mistakes: mistakesOf(error, ["old_password", "password"]) });
      }
      return visit.done(path, "Your password is changed. All other browsers are signed out.");
    })
    .post("/browsers/:id/sign-out", async ({ visit, params }) => {
      visit.act("Signed out another browser of their own", visit.user.id);
      await signOut(app, visit.user.id, params.id);
      return visit.done(path, "That browser is signed out.");
    })
    .post("/browsers/sign-out", async ({ visit }) => {
      visit.act("Signed out all other browsers of their own", visit.user.id);
      await signOutElsewhere(app, visit);
      return visit.done(path, "All other browsers are signed out.");
    });
};
