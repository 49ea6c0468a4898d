import { describe, expect, test } from "bun:test";
import { domainStories } from "../../test/support/domain-story.ts";
import { recordsOf } from "./records.ts";
import { deleteDomain } from "./service.ts";
import { listChecks } from "./store.ts";
import { updateDomain } from "./update.ts";

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

const stories = await domainStories();
const { app, teamId } = stories;

describe("a verification", () => {
  test("has not started until somebody asks for it", async () => {
    const story = await stories.begin();
    expect(await story.status()).toBe("not_started");
    expect(await story.said(story.required[0]!)).toBe("not_started");
    expect(await story.waitingJobs()).toEqual([]);
  });

  test("looks again after growing pauses, and sees what is published meanwhile", async () => {
    const story = await stories.begin();
    await story.verify();
    const pauses: number[] = [];
    for (let i = 0; i < 9; i++) {
      const due = (await story.nextCheck())!;
      pauses.push((due.getTime() - app.now().getTime()) / minute);
      await story.wait(due.getTime() - app.now().getTime());
    }
    expect(pauses).toEqual([0.5, 1, 2, 5, 10, 20, 30, 60, 60]);

    story.publish(...story.required);
    await story.wait(hour);
    expect(await story.status()).toBe("verified");
    expect(await story.eventsTold()).toEqual([
      "domain.created not_started",
      "domain.updated pending",
      "domain.updated verified",
    ]);
  });

  test("has failed after 72 hours, looks no more, and may be started anew", async () => {
    const story = await stories.begin();
    await story.verify();
    await story.wait(72 * hour - minute);
    expect(await story.status()).toBe("pending");
    await story.wait(minute);
    expect(await story.status()).toBe("failed");
    expect(await story.said(story.record("SPF", "MX"))).toContain("failed: No SPF MX record is published");
    expect(await story.waitingJobs()).toEqual([]);

    story.publish(...story.required);
    await story.wait(2 * day);
    expect(await story.status()).toBe("failed");
    await story.verify();
    expect(await story.status()).toBe("verified");
  });

  test("that misses only the record for receiving ends as partially failed, and mail goes out all the same", async () => {
    const story = await stories.begin({ capabilities: { receiving: true } });
    story.publish(...story.required.filter(({ purpose }) => purpose !== "Receiving"));
    await story.verify();
    await story.wait(72 * hour);
    expect(await story.status()).toBe("partially_failed");
    expect(await story.maySend()).toBe(true);

    story.publish(...story.required);
    await story.wait(1.2 * day);
    expect(await story.status()).toBe("verified");
    await deleteDomain(app, teamId, story.domain.id);
  });

  test("asked for often leaves one waiting job", async () => {
    const story = await stories.begin();
    await story.verify();
    await story.verify();
    await story.verify();
    expect(await story.waitingJobs()).toHaveLength(1);
    await deleteDomain(app, teamId, story.domain.id);
    expect(await story.waitingJobs()).toEqual([]);
  });
});

describe("a verified domain", () => {
  test("is looked at about once a day", async () => {
    const story = await stories.verified();
    const inHours = ((await story.nextCheck())!.getTime() - app.now().getTime()) / hour;
    expect(inHours).toBeGreaterThan(21);
    expect(inHours).toBeLessThan(27);
  });

  test("stays verified while a record is missing for less than 72 hours, and recovers", async () => {
    const story = await stories.verified();
    const spf = story.record("SPF", "TXT");
    story.withdraw(spf);
    await story.wait(1.2 * day);
    expect(await story.said(spf)).toContain("temporary_failure: No SPF TXT record is published");
    expect(await story.status()).toBe("verified");
    expect(await story.maySend()).toBe(true);

    story.publish(spf);
    await story.wait(hour);
    expect(await story.said(spf)).toBe("verified");
    expect(await story.eventsTold()).toHaveLength(3);
  });

  test("fails when a record has been missing for 72 hours", async () => {
    const story = await stories.verified();
    const dkim = story.record("DKIM", "TXT");
    story.withdraw(dkim);
    await story.wait((await story.nextCheck())!.getTime() - app.now().getTime());
    expect(await story.said(dkim)).toStartWith("temporary_failure");
    await story.wait(71 * hour);
    expect(await story.maySend()).toBe(true);
    await story.wait(hour);
    expect(await story.said(dkim)).toContain("failed: No DKIM TXT record");
    expect(await story.status()).toBe("failed");
    expect(await story.maySend()).toBe(false);
    expect(await story.waitingJobs()).toEqual([]);
    expect((await story.eventsTold()).at(-1)).toBe("domain.updated failed");
  });

  test.each(["SERVFAIL", "TIMEOUT"])(
    "does not lose anything to name servers that fail (%s)",
    async (fault) => {
      const story = await stories.verified();
      for (const record of story.required) story.answer(record, fault);
      await story.wait(10 * day);
      expect(await story.status()).toBe("verified");
      expect(await story.said(story.record("SPF", "TXT"))).toBe("verified");
      expect(await story.maySend()).toBe(true);
      await deleteDomain(app, teamId, story.domain.id);
    },
  );

  test("with a missing record is not given up on an answer that never came", async () => {
    const story = await stories.verified();
    const spf = story.record("SPF", "TXT");
    story.withdraw(spf);
    await story.wait(2 * day);
    story.answer(spf, "SERVFAIL");
    await story.wait(5 * day);
    expect(await story.said(spf)).toContain("temporary_failure: No SPF TXT record");
    expect(await story.status()).toBe("verified");
    await deleteDomain(app, teamId, story.domain.id);
  });

  test("goes on sending while it is verified again, even when a record is missing", async () => {
    const story = await stories.verified();
    story.withdraw(story.record("SPF", "MX"));
    await story.verify();
    expect(await story.status()).toBe("verified");
    expect(await story.said(story.record("SPF", "MX"))).toStartWith("temporary_failure");
    await deleteDomain(app, teamId, story.domain.id);
  });

  test("goes on sending while it waits for the record for receiving", async () => {
    const story = await stories.verified();
    await updateDomain(app, teamId, story.domain.id, { capabilities: { receiving: true } });
    expect(await story.status()).toBe("partially_verified");
    expect(await story.maySend()).toBe(true);
    await stories.drained();
    const mx = story.record("Receiving", "MX");
    expect(await story.said(mx)).toStartWith("pending: No Receiving MX record");
    story.publish(mx);
    await story.wait(minute);
    expect(await story.status()).toBe("verified");
    expect((await story.now()).receivingVerifiedAt).not.toBeNull();
    await deleteDomain(app, teamId, story.domain.id);
  });

  test("that stopped sending has to be found anew when it sends again", async () => {
    const story = await stories.verified({ capabilities: { receiving: true } });
    await updateDomain(app, teamId, story.domain.id, { capabilities: { sending: false } });
    await stories.drained();
    expect(await story.status()).toBe("verified");
    expect(await story.maySend()).toBe(false);
    story.withdraw(story.record("DKIM", "TXT"));
    await updateDomain(app, teamId, story.domain.id, { capabilities: { sending: true } });
    await stories.drained();
    expect(await story.status()).toBe("pending");
    expect(await story.maySend()).toBe(false);
    await deleteDomain(app, teamId, story.domain.id);
  });
});

describe("a tracking host", () => {
  test("neither keeps a domain from being verified nor is given up before its time", async () => {
    const story = await stories.begin({ openTracking: true });
    const cname = story.record("Tracking", "CNAME");
    story.publish(...story.required);
    await story.verify();
    expect(await story.status()).toBe("verified");
    expect(await story.maySend()).toBe(true);
    expect(await story.said(cname)).toStartWith("pending: No Tracking CNAME record is published at links.");
    expect((await story.now()).trackingVerifiedAt).toBeNull();
    expect((await story.nextCheck())!.getTime() - app.now().getTime()).toBe(minute / 2);

    story.publish(cname);
    await story.wait(minute);
    expect(await story.said(cname)).toBe("verified");
    expect((await story.now()).trackingVerifiedAt).not.toBeNull();
    expect(await story.eventsTold()).toEqual([
      "domain.created not_started",
      "domain.updated pending",
      "domain.updated verified",
      "domain.updated verified",
    ]);
    expect((await story.nextCheck())!.getTime() - app.now().getTime()).toBeGreaterThan(21 * hour);
    await deleteDomain(app, teamId, story.domain.id);
  });

  test("that never comes has failed after 72 hours, is looked at daily, and may come later", async () => {
    const story = await stories.begin({ clickTracking: true });
    const cname = story.record("Tracking", "CNAME");
    story.publish(...story.required);
    await story.verify();
    await story.wait(72 * hour);
    expect(await story.said(cname)).toStartWith("failed: No Tracking CNAME record");
    expect(await story.status()).toBe("verified");
    story.publish(cname);
    await story.wait(1.2 * day);
    expect(await story.said(cname)).toBe("verified");
    await deleteDomain(app, teamId, story.domain.id);
  });

  test("that is lost is waited for 72 hours, while mail goes out", async () => {
    const story = await stories.begin({ trackingSubdomain: "go" });
    const cname = story.record("Tracking", "CNAME");
    story.publish(...story.required, cname);
    await story.verify();
    expect((await story.now()).trackingVerifiedAt).not.toBeNull();
    story.withdraw(cname);
    await story.wait(1.2 * day);
    expect(await story.said(cname)).toStartWith("temporary_failure");
    expect((await story.now()).trackingVerifiedAt).not.toBeNull();
    await story.wait(72 * hour);
    expect(await story.said(cname)).toStartWith("failed");
    expect((await story.now()).trackingVerifiedAt).toBeNull();
    expect(await story.status()).toBe("verified");
    expect(await story.maySend()).toBe(true);
    await deleteDomain(app, teamId, story.domain.id);
  });

  test("is looked for at once when tracking is turned on or moved, and sending goes on", async () => {
    const story = await stories.verified();
    const { id, name } = story.domain;
    app.dns.set(`links.${name} CNAME`, "mail.mailit.test");
    await updateDomain(app, teamId, id, { openTracking: true });
    expect(await story.maySend()).toBe(true);
    await stories.drained();
    const { trackingVerifiedAt, status } = await story.now();
    expect([trackingVerifiedAt, status]).toEqual([app.now(), "verified"]);

    await updateDomain(app, teamId, id, { trackingSubdomain: "go" });
    expect((await story.now()).trackingVerifiedAt).toBeNull();
    await stories.drained();
    const moved = (await recordsOf(app, await story.now())).at(-1)!;
    expect(moved).toMatchObject({ host: `go.${name}`, status: "pending" });
    expect((await listChecks(app.db, id)).map(({ host }) => host)).not.toContain(`links.${name}`);
    expect(await story.status()).toBe("verified");

    await updateDomain(app, teamId, id, { openTracking: false, trackingSubdomain: null });
    expect((await recordsOf(app, await story.now())).map(({ purpose }) => purpose)).not.toContain("Tracking");
    await deleteDomain(app, teamId, id);
  });

  test("turned on does not start a verification that its owner has not, or that has failed", async () => {
    const story = await stories.begin();
    await updateDomain(app, teamId, story.domain.id, { openTracking: true });
    expect([await story.status(), await story.waitingJobs()]).toEqual(["not_started", []]);
    await story.verify();
    await story.wait(72 * hour);
    await updateDomain(app, teamId, story.domain.id, { trackingSubdomain: "go" });
    expect([await story.status(), await story.waitingJobs()]).toEqual(["failed", []]);
  });
});
