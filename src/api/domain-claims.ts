import { Elysia } from "elysia";
import type { App } from "../app.ts";
import { getClaim, listClaims, startClaim, startClaimVerification } from "../domains/claim.ts";
import { recordOfClaim } from "../domains/records.ts";
import { type DomainClaim, defaultRegion } from "../domains/schema.ts";
import { authenticated } from "./auth.ts";
import { toNewDomain } from "./domain-request.ts";
import { claimAnswer, claimList, creation } from "./domain-schemas.ts";
import { shown } from "./example.ts";
import { listAnswer, pageQuery, readPage } from "./list.ts";
import { answer, bodyErrorAnswers, errorAnswers } from "./openapi.ts";

/** The SDKs do not agree whether a claim is one or many. */
export const domainClaimRoutes = (app: App) =>
  new Elysia({ prefix: "/domains" }).use(claimRoutes(app, "claim")).use(claimRoutes(app, "claims"));

const claimRoutes = (app: App, word: "claim" | "claims") =>
  new Elysia()
    .use(authenticated(app, "full_access"))
    .post(
      `/${word}`,
      async ({ caller, body, set }) => {
        const { claim, isNew } = await startClaim(app, caller.teamId, toNewDomain(body));
        if (isNew) set.status = 201;
        return toAnswer(claim);
      },
      {
        parse: "json",
        body: shown(creation),
        detail: {
          summary: "Claim a domain that another team has added",
          description:
            "Publish the record in the answer, then have the claim verified. It ends after seven days; to take it back, delete the domain it would bring (`domain_id`).",
          tags: ["Domains"],
          responses: {
            200: answer("The claim that is under way already", claimAnswer),
            201: answer("The claim and the record to publish", claimAnswer),
            ...bodyErrorAnswers,
          },
        },
      },
    )
    .get(
      `/${word}`,
      async ({ caller, query }) => {
        const page = readPage(query, "paged");
        return listAnswer(await listClaims(app, caller.teamId, page), page, toAnswer);
      },
      {
        query: pageQuery,
        detail: {
          summary: "List claims",
          description: "Those under way and those that have ended.",
          tags: ["Domains"],
          responses: { 200: answer("A page, newest first", claimList), ...errorAnswers },
        },
      },
    )
    .get(
      `/:id/${word}`,
      async ({ caller, params }) => toAnswer(await getClaim(app, caller.teamId, params.id)),
      {
        detail: {
          summary: "Get a claim",
          description: "By the claim's id, or by that of the domain it brings.",
          tags: ["Domains"],
          responses: { 200: answer("The claim", claimAnswer), ...errorAnswers },
        },
      },
    )
    .post(
      `/:id/${word}/verify`,
      async ({ caller, params }) => toAnswer(await startClaimVerification(app, caller.teamId, params.id)),
      {
        detail: {
          summary: "Verify a claim",
          description:
            "Looks for the record at once and again until it is there. The domain then is yours, unless its holder has scheduled emails, has sent within seven days, or was verified within three (`blocked_reason`): then it is tried again every hour.",
          tags: ["Domains"],
          responses: { 200: answer("The record is being looked up", claimAnswer), ...errorAnswers },
        },
      },
    );

function toAnswer(claim: DomainClaim) {
  const { type, name, host, value } = recordOfClaim(claim);
  return {
    object: "domain_claim",
    id: claim.id,
    name: claim.name,
    status: claim.status,
    domain_id: claim.domainId,
    region: claim.wanted.region ?? defaultRegion,
    record: { type, name, host, value, ttl: "Auto" },
    blocked_reason: claim.blockedReason,
    failure_reason: claim.failureReason,
    created_at: claim.createdAt.toISOString(),
    expires_at: claim.expiresAt.toISOString(),
  };
}
