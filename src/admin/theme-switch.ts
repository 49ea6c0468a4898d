import { Elysia } from "elysia";
import type { App } from "../app.ts";
import { leadTo } from "./answer.ts";
import { requireSameSite } from "./csrf.ts";
import { readForm } from "./request.ts";
import { themeCookie, themes } from "./theme.ts";
import { isSecure } from "./visit.ts";

/** Light, dark, or as the system has it: for whoever sits there, signed in or not. */
export const themePages = (app: App) =>
  new Elysia().post("/theme", async ({ request }) => {
    requireSameSite(app, request);
    const wanted = (await readForm(request, 10_000)).text("theme");
    const theme = themes.find((each) => each === wanted) ?? "system";
    const from = URL.parse(request.headers.get("referer") ?? "")?.pathname ?? "/admin";
    const back = /^\/admin(\/[\w\-./%@+]*)?$/.test(from) && !from.includes("//") ? from : "/admin";
    return leadTo(back, { "set-cookie": themeCookie(theme, isSecure(app)) });
  });
