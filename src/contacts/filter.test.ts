import { expect, test } from "bun:test";
import { choose, testContact, testSegment, testTopic } from "../../test/support/audience-rows.ts";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { eachTransport } from "../../test/support/transports.ts";
import { type ContactsWanted, filterContacts } from "./filter.ts";
import { createSegment } from "./segments.ts";

eachTransport((_, open) => {
  const scene = async () => {
    const app = await testApp({ transport: await open() });
    const { teamId } = await testTeam(app);
    const other = await testTeam(app);
    await testContact(app, other.teamId, "ada@example.com");
    const ada = await testContact(app, teamId, "ada@example.com", { firstName: "Ada" });
    const bob = await testContact(app, teamId, "bob@example.com", { unsubscribed: true });
    const carol = await testContact(app, teamId, "carol@example.org", { lastName: "Adams" });
    const topic = await testTopic(app, teamId);
    await choose(app, ada, topic, "opt_out");
    const list = await testSegment(app, teamId, [ada, bob]);
    const byRules = await createSegment(app, teamId, {
      name: "org",
      rules: { all: [{ field: "email", operator: "ends_with", value: ".org" }] },
    });
    const found = async (wanted: ContactsWanted) => {
      const emails = [];
      for (let after: string | undefined; ; ) {
        const { contacts, next } = await filterContacts(app, teamId, wanted, { limit: 1, after });
        emails.push(...contacts.map(({ email }) => email));
        if (next === undefined) return emails;
        after = next;
      }
    };
    return { app, teamId, carol, topic, list, byRules, found };
  };

  test("contacts are found by one thing or several, page by page, and only the team's", async () => {
    const { found, topic, list, byRules } = await scene();
    const [a, b, c] = ["ada@example.com", "bob@example.com", "carol@example.org"] as const;
    expect(await found({})).toEqual([c, b, a]);
    expect(await found({ search: "ada" })).toEqual([a, c]);
    expect(await found({ segmentId: list.id })).toEqual([b, a]);
    expect(await found({ segmentId: byRules.id })).toEqual([c]);
    expect(await found({ unsubscribed: true })).toEqual([b]);
    expect(await found({ unsubscribed: false, segmentId: list.id })).toEqual([a]);
    expect(await found({ topic: { id: topic.id, subscription: "opt_in" } })).toEqual([c, b]);
    expect(await found({ topic: { id: topic.id, subscription: "opt_out" } })).toEqual([a]);
    expect(await found({ search: "ada", segmentId: list.id })).toEqual([a]);
    expect(await found({ search: "ADA", unsubscribed: false })).toEqual([c, a]);
    expect(await found({ search: "%", unsubscribed: false })).toEqual([]);
  });
});

test("a page that finds nobody among so many says where to look on", async () => {
  const app = await testApp();
  const { teamId } = await testTeam(app);
  const rare = await testContact(app, teamId, "rare@example.com", { unsubscribed: true });
  await app.transport.batch([
    {
      sql: `insert into contacts (team_id, id, email, unsubscribed, properties, created_at, updated_at)
            with recursive n (i) as (select 1 union all select i + 1 from n where i < 8000)
            select ?, printf('ffffffff-%04x-7000-8000-%012x', i % 7, i), 'many' || i || '@example.com', 0, '{}', 0, 0 from n`,
      params: [teamId],
    },
  ]);
  const first = await filterContacts(app, teamId, { unsubscribed: true }, { limit: 50 });
  expect(first.contacts).toEqual([]);
  expect(first.next).toBeDefined();
  const second = await filterContacts(app, teamId, { unsubscribed: true }, { limit: 50, after: first.next });
  expect(second.contacts).toEqual([rare]);
  expect(second.next).toBeUndefined();
});
