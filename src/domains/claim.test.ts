import { describe, expect, test } from "bun:test";
import { asc, sql } from "drizzle-orm";
import { draft } from "../../test/support/delivery-scene.ts";
import { type DomainStory, domainStories } from "../../test/support/domain-story.ts";
import { type TestApp, testApp, testTeam } from "../../test/support/test-app.ts";
import { atomically } from "../app.ts";
import { sendEmail } from "../emails/send.ts";
import { events } from "../events/schema.ts";
import { startDispatcher } from "../jobs/dispatcher.ts";
import { jobs } from "../jobs/schema.ts";
import { authenticateKey } from "../keys/authenticate.ts";
import { createKey } from "../keys/service.ts";
import { getClaim, startClaim, startClaimVerification } from "./claim.ts";
import { verifyingClaim } from "./claim-jobs.ts";
import { cancelClaim } from "./claim-store.ts";
import { createDomain } from "./create.ts";
import { verifyingDomain } from "./jobs.ts";
import { recordOfClaim } from "./records.ts";
import type { DomainClaim } from "./schema.ts";
import { deleteDomain, findSendingDomain, getDomain, signingKeysOf } from "./service.ts";
import { findDomainByName } from "./store.ts";

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

const stories = await domainStories();
const { app, teamId: holderId } = stories;
const claimant = await testTeam(app);

const claim = (story: DomainStory, wanted = {}) =>
  startClaim(app, claimant.teamId, { name: story.domain.name, ...wanted });
const publish = (of: DomainClaim) => {
  const { host, value } = recordOfClaim(of);
  app.dns.set(`${host} TXT`, ["v=spf1 -all", value]);
};
const now = (of: DomainClaim) => getClaim(app, of.teamId, of.id);
const verify = async (of: DomainClaim) => {
  await startClaimVerification(app, of.teamId, of.id);
  await stories.drained();
  return now(of);
};
const pass = async (ms: number) => {
  app.clock.advance(ms);
  await stories.drained();
};
const send = (story: DomainStory, changes = {}) =>
  sendEmail(app, { teamId: holderId }, { ...draft, from: `a@${story.domain.name}`, ...changes });
const refused = async (asked: Promise<unknown>) => {
  const error = await asked.then(
    () => "it was taken",
    (thrown: unknown) => thrown,
  );
  return String(error);
};
const told = async (teamId: string, domainId: string) => {
  const about = sql`${events.data} ->> 'id' = ${domainId} and ${events.teamId} = ${teamId}`;
  const rows = await app.db.select().from(events).where(about).orderBy(asc(events.id)).all();
  return rows.map(({ type, data }) => `${type} ${data.status}`);
};

describe("a claim", () => {
  test("that is proven gives the domain to its team, with what the team wanted and keys of its own", async () => {
    const story = await stories.verified();
    await pass(8 * day);
    const { token } = await createKey(app, holderId, {
      name: "one domain",
      permission: "sending_access",
      domainId: story.domain.id,
    });
    expect(await authenticateKey(app, token)).toBeDefined();
    const oldKeys = await signingKeysOf(app, story.domain.id);

    const { claim: begun, isNew } = await claim(story, { region: "eu-west-1", customReturnPath: "out" });
    expect([isNew, begun.status, begun.token]).toEqual([
      true,
      "pending",
      expect.stringMatching(/^[0-9a-f]{32}$/),
    ]);
    publish(begun);
    expect(await verify(begun)).toMatchObject({ status: "completed", blockedReason: null });

    const taken = await getDomain(app, claimant.teamId, begun.domainId);
    expect(taken).toMatchObject({
      name: story.domain.name,
      region: "eu-west-1",
      returnPathLabel: "out",
      status: "pending",
      verifiedAt: null,
    });
    expect(await refused(getDomain(app, holderId, story.domain.id))).toContain("Domain not found");
    expect(await authenticateKey(app, token)).toBeUndefined();
    expect(await story.maySend()).toBe(false);
    expect(await findSendingDomain(app, claimant.teamId, taken.name)).toBeUndefined();
    expect(await signingKeysOf(app, story.domain.id)).toEqual([]);
    expect(await signingKeysOf(app, taken.id)).toHaveLength(2);
    expect(oldKeys).toHaveLength(2);
    expect((await told(holderId, story.domain.id)).at(-1)).toBe("domain.deleted verified");
    expect(await told(claimant.teamId, taken.id)).toEqual(["domain.created pending"]);
    expect(await story.waitingJobs()).toEqual([]);
    expect(taken.checkJobId).not.toBeNull();
    expect(await getClaim(app, claimant.teamId, taken.id)).toEqual(await now(begun));
    expect(await verify(begun)).toMatchObject({ status: "completed" });
    await deleteDomain(app, claimant.teamId, taken.id);
  });

  test("to a domain that was never verified waits for nothing but its proof", async () => {
    const story = await stories.begin();
    const { claim: begun } = await claim(story);
    const pending = await verify(begun);
    expect(pending).toMatchObject({ status: "pending", blockedReason: null });
    expect(pending.failureReason).toStartWith(`No Claim TXT record is published at ${story.domain.name} yet`);
    publish(begun);
    await pass(minute);
    expect((await now(begun)).status).toBe("completed");
  });

  test("says nothing of the holder's use before the domain is proven to be the claimant's", async () => {
    const story = await stories.verified();
    await send(story);
    const { claim: begun } = await claim(story);
    expect(await verify(begun)).toMatchObject({ status: "pending", blockedReason: null });
    app.dns.set(`${story.domain.name} TXT`, "mailit-domain-verification=0123");
    expect((await verify(begun)).failureReason).toContain("is of another claim");
  });

  test("waits while the holder has just been verified", async () => {
    const story = await stories.verified();
    const { claim: begun } = await claim(story);
    publish(begun);
    expect(await verify(begun)).toMatchObject({ status: "blocked", blockedReason: "grace_period" });
    await pass(3 * day);
    expect(await now(begun)).toMatchObject({ status: "completed", blockedReason: null });
  });

  test("waits while the holder has sent within a week, and says so", async () => {
    const story = await stories.verified();
    await pass(4 * day);
    await send(story);
    const { claim: begun } = await claim(story);
    publish(begun);
    expect(await verify(begun)).toMatchObject({ status: "blocked", blockedReason: "recent_owner_activity" });
    await pass(5 * day);
    expect((await now(begun)).status).toBe("blocked");
    expect(await story.maySend()).toBe(true);
    await pass(2 * day);
    expect((await now(begun)).status).toBe("expired");

    const { claim: later } = await claim(story);
    publish(later);
    await pass(hour);
    expect((await verify(later)).status).toBe("completed");
  });

  test("waits while the holder has scheduled emails, however long ago they were", async () => {
    const story = await stories.verified();
    const scheduledAt = new Date(app.now().getTime() + 20 * day);
    await send(story, { scheduledAt });
    await pass(10 * day);
    const { claim: begun } = await claim(story);
    publish(begun);
    expect(await verify(begun)).toMatchObject({
      status: "blocked",
      blockedReason: "pending_scheduled_emails",
    });
  });

  test("is the holder's no more when the token is taken away while it waits", async () => {
    const story = await stories.verified();
    const { claim: begun } = await claim(story);
    publish(begun);
    expect((await verify(begun)).status).toBe("blocked");
    app.dns.remove(`${story.domain.name} TXT`);
    await pass(4 * day);
    expect(await now(begun)).toMatchObject({ status: "pending", blockedReason: null });
    expect(await story.maySend()).toBe(true);
  });

  test("is one for a team and a name, and follows what is wanted last", async () => {
    const story = await stories.begin();
    const begun = await Promise.all([claim(story), claim(story)]);
    expect(begun.map(({ isNew }) => isNew).sort()).toEqual([false, true]);
    const again = await claim(story, { region: "sa-east-1" });
    expect(new Set([...begun, again].map((each) => each.claim.id)).size).toBe(1);
    expect((await now(again.claim)).wanted).toEqual({ region: "sa-east-1" });
  });

  test("ends after seven days, and another may be begun", async () => {
    const story = await stories.begin();
    const { claim: begun } = await claim(story);
    await verify(begun);
    await pass(7 * day);
    expect((await now(begun)).status).toBe("expired");
    expect(await waitingFor(begun)).toEqual([]);
    expect(await refused(verify(begun))).toContain("is expired: begin a new one with POST /domains/claim");
    const { claim: next, isNew } = await claim(story);
    expect([isNew, next.token === begun.token]).toEqual([true, false]);
  });

  test("that was never verified has ended by its time alone", async () => {
    const story = await stories.begin();
    const { claim: begun } = await claim(story);
    app.clock.advance(7 * day);
    expect((await now(begun)).status).toBe("expired");
    expect((await claim(story)).isNew).toBe(true);
    expect((await now(begun)).status).toBe("expired");
  });

  test("is taken back by deleting the domain it would bring", async () => {
    const story = await stories.begin();
    const { claim: begun } = await claim(story);
    expect(await refused(deleteDomain(app, holderId, begun.domainId))).toContain("Domain not found");
    await deleteDomain(app, claimant.teamId, begun.domainId);
    expect((await now(begun)).status).toBe("canceled");
    publish(begun);
    expect(await refused(verify(begun))).toContain("is canceled");
    expect(await refused(deleteDomain(app, claimant.teamId, begun.domainId))).toContain("Domain not found");
    expect(await findDomainByName(app.db, story.domain.name)).toMatchObject({ teamId: holderId });
  });

  test("is ended by one of another team that was completed first", async () => {
    const story = await stories.begin();
    const third = await testTeam(app);
    const { claim: mine } = await claim(story);
    const { claim: theirs } = await startClaim(app, third.teamId, { name: story.domain.name });
    publish(theirs);
    await verify(mine);
    expect((await now(mine)).failureReason).toContain("is of another claim");
    await verify(theirs);
    expect((await now(theirs)).status).toBe("completed");
    expect((await now(mine)).status).toBe("superseded");
    publish(mine);
    await pass(hour);
    expect(await findDomainByName(app.db, story.domain.name)).toMatchObject({ teamId: third.teamId });
  });

  test("goes through when the holder leaves by itself", async () => {
    const story = await stories.verified();
    const { claim: begun } = await claim(story);
    await deleteDomain(app, holderId, story.domain.id);
    publish(begun);
    expect((await verify(begun)).status).toBe("completed");
  });

  test("is needless when the team adds the domain itself meanwhile", async () => {
    const story = await stories.begin();
    const { claim: begun } = await claim(story);
    await deleteDomain(app, holderId, story.domain.id);
    const { id } = await createDomain(app, claimant.teamId, { name: story.domain.name });
    publish(begun);
    expect(await verify(begun)).toMatchObject({ status: "canceled" });
    expect(await findDomainByName(app.db, story.domain.name)).toMatchObject({ id });
  });

  test("is refused for a name that nobody holds, that the team holds, or that can't be a domain", async () => {
    const own = await createDomain(app, claimant.teamId, { name: "own.example.com" });
    const start = (name: string, wanted = {}) =>
      refused(startClaim(app, claimant.teamId, { name, ...wanted }));
    expect(await start("nobody.example.com")).toContain("add it with POST /domains.");
    expect(await start("own.example.com")).toContain(`POST /domains/${own.id}/verify`);
    expect(await start("com")).toContain("Invalid `name` field.");
    const story = await stories.begin();
    expect(await start(story.domain.name, { region: "mars" })).toContain("Invalid `region` field.");
    expect(await start(story.domain.name, { trackingSubdomain: "send" })).toContain("return path");
    const labels = Array(3).fill("a".repeat(63)).join(".");
    expect(await start(`${labels}.${"b".repeat(45)}.example`)).toContain("too long");
  });
});

describe("a claim that is proven", () => {
  /** Runs `change` after the checks and before the domain changes hands. */
  async function verifyWith(begun: DomainClaim, change: () => Promise<unknown>) {
    const meanwhile: TestApp = {
      ...app,
      threads: {
        ...app.threads,
        async makeDkimKeyPairs() {
          await change();
          return app.threads.makeDkimKeyPairs();
        },
      },
    };
    const held = { id: begun.id, attempt: 1, lane: "", createdAt: app.now() };
    return verifyingClaim.run(
      meanwhile,
      { claimId: begun.id },
      { ...held, signal: new AbortController().signal },
    );
  }

  test("takes nothing when the holder sends at that very moment", async () => {
    const story = await stories.verified();
    await pass(4 * day);
    const { claim: begun } = await claim(story);
    publish(begun);
    expect(await verifyWith(begun, () => send(story))).toMatchObject({ kind: "again" });
    expect(await story.maySend()).toBe(true);
    expect(await verify(begun)).toMatchObject({ status: "blocked", blockedReason: "recent_owner_activity" });
  });

  test("brings nothing when it is taken back at that very moment", async () => {
    const story = await stories.begin();
    const { claim: begun } = await claim(story);
    publish(begun);
    const ending = await verifyWith(begun, () =>
      atomically(app, [cancelClaim(app.db, begun.teamId, begun.domainId, app.now())]),
    );
    expect(ending).toMatchObject({ kind: "again" });
    expect((await now(begun)).status).toBe("canceled");
    expect(await findDomainByName(app.db, story.domain.name)).toMatchObject({ teamId: holderId });
  });

  test("is completed once by two that look at once", async () => {
    const story = await stories.begin();
    const { claim: begun } = await claim(story);
    publish(begun);
    const endings = await Promise.all([verifyWith(begun, async () => {}), verifyWith(begun, async () => {})]);
    expect(endings.map(({ kind }) => kind).sort()).toEqual(["again", "done"]);
    expect(await told(claimant.teamId, begun.domainId)).toEqual(["domain.created pending"]);
    expect(await told(holderId, story.domain.id)).toEqual([
      "domain.created not_started",
      "domain.deleted not_started",
    ]);
  });

  test("leaves one job, however often it is asked for", async () => {
    const story = await stories.begin();
    const { claim: begun } = await claim(story);
    await verify(begun);
    await Promise.all([verify(begun), verify(begun)]);
    expect(await waitingFor(begun)).toHaveLength(1);
  });
});

test("another team's claim is not found", async () => {
  const story = await stories.begin();
  const { claim: begun } = await claim(story);
  for (const id of [begun.id, begun.domainId, "nonsense"]) {
    expect(await refused(getClaim(app, holderId, id))).toContain("Domain claim not found");
    expect(await refused(startClaimVerification(app, holderId, id))).toContain("Domain claim not found");
  }
});

test("in the sandbox a claim needs no DNS", async () => {
  const sandbox = await testApp({ sandbox: true });
  const [first, second] = [await testTeam(sandbox), await testTeam(sandbox)];
  await createDomain(sandbox, first.teamId, { name: "demo.example.com" });
  const dispatcher = await startDispatcher(sandbox, [verifyingClaim, verifyingDomain], { node: "a" });
  const { claim: begun } = await startClaim(sandbox, second.teamId, { name: "demo.example.com" });
  await startClaimVerification(sandbox, second.teamId, begun.id);
  await dispatcher.drained();
  await dispatcher.stop();
  expect(await findSendingDomain(sandbox, second.teamId, "demo.example.com")).toMatchObject({
    id: begun.domainId,
  });
  expect(sandbox.dns.asked).toEqual([]);
});

const waitingFor = (of: DomainClaim) => app.db.select().from(jobs).where(sql`id = ${of.id}`).all();
