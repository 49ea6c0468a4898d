import { Elysia } from "elysia";
import { h } from "preact";
import { OverviewPage, overviewPieces } from "../../views/overview.tsx";
import type { App } from "../app.ts";
import { getOverview } from "../metrics/overview.ts";
import { signedIn, type Visit } from "./visit.ts";

/** The first page: how things stand. */
export const overviewPages = (app: App) =>
  new Elysia()
    .use(signedIn(app))
    .get("", async ({ visit }) =>
      visit.page(
        { title: "Overview", place: "overview", live: "/admin/overview/live" },
        h(OverviewPage, await propsOf(app, visit)),
      ),
    )
    .get("/overview/live", ({ visit }) => visit.live(async () => overviewPieces(await propsOf(app, visit))));

const propsOf = async (app: App, { teamId }: Visit) => ({
  ...(await getOverview(app, teamId)),
  isSandbox: app.sandbox,
});
