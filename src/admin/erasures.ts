/** All that is kept of one person, contact or not: given out, and erased. */
import { Elysia } from "elysia";
import { h } from "preact";
import {
  ErasurePage,
  ErasureProgress,
  ErasureRows,
  ErasuresPage,
  PersonDataPage,
} from "../../views/erasures.tsx";
import type { App } from "../app.ts";
import { getPerson } from "../contacts/person.ts";
import { streamedAnswer } from "../csv/streamed-answer.ts";
import { Refusal } from "../errors.ts";
import { giveOut } from "../people/document.ts";
import { addressOf, getErasure, getErasures, progressOf, startErasure } from "../people/erase.ts";
import type { Erasure } from "../people/schema.ts";
import { keysetOf, signedIn, sliceOf } from "./visit.ts";

const place = "contacts" as const;
const title = "Personal data";
const path = "/admin/contacts/erasures";

export const erasurePages = (app: App) =>
  new Elysia({ prefix: "/contacts" })
    .use(signedIn(app))
    .get("/erasures", async ({ visit, query }) => {
      const page = keysetOf(query);
      const { rows, next } = sliceOf(await getErasures(app, visit.teamId, page), page);
      const list = { erasures: rows.map(shown), next, now: app.now() };
      if (visit.wantsPiece) return visit.piece(h(ErasureRows, list));
      return visit.page({ title, place }, h(ErasuresPage, { ...list, asked: "" }));
    })
    .get("/data", async ({ visit, query }) => {
      const asked = (query.address ?? "").trim();
      const address = await addressFrom(app, visit.teamId, asked);
      if (address === undefined) {
        const page = keysetOf({});
        const { rows, next } = sliceOf(await getErasures(app, visit.teamId, page), page);
        const mistake = "Write a whole email address, like ada@example.com.";
        const list = { erasures: rows.map(shown), next, now: app.now() };
        return visit.page({ title, place, status: 422 }, h(ErasuresPage, { ...list, asked, mistake }));
      }
      const { contact, suppression } = await getPerson(app, visit.teamId, address);
      return visit.page(
        { title: address, place },
        h(PersonDataPage, { csrf: visit.csrf, address, contact, suppression }),
      );
    })
    .get("/data/download", async ({ visit, query, request, server }) => {
      server?.timeout(request, 0); // as long as somebody reads
      visit.act("Downloaded all that is kept of a person", ""); // who it is would outlive their erasure
      return streamedAnswer(await giveOut(app, visit.teamId, query.address ?? ""), {
        "content-type": "application/json; charset=utf-8",
        "content-disposition": 'attachment; filename="person.json"',
        "x-content-type-options": "nosniff",
      });
    })
    .post("/erasures", async ({ visit }) => {
      visit.act("Began to erase all that is kept of a person", ""); // naming them would keep what is to go
      const { id } = await startErasure(app, visit.teamId, visit.form.text("address"));
      return visit.done(`${path}/${id}`, "The erasure has begun. You may leave this page.");
    })
    .get("/erasures/:id", async ({ visit, params }) => {
      const row = await getErasure(app, visit.teamId, params.id);
      return visit.page(
        { title: "Erasure", place, ...(row.completedAt === null && { live: `${path}/${row.id}/live` }) },
        h(ErasurePage, { erasure: shown(row), now: app.now() }),
      );
    })
    .get("/erasures/:id/live", async ({ visit, params }) => {
      const { id } = await getErasure(app, visit.teamId, params.id);
      return visit.live(async () => {
        const row = await getErasure(app, visit.teamId, id);
        return { progress: h(ErasureProgress, { erasure: shown(row), now: app.now() }) };
      });
    });

const shown = (row: Erasure) => ({ ...row, progress: progressOf(row) });

async function addressFrom(app: App, teamId: string, asked: string): Promise<string | undefined> {
  try {
    return await addressOf(app, teamId, asked);
  } catch (error) {
    if (error instanceof Refusal && error.code === "not_found") return undefined;
    throw error;
  }
}
