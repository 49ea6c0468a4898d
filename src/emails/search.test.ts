import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type TestApp, testApp, testTeam } from "../../test/support/test-app.ts";
import { atomically } from "../app.ts";
import type { Row } from "../db/transport.ts";
import { rawWrite } from "../db/write.ts";
import { newIdAt } from "../ids.ts";
import { emails } from "./schema.ts";
import { type EmailSearch, searchEmails } from "./search.ts";
import { indexEmails } from "./search-index.ts";
import { idPrefixSql, searchRowid } from "./search-rowid.ts";
import { hasPhrase, matchOf, textsOf, wordsOf } from "./search-words.ts";
import { insertContent, insertEmail, type NewEmail } from "./store.ts";

const minute = 60_000;

async function scene() {
  const app = await testApp();
  const { teamId } = await testTeam(app);
  const contentId = newIdAt(app.now());
  await atomically(app, [insertContent({ id: contentId, html: null, text: "x", createdAt: app.now() })]);
  return { app, teamId, contentId };
}

type Scene = Awaited<ReturnType<typeof scene>>;

/** Stores an email a minute after the last one. */
async function email(scene: Scene, changes: Partial<NewEmail> = {}): Promise<string> {
  const row = emailRow(scene, changes);
  await atomically(scene.app, [insertEmail(row)]);
  return row.id;
}

function emailRow({ app, teamId, contentId }: Scene, changes: Partial<NewEmail> = {}): NewEmail {
  app.clock.advance(minute);
  const id = newIdAt(app.now());
  return {
    ...{ id, teamId, contentId, domainId: null, apiKeyId: null, messageId: `<${id}@example.com>` },
    ...{
      sender: "Engines <hello@example.com>",
      recipients: ["bob@example.org"],
      cc: [],
      bcc: [],
      replyTo: [],
    },
    ...{
      subject: "Hello",
      headers: {},
      tags: [],
      topicId: null,
      tracking: null,
      broadcastId: null,
      merge: null,
    },
    ...{ lastEvent: "delivered", scheduledAt: null, createdAt: app.now() },
    ...changes,
  };
}

const found = async ({ app, teamId }: Pick<Scene, "app" | "teamId">, search: EmailSearch, limit = 50) => {
  const ids: string[] = [];
  let after: string | undefined;
  do {
    const { emails, next } = await searchEmails(app, teamId, search, { limit, after });
    expect(emails.length).toBeLessThanOrEqual(limit);
    ids.push(...emails.map(({ id }) => id));
    after = next;
  } while (after !== undefined);
  return ids;
};

const indexed = async (app: TestApp) => {
  app.clock.advance(2 * minute);
  await indexEmails(app);
};

/** An email of another team that says a thousand times what all of them say: then none of it leads to few emails. */
async function repeat(scene: Scene): Promise<void> {
  const { app } = scene;
  const { teamId } = await testTeam(app, "Repeaters");
  const rows = await app.db.select().from(emails);
  const words = new Set(rows.flatMap((row) => wordsOf(Object.values(textsOf(row)).join(" "))));
  await email(scene, { teamId, subject: `${[...words].join(" ")} `.repeat(1_000) });
}

describe.each(["written", "written, and had by many", "not written yet"])("with the words %s", (when) => {
  const settle = async (s: Scene) => {
    if (when === "written, and had by many") await repeat(s);
    if (when !== "not written yet") await indexed(s.app);
  };

  test("an email is found by what its addresses, subject and tags begin with, and by nothing else", async () => {
    const s = await scene();
    const one = await email(s, {
      recipients: ["Ada Lovelace <ada.lovelace@example.org>"],
      cc: ["carol@example.org"],
      bcc: ["dan@example.org"],
      subject: "Rechnung Über €20 – März",
      tags: [{ name: "kind", value: "invoice_2026" }],
      messageId: "<abc.123@their-host.example>",
    });
    await email(s, { subject: "Another" });
    await settle(s);
    for (const text of [
      ...[
        "ada.lovelace@example.org",
        "ADA",
        "lovel",
        "ada.lovelace@exa",
        "carol@",
        "dan@example.org",
        "rechn uber",
      ],
      ...[
        "marz",
        "MÄRZ",
        "kind",
        "invoice_20",
        "abc.123@their-host.example",
        '"uber 20"',
        "to:ada",
        "subject:20",
      ],
      ...["tag:kind", "ada 20 kind"],
    ]) {
      expect({ text, ids: await found(s, { text }) }).toEqual({ text, ids: [one] });
    }
    for (const text of [
      "example.lovelace",
      "from:ada",
      "subject:ada",
      '"20 uber"',
      '"rechn"',
      "ada nobody",
    ]) {
      expect({ text, ids: await found(s, { text }) }).toEqual({ text, ids: [] });
    }
    expect(await found(s, { tag: "kind" })).toEqual([one]);
    expect(await found(s, { tag: "kind:invoice_2026" })).toEqual([one]);
    expect(await found(s, { tag: "invoice_2026" })).toEqual([one]);
  });

  test("what is found comes newest first and in pages, without gap or repetition", async () => {
    const s = await scene();
    const ids: string[] = [];
    for (let n = 0; n < 12; n++) ids.unshift(await email(s, { subject: n % 2 ? "odd one" : "even one" }));
    await settle(s);
    expect(await found(s, { text: "one" }, 5)).toEqual(ids);
    expect(await found(s, { text: "odd" }, 5)).toEqual(ids.filter((_, n) => n % 2 === 0));
    expect(await found(s, {}, 5)).toEqual(ids);
  });

  test("status, domain and time narrow what is found", async () => {
    const s = await scene();
    const domainId = newIdAt(s.app.now());
    const one = await email(s, { lastEvent: "bounced", domainId });
    const middle = s.app.now();
    const two = await email(s, { lastEvent: "delivered", domainId });
    const three = await email(s, { lastEvent: "bounced" });
    await settle(s);
    expect(await found(s, { status: "bounced" })).toEqual([three, one]);
    expect(await found(s, { status: "delivered" })).toEqual([two]);
    expect(await found(s, { status: "queued" })).toEqual([]);
    expect(await found(s, { domainId })).toEqual([two, one]);
    expect(await found(s, { domainId, status: "bounced", text: "hello" })).toEqual([one]);
    const later = new Date(middle.getTime() + 1);
    expect(await found(s, { from: later })).toEqual([three, two]);
    expect(await found(s, { until: later })).toEqual([one]);
    expect(await found(s, { from: later, text: "hello" })).toEqual([three, two]);
    expect(await found(s, { until: later, text: "hello" })).toEqual([one]);
    expect(await found(s, { until: later, from: later, text: "hello" })).toEqual([]);
  });

  test("an email is found by its id and by its Message-ID, and another team finds nothing", async () => {
    const s = await scene();
    const id = await email(s);
    await settle(s);
    expect(await found(s, { text: id.toUpperCase() })).toEqual([id]);
    expect(await found(s, { text: `<${id}@example.com>` })).toEqual([id]);
    const { teamId } = await testTeam(s.app, "Others");
    for (const text of [id, "hello", "bob@example.org", ""]) {
      expect(await found({ app: s.app, teamId }, { text })).toEqual([]);
    }
  });
});

test("a search reads on from what is not written to what is", async () => {
  const s = await scene();
  const old = [await email(s), await email(s)];
  await indexed(s.app);
  const fresh = [await email(s), await email(s)];
  const all = [...old, ...fresh].reverse();
  expect(await found(s, { text: "hello" })).toEqual(all);
  expect(await found(s, { text: "hello" }, 1)).toEqual(all);
  expect(await found(s, { text: "hello" }, 3)).toEqual(all);
});

test("one answer looks at a bounded number of emails, and says where to go on", async () => {
  const s = await scene();
  const oldest = await email(s, { subject: "needle" });
  await atomically(
    s.app,
    Array.from({ length: 900 }, () => insertEmail(emailRow(s))),
  );
  const first = await searchEmails(s.app, s.teamId, { text: "needle" }, { limit: 10 });
  expect(first.emails).toEqual([]);
  const second = await searchEmails(s.app, s.teamId, { text: "needle" }, { limit: 10, after: first.next! });
  expect(second.emails.map(({ id }) => id)).toEqual([oldest]);
});

test("a word that few have leads to them at once, however many emails there are", async () => {
  const s = await scene();
  const oldest = await email(s, { subject: "needle", recipients: ["ada@haystack.test"] });
  const fresh = () => Array.from({ length: 900 }, () => insertEmail(emailRow(s)));
  await atomically(s.app, fresh());
  await indexed(s.app);
  const ask = (text: string) => searchEmails(s.app, s.teamId, { text }, { limit: 10 });
  for (const text of ["needle", "need", "ada@haystack.test", '"needle" engines', "hello needle"]) {
    const { emails, next } = await ask(text);
    expect([text, emails.map(({ id }) => id), next]).toEqual([text, [oldest], undefined]);
  }
  for (const text of ["needles", '"needle" bob', "to:needle"])
    expect(await ask(text)).toEqual({ emails: [] });
});

test("of what a word leads to a bounded number is looked at, and the next answer goes on", async () => {
  const s = await scene();
  const oldest = await email(s, { subject: "needle", tags: [{ name: "kind", value: "rare" }] });
  const others = Array.from({ length: 850 }, () => insertEmail(emailRow(s, { subject: "needle" })));
  await atomically(s.app, others);
  await indexed(s.app);
  const search = { text: "needle", status: "bounced" };
  const first = await searchEmails(s.app, s.teamId, search, { limit: 10 });
  expect(first).toEqual({ emails: [], next: expect.any(String) });
  expect(await searchEmails(s.app, s.teamId, search, { limit: 10, after: first.next! })).toEqual({
    emails: [],
  });
  expect(await found(s, { text: "needle" }, 100)).toHaveLength(851);
  expect(await found(s, { text: "tag:kind" })).toEqual([oldest]);
});

test("words that the index writes in another way than they are typed are found", async () => {
  const s = await scene();
  const subjects = ["ΚΩΔΙΚΟΣ ΠΑΡΑΓΓΕΛΙΑΣ", "5 µF", "ſtraße", "Новый заказ", "한국 주문", "हिन्दी"];
  for (const subject of subjects) await email(s, { subject });
  await indexed(s.app);
  const texts = ["ΚΩΔΙΚΟΣ", "κωδικος", '"παραγγελιας"', "µF", "ſtraße", "новый", "Новы", "한국", "हिन्दी"];
  for (const text of texts) {
    expect([text, (await found(s, { text })).length]).toEqual([text, 1]);
  }
});

test("emails that share a row of words are each found, also where a batch or a page ends between them", async () => {
  const s = await scene();
  const before = Array.from({ length: 199 }, () => insertEmail(emailRow(s)));
  await atomically(s.app, before);
  const twins: string[] = [];
  for (let n = 0; n < 6; n++) {
    const id = `${newIdAt(s.app.now()).slice(0, -1)}0`;
    for (const end of ["1", "2"]) twins.unshift(`${id.slice(0, -1)}${end}`);
    await email(s, { id: twins[1]!, subject: "twin one" });
    await email(s, { id: twins[0]!, subject: "twin two" });
  }
  await indexed(s.app);
  const ids = twins.toSorted().reverse();
  for (const limit of [1, 3, 5]) expect(await found(s, { text: "twin" }, limit)).toEqual(ids);
  await repeat(s);
  await indexed(s.app);
  for (const limit of [1, 3, 5]) expect(await found(s, { text: "twin" }, limit)).toEqual(ids);
  expect(await found(s, { text: "subject:two" })).toHaveLength(6);
});

test("where a time is asked for, nothing is said to be behind its first email", async () => {
  const s = await scene();
  await atomically(
    s.app,
    Array.from({ length: 850 }, () => insertEmail(emailRow(s, { subject: "needle" }))),
  );
  const from = s.app.now();
  const newest = await email(s, { subject: "needle" });
  await indexed(s.app);
  const { emails, next } = await searchEmails(
    s.app,
    s.teamId,
    { text: "needle", from: new Date(from.getTime() + 1) },
    { limit: 10 },
  );
  expect([emails.map(({ id }) => id), next]).toEqual([[newest], undefined]);
});

test("a status there is not is refused", async () => {
  const s = await scene();
  expect(searchEmails(s.app, s.teamId, { status: "lost" }, { limit: 10 })).rejects.toThrow(
    "must be one of queued",
  );
});

test("nothing that is typed is taken for the query's own language", async () => {
  const s = await scene();
  const id = await email(s);
  await indexed(s.app);
  for (const text of [
    'hello" OR "x',
    "scope:x",
    "hello*",
    "NOT hello",
    "(hello",
    "{sender}:hello",
    "'hello'",
    "^hello",
  ]) {
    await found(s, { text });
  }
  expect(await found(s, { text: 'hello" AND ("' })).toEqual([]);
  expect(await found(s, { text: "--- !!" })).toEqual([id]);
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: "binary" }), async (text) => {
      await found(s, { text });
    }),
    { numRuns: 100 },
  );
});

test("words are taken apart here as the database takes them apart", async () => {
  const { app } = await scene();
  await fc.assert(
    fc.asyncProperty(
      fc.string({ unit: "grapheme-ascii" }),
      fc.string({ unit: "grapheme-ascii" }),
      async (text, asked) => {
        const words = wordsOf(asked);
        if (words.length === 0) return;
        const phrase = { columns: ["subject"] as const, words, isBegun: false };
        const results = await app.transport.batch([
          { sql: "delete from email_search where rowid = 1", params: [] },
          { sql: "insert into email_search (rowid, subject) values (1, ?)", params: [text] },
        ]);
        expect(results).toHaveLength(2);
        const { rows } = await app.transport.query(
          "select count(*) from email_search where email_search match ?",
          [matchOf(phrase, [words.at(-1)!])],
          "values",
        );
        const here = hasPhrase(
          { sender: "", recipients: "", subject: text, tags: "", message_id: "" },
          phrase,
        );
        expect({ text, asked, isThere: Number((rows as Row[])[0]?.[0]) === 1 }).toEqual({
          text,
          asked,
          isThere: here,
        });
      },
    ),
    { numRuns: 200 },
  );
});

test("letters of other scripts are words here as they are in the database", () => {
  const database = new Database(":memory:");
  database.run("create virtual table texts using fts5(text, tokenize = 'unicode61 remove_diacritics 2')");
  database.run("create virtual table terms using fts5vocab(texts, instance)");
  const scripts: [from: number, to: number][] = [
    ...([
      [0x80, 0x17f],
      [0x300, 0x331],
      [0x386, 0x3ce],
      [0x3d0, 0x3f5],
      [0x400, 0x527],
    ] as [number, number][]), // Latin, Greek, Cyrillic
    ...([
      [0x5d0, 0x5ea],
      [0x620, 0x65f],
      [0x904, 0x970],
      [0xe01, 0xe4e],
    ] as [number, number][]), // Hebrew, Arabic, Devanagari, Thai
    ...([
      [0x1e00, 0x1eff],
      [0x3041, 0x3096],
      [0x30a1, 0x30fa],
      [0x4e00, 0x4eff],
      [0xac00, 0xacff],
    ] as [number, number][]),
  ];
  const texts = scripts.flatMap(([from, to]) =>
    Array.from({ length: to - from + 1 }, (_, n) => `A${String.fromCodePoint(from + n)}b`),
  );
  const insert = database.prepare("insert into texts (rowid, text) values (?, ?)");
  for (const [n, text] of texts.entries()) insert.run(n, text);
  const terms = database
    .query<[string, number], []>("select term, doc from terms order by doc, offset")
    .values();
  const written = Map.groupBy(terms, ([, doc]) => doc);
  const wrong = texts.filter((text, n) => {
    const words = (written.get(n) ?? []).map(([term]) => term);
    return /[\p{L}\p{M}\p{N}]/u.test(text[1]!) && words.join(" ") !== wordsOf(text).join(" ");
  });
  expect(wrong).toEqual([]);
});

test("the row of an email's words leads back to its id", async () => {
  const { app } = await scene();
  for (let n = 0; n < 50; n++) {
    const id = n % 2 ? newIdAt(app.now()) : newIdAt(new Date(n * 1e10));
    const { rows } = await app.transport.query(
      `select ${idPrefixSql("n")} from (select cast(? as integer) as n)`,
      [searchRowid(id)],
      "values",
    );
    expect(id.startsWith(String((rows as Row[])[0]?.[0]))).toBe(true);
    expect(String((rows as Row[])[0]?.[0])).toHaveLength(20);
  }
});

describe("of broadcasts", () => {
  /** A broadcast's email to some people; their deliveries' ids. */
  async function broadcast(s: Scene, people: string[], changes: Partial<NewEmail> = {}, state = "delivered") {
    const emailId = await email(s, { recipients: [], broadcastId: newIdAt(s.app.now()), ...changes });
    const rows = people.map((recipient) => ({ id: newIdAt(s.app.now()), recipient }));
    await atomically(
      s.app,
      rows.map(({ id, recipient }) =>
        rawWrite(
          `insert into deliveries (id, team_id, email_id, recipient, domain, state, attempts, created_at, contact_id)
           values (?, ?, ?, ?, 'example.org', ?, 1, 0, 'contact')`,
          [id, s.teamId, emailId, recipient, state],
        ),
      ),
    );
    return { emailId, ids: rows.map(({ id }) => id) };
  }
  const search = (s: Scene, search: EmailSearch, limit = 50) =>
    searchEmails(s.app, s.teamId, search, { limit });

  test("a whole address finds the copies that went to it, among the emails to it, newest first and page by page", async () => {
    const s = await scene();
    const old = await broadcast(s, ["ada@example.org", "eve@example.org"]);
    const own = await email(s, { recipients: ["Ada <ada@example.org>"] });
    await broadcast(s, ["eve@example.org"]);
    await indexed(s.app);
    const late = await broadcast(s, ["ada@example.org"], {}, "deferred");
    const all = [late.emailId, own, old.emailId];
    for (const text of [
      "ada@example.org",
      "ADA@Example.org",
      "to:ada@example.org",
      '"ada@example.org"',
      "ada@example.org news",
    ]) {
      const ids = await found(s, { text });
      expect({ text, ids }).toEqual({ text, ids: text.endsWith("news") ? [] : all });
    }
    for (const limit of [1, 2, 3]) expect(await found(s, { text: "ada@example.org" }, limit)).toEqual(all);
    const { emails } = await search(s, { text: "ada@example.org" });
    expect(
      emails.map(({ deliveryId, recipients, lastEvent, messageId }) => [
        deliveryId,
        recipients,
        lastEvent,
        messageId,
      ]),
    ).toEqual([
      [late.ids[0], ["ada@example.org"], "delivery_delayed", `<${late.ids[0]}@example.com>`],
      [undefined, ["Ada <ada@example.org>"], "delivered", `<${own}@example.com>`],
      [old.ids[0], ["ada@example.org"], "delivered", `<${old.ids[0]}@example.com>`],
    ]);
  });

  test("they are narrowed by all else that is asked, and found by no part of an address and no sender", async () => {
    const s = await scene();
    const domainId = newIdAt(s.app.now());
    const one = await broadcast(s, ["ada@example.org"], { subject: "Spring", domainId }, "bounced");
    const between = s.app.now();
    const two = await broadcast(s, ["ada@example.org"], { subject: "Summer" });
    const text = "ada@example.org";
    expect(await found(s, { text: `${text} spr` })).toEqual([one.emailId]);
    expect(await found(s, { text, status: "bounced" })).toEqual([one.emailId]);
    expect(await found(s, { text, domainId })).toEqual([one.emailId]);
    expect(await found(s, { text, from: new Date(between.getTime() + 1) })).toEqual([two.emailId]);
    expect(await found(s, { text, until: new Date(between.getTime() + 1) })).toEqual([one.emailId]);
    for (const nothing of ["ada@", "ada@example", "from:ada@example.org", "subject:ada@example.org"]) {
      expect({ nothing, ids: await found(s, { text: nothing }) }).toEqual({ nothing, ids: [] });
    }
    const { teamId } = await testTeam(s.app, "Others");
    expect(await found({ app: s.app, teamId }, { text })).toEqual([]);
  });

  test("a Message-ID finds the one copy that has it, with brackets and without, and so does the delivery's id", async () => {
    const s = await scene();
    const { ids } = await broadcast(s, ["ada@example.org", "eve@example.org"]);
    const { teamId } = await testTeam(s.app, "Others");
    for (const text of [ids[1]!, `<${ids[1]}@example.com>`, `${ids[1]}@example.com`]) {
      expect((await search(s, { text })).emails).toMatchObject([
        { deliveryId: ids[1], recipients: ["eve@example.org"] },
      ]);
      expect(await found({ app: s.app, teamId }, { text })).toEqual([]);
    }
  });

  test("one answer looks at a bounded number of them, and the next goes on", async () => {
    const s = await scene();
    const { emailId } = await broadcast(s, ["ada@example.org"]);
    const later = Array.from({ length: 1_100 }, () =>
      emailRow(s, { recipients: [], broadcastId: newIdAt(s.app.now()) }),
    );
    await atomically(s.app, later.map(insertEmail));
    await indexed(s.app);
    const first = await search(s, { text: "ada@example.org" });
    expect([first.emails, typeof first.next]).toEqual([[], "string"]);
    expect(await found(s, { text: "ada@example.org" })).toEqual([emailId]);
  });
});
