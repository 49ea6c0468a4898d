import { describe, expect, test } from "bun:test";
import { dnsTable } from "../../test/support/dns-table.ts";
import { type DomainStory, domainStories } from "../../test/support/domain-story.ts";
import { type TestApp, testApp, testTeam } from "../../test/support/test-app.ts";
import { newId } from "../ids.ts";
import { startDispatcher } from "../jobs/dispatcher.ts";
import { createDomain, type NewDomain } from "./create.ts";
import { verifyingDomain } from "./jobs.ts";
import type { DomainRecord } from "./records.ts";
import type { DomainStatus } from "./schema.ts";
import { deleteDomain, findSendingDomain, getDomain } from "./service.ts";
import { startVerification } from "./verify.ts";

const stories = await domainStories();
const { app, teamId } = stories;

describe("what DNS says of a domain", () => {
  const cases: [
    string,
    Partial<NewDomain>,
    (story: DomainStory) => void,
    DomainStatus,
    Record<string, string>,
  ][] = [
    [
      "nothing is published",
      {},
      () => {},
      "pending",
      { "SPF MX": "pending: No SPF MX record is published at send.", "DKIM TXT": "pending: No DKIM TXT" },
    ],
    [
      "all is published",
      {},
      (story) => story.publish(...story.required),
      "verified",
      {
        "SPF MX": "verified",
        "SPF TXT": "verified",
        "DKIM TXT": "verified",
        "DMARC TXT": "pending: No DMARC",
      },
    ],
    [
      "our SPF mechanism stands in the SPF record the name already had",
      {},
      (story) => {
        story.publish(...story.required);
        story.answer(story.record("SPF", "TXT"), "v=spf1 include:spf.example.net a:mail.mailit.test -all");
      },
      "verified",
      { "SPF TXT": "verified" },
    ],
    [
      "the SPF record the name already had lacks our mechanism",
      {},
      (story) => {
        story.publish(...story.required);
        story.answer(story.record("SPF", "TXT"), "v=spf1 include:spf.example.net -all");
      },
      "pending",
      { "SPF TXT": 'change it to "v=spf1 include:spf.example.net a:mail.mailit.test -all"' },
    ],
    [
      "there are two SPF records",
      {},
      (story) => {
        story.publish(...story.required);
        const spf = story.record("SPF", "TXT");
        story.answer(spf, ["v=spf1 include:spf.example.net -all", spf.value]);
      },
      "pending",
      { "SPF TXT": "has 2 SPF records" },
    ],
    [
      "a DKIM record holds another key",
      {},
      (story) => {
        story.publish(...story.required);
        story.answer(story.record("DKIM", "TXT"), "v=DKIM1; k=rsa; p=AAAA");
      },
      "pending",
      { "DKIM TXT": "failed: The DKIM record at mailit._domainkey." },
    ],
    [
      "one of the two DKIM records is missing",
      {},
      (story) => {
        story.publish(...story.required);
        story.withdraw(story.records.findLast(({ purpose }) => purpose === "DKIM")!);
      },
      "pending",
      { "DKIM TXT": "verified" },
    ],
    [
      "only the record for receiving is missing",
      { capabilities: { receiving: true } },
      (story) => story.publish(...story.required.filter(({ purpose }) => purpose !== "Receiving")),
      "partially_verified",
      { "Receiving MX": "pending: No Receiving MX record" },
    ],
    [
      "only the record for receiving is there",
      { capabilities: { receiving: true } },
      (story) => story.publish(story.record("Receiving", "MX")),
      "pending",
      { "Receiving MX": "verified" },
    ],
    [
      "the domain only receives",
      { capabilities: { sending: false, receiving: true } },
      (story) => story.publish(story.record("Receiving", "MX")),
      "verified",
      { "Receiving MX": "verified" },
    ],
    [
      "mail for the domain goes elsewhere, as it may where it only sends",
      {},
      (story) => {
        story.publish(...story.required);
        story.answer(story.record("Receiving", "MX"), "10 mx.example.net");
      },
      "verified",
      { "Receiving MX": "not_started" },
    ],
    [
      "the name servers fail",
      {},
      (story) => {
        for (const record of story.required) story.answer(record, "SERVFAIL");
      },
      "pending",
      { "SPF MX": "pending: The MX record of send." },
    ],
  ];

  test.each(cases)("%s", async (_name, options, prepare, status, said) => {
    const story = await stories.begin(options);
    prepare(story);
    await story.verify();
    expect(await story.status()).toBe(status);
    const isSent = options.capabilities?.sending !== false;
    expect(await story.maySend()).toBe(isSent && (status === "verified" || status === "partially_verified"));
    for (const [key, words] of Object.entries(said)) {
      const [purpose, type] = key.split(" ") as [DomainRecord["purpose"], "MX" | "TXT"];
      expect(await story.said(story.record(purpose, type))).toContain(words);
    }
    await deleteDomain(app, teamId, story.domain.id);
  });
});

describe("a job", () => {
  const run = (id: string, domainId: string) =>
    verifyingDomain.run(
      app,
      { domainId },
      { id, attempt: 1, lane: "", createdAt: app.now(), signal: new AbortController().signal },
    );

  test("ends quietly when its domain is gone or has another job", async () => {
    const story = await stories.begin();
    expect(await run(newId(), newId())).toEqual({ kind: "done", writes: [] });
    expect(await run(newId(), story.domain.id)).toEqual({ kind: "done", writes: [] });
    expect(await story.status()).toBe("not_started");
  });

  test("that runs twice says the same twice and tells it once", async () => {
    const story = await stories.begin();
    story.publish(...story.required);
    const { checkJobId } = await startVerification(app, teamId, story.domain.id);
    const [first, second] = [
      await run(checkJobId!, story.domain.id),
      await run(checkJobId!, story.domain.id),
    ];
    expect([first.kind, second.kind]).toEqual(["again", "again"]);
    expect(await story.eventsTold()).toHaveLength(3);
    await deleteDomain(app, teamId, story.domain.id);
  });

  test.each([
    ["deleted", (id: string) => deleteDomain(app, teamId, id)],
    ["started anew", (id: string) => startVerification(app, teamId, id)],
  ])("writes nothing when its domain is %s while DNS is asked", async (_how, change) => {
    const story = await stories.begin();
    story.publish(...story.required);
    const { checkJobId } = await startVerification(app, teamId, story.domain.id);
    let asked = () => {};
    let answer = () => {};
    const isAsked = new Promise<void>((resolve) => (asked = resolve));
    const mayAnswer = new Promise<void>((resolve) => (answer = resolve));
    const slow: TestApp = {
      ...app,
      dns: {
        ...app.dns,
        async resolve(name, type) {
          asked();
          await mayAnswer;
          return app.dns.resolve(name, type);
        },
      },
    };
    const running = verifyingDomain.run(
      slow,
      { domainId: story.domain.id },
      { id: checkJobId!, attempt: 1, lane: "", createdAt: app.now(), signal: new AbortController().signal },
    );
    await isAsked;
    await change(story.domain.id);
    const told = (await story.eventsTold()).length;
    answer();
    expect(await running).toEqual({ kind: "done", writes: [] });
    expect(await story.eventsTold()).toHaveLength(told);
  });
});

test("in the sandbox every record is verified and no DNS is asked", async () => {
  const sandbox = await testApp({ sandbox: true, dns: dnsTable() });
  const owner = await testTeam(sandbox);
  const domain = await createDomain(sandbox, owner.teamId, {
    name: "demo.example.com",
    capabilities: { receiving: true },
  });
  const own = await startDispatcher(sandbox, [verifyingDomain], { node: "a" });
  await startVerification(sandbox, owner.teamId, domain.id);
  await own.drained();
  await own.stop();
  expect((await getDomain(sandbox, owner.teamId, domain.id)).status).toBe("verified");
  expect(await findSendingDomain(sandbox, owner.teamId, "demo.example.com")).toMatchObject({ id: domain.id });
  expect(sandbox.dns.asked).toEqual([]);
});
