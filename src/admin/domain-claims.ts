import { Elysia } from "elysia";
import { h } from "preact";
import { ClaimPage, ClaimRows, ClaimStanding, ClaimsPage } from "../../views/domain-claims.tsx";
import { NewDomainPage } from "../../views/domains.tsx";
import type { App } from "../app.ts";
import { getClaim, listClaims, startClaim, startClaimVerification } from "../domains/claim.ts";
import { recordOfClaim } from "../domains/records.ts";
import { deleteDomain } from "../domains/service.ts";
import { mistakesOfNewDomain, newDomainOf, toNewDomain } from "./domains.ts";
import { keysetOf, signedIn, sliceOf } from "./visit.ts";

const place = "domains";

export const claimPages = (app: App) =>
  new Elysia({ prefix: "/domains/claims" })
    .use(signedIn(app))
    .post("", async ({ visit }) => {
      const values = newDomainOf(visit.form);
      visit.act(`Claimed the domain ${values.name}`, "");
      try {
        const { claim } = await startClaim(app, visit.teamId, toNewDomain(values));
        return visit.done(`/admin/domains/claims/${claim.id}`);
      } catch (error) {
        const mistakes = await mistakesOfNewDomain(app, visit, values, error);
        return visit.page(
          { title: "Add a domain", place, status: 422 },
          h(NewDomainPage, { csrf: visit.csrf, values, mistakes, canClaim: false }),
        );
      }
    })
    .get("", async ({ visit, query }) => {
      const page = keysetOf(query);
      const { rows, next } = sliceOf(await listClaims(app, visit.teamId, page), page);
      const list = { claims: rows, next, now: app.now() };
      if (visit.wantsPiece) return visit.piece(h(ClaimRows, list));
      return visit.page({ title: "Claims", place }, h(ClaimsPage, list));
    })
    .get("/:id", async ({ visit, params }) => {
      const claim = await getClaim(app, visit.teamId, params.id);
      const live = `/admin/domains/claims/${claim.id}/live`;
      return visit.page(
        { title: `Claim to ${claim.name}`, place, live },
        h(ClaimPage, { claim, record: recordOfClaim(claim), csrf: visit.csrf }),
      );
    })
    .get("/:id/live", async ({ visit, params }) => {
      await getClaim(app, visit.teamId, params.id);
      return visit.live(async () => ({
        "claim-standing": h(ClaimStanding, { claim: await getClaim(app, visit.teamId, params.id) }),
      }));
    })
    .post("/:id/verify", async ({ visit, params }) => {
      visit.act("Had the record of a claim looked for");
      const claim = await startClaimVerification(app, visit.teamId, params.id);
      return visit.done(`/admin/domains/claims/${claim.id}`, "The record is being looked for.");
    })
    .post("/:id/cancel", async ({ visit, params }) => {
      const claim = await getClaim(app, visit.teamId, params.id);
      visit.act(`Took back the claim to ${claim.name}`);
      await deleteDomain(app, visit.teamId, claim.domainId);
      return visit.done("/admin/domains", `The claim to ${claim.name} is taken back.`);
    });
