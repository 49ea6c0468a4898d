import { afterAll, describe, expect, test } from "bun:test";
import { deliveryScene } from "../../test/support/delivery-scene.ts";
import { type DomainStory, domainStories } from "../../test/support/domain-story.ts";
import { type TestApp, testTeam } from "../../test/support/test-app.ts";
import { Refusal } from "../errors.ts";
import { startDispatcher } from "../jobs/dispatcher.ts";
import { verifyMessage } from "../mail/dkim-verify.ts";
import { nextSelector } from "./dkim-keys.ts";
import { verifyingDomain } from "./jobs.ts";
import { type DomainRecord, recordsOf } from "./records.ts";
import { rotateKeys } from "./rotate.ts";
import { dkimKeys } from "./schema.ts";
import { deleteDomain, getDomain, signingKeysOf } from "./service.ts";
import { listChecks, listKeys } from "./store.ts";
import { updateDomain } from "./update.ts";
import { startVerification } from "./verify.ts";

const minute = 60_000;
const day = 24 * 60 * minute;

const stories = await domainStories();
const { app, teamId } = stories;

const rotate = (story: DomainStory) => rotateKeys(app, teamId, story.domain.id);
const states = async (story: DomainStory) =>
  (await listKeys(app.db, story.domain.id)).map(({ selector, state }) => `${selector} ${state}`);
const signing = async (story: DomainStory) =>
  (await signingKeysOf(app, story.domain.id)).map(({ selector }) => selector);
const keyRecords = async (story: DomainStory) => {
  const records = await recordsOf(app, await story.now());
  return new Map(
    records.filter(({ purpose }) => purpose === "DKIM").map((each) => [each.name.split(".")[0], each]),
  );
};

describe("new keys", () => {
  test("are shown at once, sign when DNS shows them, and the old ones stay for a week", async () => {
    const story = await stories.verified();
    const rotated = await rotate(story);
    expect(rotated).toMatchObject({ id: story.domain.id, status: "verified" });
    expect(await states(story)).toEqual([
      "mailit active",
      "mailit-ed25519 active",
      "mailit-2 pending",
      "mailit-2-ed25519 pending",
    ]);
    await stories.drained();
    const shown = await keyRecords(story);
    expect([...shown.keys()]).toEqual(["mailit", "mailit-ed25519", "mailit-2", "mailit-2-ed25519"]);
    expect(shown.get("mailit-2")).toMatchObject({ status: "pending", required: false });
    expect(shown.get("mailit-2")!.reason).toStartWith(
      "No DKIM TXT record is published at mailit-2._domainkey.",
    );
    expect(await signing(story)).toEqual(["mailit", "mailit-ed25519"]);
    expect([await story.status(), await story.maySend()]).toEqual(["verified", true]);
    expect((await story.nextCheck())!.getTime() - app.now().getTime()).toBe(minute / 2);

    story.publish(shown.get("mailit-2-ed25519")!);
    await story.wait(minute);
    // Each for itself: the one that is there signs, beside the old one of the other algorithm.
    expect(await signing(story)).toEqual(["mailit", "mailit-2-ed25519"]);
    story.publish(shown.get("mailit-2")!);
    const seenAt = (await story.nextCheck())!;
    await story.wait(2 * minute);
    expect(await signing(story)).toEqual(["mailit-2", "mailit-2-ed25519"]);
    expect(await states(story)).toEqual([
      "mailit retired",
      "mailit-ed25519 retired",
      "mailit-2 active",
      "mailit-2-ed25519 active",
    ]);
    const retired = (await keyRecords(story)).get("mailit")!;
    const until = new Date(seenAt.getTime() + 7 * day).toISOString();
    expect(retired).toMatchObject({ status: "verified", required: false });
    expect(retired.reason).toContain(`keep its record until ${until}`);
    expect((await story.eventsTold()).slice(-3)).toEqual(Array(3).fill("domain.updated verified"));

    await story.wait(7 * day);
    expect([...(await keyRecords(story)).keys()]).toEqual(["mailit-2", "mailit-2-ed25519"]);
    await story.wait(1.2 * day);
    expect(await states(story)).toEqual(["mailit-2 active", "mailit-2-ed25519 active"]);
    const hosts = (await listChecks(app.db, story.domain.id)).map(({ host }) => host);
    expect(hosts).not.toContain(`mailit._domainkey.${story.domain.name}`);
    expect(await story.status()).toBe("verified");
    await deleteDomain(app, teamId, story.domain.id);
  });

  test("may take the place of old ones whose records are gone already", async () => {
    const story = await stories.verified();
    await rotate(story);
    const shown = await keyRecords(story);
    story.withdraw(story.record("DKIM", "TXT"));
    story.publish(shown.get("mailit-2")!, shown.get("mailit-2-ed25519")!);
    await stories.drained();
    expect(await signing(story)).toEqual(["mailit-2", "mailit-2-ed25519"]);
    await story.wait(10 * day);
    expect([await story.status(), await story.maySend()]).toEqual(["verified", true]);
    await deleteDomain(app, teamId, story.domain.id);
  });

  test("that are never published keep nothing from sending, and are looked for daily in the end", async () => {
    const story = await stories.verified();
    await rotate(story);
    await story.wait(10 * day);
    expect([await story.status(), await story.maySend()]).toEqual(["verified", true]);
    expect((await keyRecords(story)).get("mailit-2")).toMatchObject({ status: "pending" });
    expect(await signing(story)).toEqual(["mailit", "mailit-ed25519"]);
    const dayOrSo = (await story.nextCheck())!.getTime() - app.now().getTime();
    expect(dayOrSo).toBeGreaterThan(0);

    story.publish(...(await keyRecords(story)).values());
    await story.wait(1.2 * day);
    expect(await signing(story)).toEqual(["mailit-2", "mailit-2-ed25519"]);
    await deleteDomain(app, teamId, story.domain.id);
  });

  test("do not sign while another key stands at their selector", async () => {
    const story = await stories.verified();
    await rotate(story);
    const mine = (await keyRecords(story)).get("mailit-2")!;
    story.answer(mine, "v=DKIM1; k=rsa; p=AAAA");
    await stories.drained();
    expect(await story.said(mine)).toContain("holds another key");
    expect(await signing(story)).toEqual(["mailit", "mailit-ed25519"]);
    expect(await story.status()).toBe("verified");
    await deleteDomain(app, teamId, story.domain.id);
  });

  test("are made once, however often and at once they are asked for", async () => {
    const story = await stories.verified();
    await Promise.all([rotate(story), rotate(story)]);
    await rotate(story);
    expect(await states(story)).toHaveLength(4);
    expect(await story.waitingJobs()).toHaveLength(1);
    await deleteDomain(app, teamId, story.domain.id);
  });

  test("simply replace those of a domain that does not send yet", async () => {
    const story = await stories.begin();
    await rotate(story);
    expect(await states(story)).toEqual(["mailit-2 active", "mailit-2-ed25519 active"]);
    expect([await story.status(), await story.waitingJobs()]).toEqual(["not_started", []]);

    await story.verify();
    await rotate(story);
    expect(await states(story)).toEqual(["mailit-3 active", "mailit-3-ed25519 active"]);
    story.publish(...(await recordsOf(app, await story.now())).filter(({ required }) => required));
    await stories.drained();
    expect(await story.status()).toBe("verified");
    expect(await signing(story)).toEqual(["mailit-3", "mailit-3-ed25519"]);
    await deleteDomain(app, teamId, story.domain.id);
  });

  test("wait where the old ones sign mail under way from a domain that may not send just now", async () => {
    const lapsed = await stories.verified();
    lapsed.withdraw(lapsed.record("SPF", "TXT"));
    await lapsed.wait(5 * day);
    const off = await stories.verified({ capabilities: { sending: true, receiving: true } });
    off.withdraw(off.record("SPF", "TXT")); // so that it isn't found to be verified at once when sending is on again
    await updateDomain(app, teamId, off.domain.id, { capabilities: { sending: false } });
    await updateDomain(app, teamId, off.domain.id, { capabilities: { sending: true } });
    for (const story of [lapsed, off]) {
      expect(await story.maySend()).toBe(false);
      await rotate(story);
      expect((await states(story)).slice(2)).toEqual(["mailit-2 pending", "mailit-2-ed25519 pending"]);
      expect(await signing(story)).toEqual(["mailit", "mailit-ed25519"]);
      await deleteDomain(app, teamId, story.domain.id);
    }
  });

  test("that replace others at once are made once, however often they are asked for at that moment", async () => {
    const story = await stories.begin();
    let isFirst = true;
    const meanwhile: TestApp = {
      ...app,
      threads: {
        ...app.threads,
        async makeDkimKeyPairs() {
          if (isFirst) {
            isFirst = false;
            await rotate(story);
          }
          return app.threads.makeDkimKeyPairs();
        },
      },
    };
    const before = (await story.eventsTold()).length;
    await rotateKeys(meanwhile, teamId, story.domain.id);
    expect(await states(story)).toEqual(["mailit-2 active", "mailit-2-ed25519 active"]);
    expect((await story.eventsTold()).length).toBe(before + 1);
    await deleteDomain(app, teamId, story.domain.id);
  });

  test("wait where the domain is verified while they are made", async () => {
    const story = await stories.begin();
    story.publish(...story.required);
    await startVerification(app, teamId, story.domain.id);
    const meanwhile: TestApp = {
      ...app,
      threads: {
        ...app.threads,
        async makeDkimKeyPairs() {
          await stories.drained();
          return app.threads.makeDkimKeyPairs();
        },
      },
    };
    await rotateKeys(meanwhile, teamId, story.domain.id);
    expect((await states(story)).slice(2)).toEqual(["mailit-2 pending", "mailit-2-ed25519 pending"]);
    expect(await story.maySend()).toBe(true);
    await deleteDomain(app, teamId, story.domain.id);
  });

  test("are not made for a domain of another team, or for one deleted meanwhile", async () => {
    const story = await stories.begin();
    const other = await testTeam(app);
    const missing = expect.objectContaining({ code: "not_found", message: "Domain not found" });
    const refused = (rotation: Promise<unknown>) => rotation.catch((error: unknown) => error);
    expect(await refused(rotateKeys(app, other.teamId, story.domain.id))).toEqual(missing);
    const meanwhile: TestApp = {
      ...app,
      threads: {
        ...app.threads,
        async makeDkimKeyPairs() {
          await deleteDomain(app, teamId, story.domain.id);
          return app.threads.makeDkimKeyPairs();
        },
      },
    };
    expect(await refused(rotateKeys(meanwhile, teamId, story.domain.id))).toEqual(missing);
  });

  test("are refused where the names of their records would be too long", async () => {
    const room = 253 - "mailit-ed25519._domainkey.".length;
    const label = "a".repeat(63);
    const front = `${label}.${label}.${label}.`;
    const name = `${front}${"b".repeat(room - front.length - ".example.com".length)}.example.com`;
    const story = await stories.begin({ name });
    const refusal = await rotate(story).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(Refusal);
    expect(String(refusal)).toContain("is too long");
  });
});

test.each([
  ["mailit", [], "mailit"],
  ["mailit", ["mailit", "mailit-ed25519"], "mailit-2"],
  ["mailit", ["mailit-9", "mailit-10-ed25519"], "mailit-11"],
  ["s2026", ["mailit", "mailit-ed25519"], "s2026"],
  ["s-2026", ["s-2026", "s-2026-ed25519"], "s-2026-2"],
  ["mail", ["mailit", "mailit-7"], "mail"],
])("the selector %s after %j is %s", (base, taken, next) => {
  expect(nextSelector(base, taken)).toBe(next);
});

test("mail sent before and after the switch verifies for as long as the old record stays", async () => {
  const here = await deliveryScene();
  const verifying = await startDispatcher(here.app, [verifyingDomain], { node: "verifying" });
  afterAll(() => verifying.stop());
  const [key] = await here.app.db.select().from(dkimKeys).all();
  const domainId = key!.domainId;
  const publish = (records: DomainRecord[]) => {
    for (const { host, type, value, priority } of records)
      here.app.dns.set(`${host} ${type}`, priority === undefined ? value : `${priority} ${value}`);
  };
  const records = async () => recordsOf(here.app, await getDomain(here.app, here.teamId, domainId));
  const verdicts = async () => {
    const all = here.host.received.map(({ message }) =>
      verifyMessage(message, async (name) => {
        const answer = await here.app.dns.resolve(name, "TXT");
        if (answer.kind !== "found") throw Object.assign(new Error(name), { code: "ENOTFOUND" });
        return answer.records;
      }),
    );
    return (await Promise.all(all)).map((of) => of.map(({ selector, result }) => `${selector} ${result}`));
  };

  publish(await records());
  await here.send();
  await rotateKeys(here.app, here.teamId, domainId);
  await verifying.drained();
  await here.send();
  publish(await records());
  here.app.clock.advance(minute);
  await verifying.drained();
  await here.send();
  const before = ["mailit pass", "mailit-ed25519 pass"];
  expect(await verdicts()).toEqual([before, before, ["mailit-2 pass", "mailit-2-ed25519 pass"]]);
});
