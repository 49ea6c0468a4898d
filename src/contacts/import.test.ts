import { expect, test } from "bun:test";
import { parse } from "csv-parse/sync";
import { sql } from "drizzle-orm";
import fc from "fast-check";
import { toldOf } from "../../test/support/audience.ts";
import { dispatch } from "../../test/support/dispatching.ts";
import { type TestApp, testApp, testTeam } from "../../test/support/test-app.ts";
import { eachTransport } from "../../test/support/transports.ts";
import { atomically } from "../app.ts";
import type { Transport } from "../db/transport.ts";
import { exportContacts } from "./export.ts";
import { importFile, importingContacts } from "./import.ts";
import type { ImportFields } from "./import-options.ts";
import { forgetImports, getImport, IncomingFile, listErrors, startImport } from "./imports.ts";
import { createProperty, listProperties } from "./properties.ts";
import { getContact, getContacts } from "./read.ts";
import { saveContact } from "./save.ts";
import { createSegment, getSegment } from "./segments.ts";
import { listTopicsOf } from "./subscriptions.ts";
import { createTopic } from "./topics.ts";

const never = new AbortController().signal;
const all = { limit: undefined };

async function take(app: TestApp, teamId: string, csv: string | Uint8Array, fields: ImportFields = {}) {
  const file = await IncomingFile.open(app);
  try {
    await file.write(typeof csv === "string" ? Buffer.from(csv) : csv);
    return await startImport(app, teamId, file, fields);
  } finally {
    await file.discard();
  }
}

/** Takes a file and works on it to its end. */
async function run(app: TestApp, teamId: string, csv: string | Uint8Array, fields: ImportFields = {}) {
  const { id } = await take(app, teamId, csv, fields);
  await finish(app, id);
  return getImport(app, teamId, id);
}

async function finish(app: TestApp, id: string, rowsPerBatch?: number) {
  const ending = await importFile(app, id, never, rowsPerBatch);
  expect(ending.kind).toBe("done");
  await atomically(app, ending.writes);
}

eachTransport((_, open) => {
  const start = async () => {
    const app = await testApp({ transport: await open() });
    return { app, ...(await testTeam(app)) };
  };

  test("a file makes contacts, changes those who are there and tells of what it can't take", async () => {
    const { app, teamId } = await start();
    await saveContact(app, teamId, { email: "bob@example.com", firstName: "Robert", lastName: "B" });
    const csv = [
      "email,first_name,last_name,unsubscribed,other",
      "Ada@Example.com,Ada,,no,x",
      "bob@example.com,Bob,,TRUE,y",
      "",
      "nobody,,,,",
      "eve@example.com,Eve,,perhaps,",
      '"zoe@example.com","Zo\n\nÉ",,,',
      "ada@example.com,,Lovelace,,",
    ].join("\r\n");
    const row = await run(app, teamId, csv);
    expect(row).toMatchObject({
      ...{ status: "completed", total: 6, created: 1, updated: 2, skipped: 0, failed: 3 },
      ...{ blobHash: null, bytesRead: row.size, completedAt: app.now() },
    });
    expect((await listErrors(app, row.id)).map(({ line, message }) => [line, message])).toEqual([
      [5, "`nobody` is not an email address: it must follow `email@example.com`."],
      [6, "`perhaps` says neither true nor false in `unsubscribed`."],
      [7, "A name has 200 characters at most, in one line."],
    ]);
    expect(await getContact(app, teamId, "ada@example.com")).toMatchObject({
      firstName: "Ada",
      lastName: "Lovelace",
    });
    expect(await getContact(app, teamId, "bob@example.com")).toMatchObject({
      ...{ firstName: "Bob", lastName: "B", unsubscribed: true },
    });
    const told = await toldOf(app, teamId, "contact.%");
    expect(told.map(([type, { email }]) => [type, email])).toEqual([
      ["contact.created", "bob@example.com"],
      ["contact.updated", "bob@example.com"],
    ]);
  });

  test("with `skip` whoever is there stays as they are", async () => {
    const { app, teamId } = await start();
    const topic = await createTopic(app, teamId, { name: "Offers", defaultSubscription: "opt_in" });
    const left = [{ id: topic.id, subscription: "opt_out" as const }];
    await saveContact(app, teamId, { email: "bob@example.com", firstName: "Robert", topics: left });
    const fields = {
      on_conflict: "skip",
      topics: JSON.stringify([{ id: topic.id, subscription: "opt_in" }]),
    };
    const row = await run(
      app,
      teamId,
      "email,first_name\nbob@example.com,Bob\nada@example.com,Ada\n",
      fields,
    );
    expect(row).toMatchObject({ total: 2, created: 1, updated: 0, skipped: 1, failed: 0 });
    expect(await getContact(app, teamId, "bob@example.com")).toMatchObject({ firstName: "Robert" });
    const [of] = await listTopicsOf(app, teamId, "bob@example.com", all);
    expect(of!.subscription).toBe("opt_out");
  });

  test("a file brings nobody back who has left, unless it is said to", async () => {
    const { app, teamId } = await start();
    const topic = await createTopic(app, teamId, { name: "News", defaultSubscription: "opt_in" });
    const left = [{ id: topic.id, subscription: "opt_out" as const }];
    await saveContact(app, teamId, { email: "ada@example.com", unsubscribed: true, topics: left });
    const csv =
      "email,first_name,unsubscribed\nada@example.com,Ada,false\nbob@example.com,Bob,true\nbob@example.com,B,false\n";
    const topics = JSON.stringify([{ id: topic.id, subscription: "opt_in" }]);
    const stateOf = async (email: string) => {
      const { firstName, unsubscribed } = await getContact(app, teamId, email);
      const [said] = await listTopicsOf(app, teamId, email, all);
      return [firstName, unsubscribed, said!.subscription];
    };
    for (const on_conflict of ["upsert", "skip"]) await run(app, teamId, csv, { on_conflict, topics });
    expect(await stateOf("ada@example.com")).toEqual(["Ada", true, "opt_out"]);
    expect(await stateOf("bob@example.com")).toEqual(["B", true, "opt_in"]);
    await run(app, teamId, csv, { on_conflict: "skip", topics, resubscribe: "true" });
    expect(await stateOf("ada@example.com")).toEqual(["Ada", true, "opt_out"]);
    await run(app, teamId, csv, { topics, resubscribe: "true" });
    expect(await stateOf("ada@example.com")).toEqual(["Ada", false, "opt_in"]);
    expect(await stateOf("bob@example.com")).toEqual(["B", false, "opt_in"]);
    expect(take(app, teamId, csv, { resubscribe: "yes" })).rejects.toMatchObject({
      message: 'Invalid `resubscribe` field. Allowed: "true", "false".',
    });
  });

  test("columns go where the map says, into properties that it defines, segments and topics", async () => {
    const { app, teamId } = await start();
    const segment = await createSegment(app, teamId, { name: "News" });
    const topic = await createTopic(app, teamId, { name: "Offers", defaultSubscription: "opt_out" });
    const map = {
      email: "E-mail",
      first_name: "Name",
      properties: {
        seats: { column: "Seats", type: "number" },
        vip: { column: "VIP", type: "boolean" },
        plan: { column: "Plan", type: "string" },
      },
    };
    const row = await run(
      app,
      teamId,
      "Plan;E-mail;Name;Seats;VIP\npro;ada@example.com;Ada;12;yes\nx;b@x.org;;twelve;\n",
      {
        column_map: JSON.stringify(map),
        segments: JSON.stringify([{ id: segment.id }]),
        topics: JSON.stringify([{ id: topic.id, subscription: "opt_in" }]),
      },
    );
    expect(row).toMatchObject({ created: 1, failed: 1 });
    expect(await getContact(app, teamId, "ada@example.com")).toMatchObject({
      ...{ firstName: "Ada", properties: { seats: 12, vip: true, plan: "pro" } },
    });
    expect((await listProperties(app, teamId, all)).map(({ key, type }) => [key, type]).sort()).toEqual([
      ["plan", "string"],
      ["seats", "number"],
      ["vip", "boolean"],
    ]);
    expect(await getSegment(app, teamId, segment.id)).toMatchObject({ members: 1 });
    const [of] = await listTopicsOf(app, teamId, "ada@example.com", all);
    expect(of!.subscription).toBe("opt_in");
  });

  test("who dies in the middle neither skips nor repeats a row", async () => {
    const { app, teamId } = await start();
    const lines = Array.from({ length: 23 }, (_, n) => `c${n}@example.com,${n % 5 === 0 ? "x\0" : `N${n}`}`);
    const { id } = await take(app, teamId, `email,first_name\n${lines.join("\n")}\n`);
    for (const batches of [0, 1, 2, 1]) {
      const dying = { ...app, db: app.db, transport: dyingAfter(app.transport, batches) };
      await expect(importFile(dying, id, never, 4)).rejects.toThrow("died");
    }
    await finish(app, id, 4);
    expect(await getImport(app, teamId, id)).toMatchObject({ total: 23, created: 18, updated: 0, failed: 5 });
    expect(await listErrors(app, id)).toHaveLength(5);
    expect(await getContacts(app, teamId, {}, all)).toHaveLength(18);
  });

  test("two that work on one file at once do each row once", async () => {
    const { app, teamId } = await start();
    const lines = Array.from({ length: 40 }, (_, n) => `c${n}@example.com`);
    const { id } = await take(app, teamId, `email\n${lines.join("\n")}\n`);
    const endings = await Promise.all([importFile(app, id, never, 4), importFile(app, id, never, 4)]);
    expect(endings.map(({ kind }) => kind)).toContain("done");
    await finish(app, id, 4);
    expect(await getImport(app, teamId, id)).toMatchObject({ total: 40, created: 40, updated: 0, failed: 0 });
  });
});

/** A database that is gone after so many batches. */
function dyingAfter(transport: Transport, batches: number): Transport {
  let left = batches;
  return {
    ...transport,
    batch: async (...given) => {
      if (left-- === 0) throw new Error("died");
      return transport.batch(...given);
    },
  };
}

const app = await testApp();

test.each([
  ["name\nAda\n", {}, "CSV missing required email column"],
  ["Email\na@x.org\n", {}, "CSV missing required email column"],
  ["", {}, "CSV missing required email column"],
  ["email\n", { column_map: '{"email":"E-mail"}' }, "CSV missing required email column"],
  ["email\n", { column_map: '{"first_name":"Name"}' }, "that `column_map.first_name` names"],
  ["email\n", { column_map: "{" }, "Invalid `column_map` field. It must be JSON."],
  ["email\n", { column_map: "[]" }, "Invalid `column_map` field"],
  [
    "email,p\n",
    { column_map: '{"properties":{"a b":{"column":"p","type":"string"}}}' },
    "Invalid `key` field",
  ],
  ["email,p\n", { column_map: '{"properties":{"p":{"column":"p","type":"list"}}}' }, "Invalid `type` field"],
  ["email\n", { on_conflict: "merge" }, "Invalid `on_conflict` field"],
  ["email\n", { segments: '[{"id":"x"}]' }, "Invalid `segments` field"],
  ["email\n", { segments: '["00000000-0000-4000-8000-000000000000"]' }, "Audience not found"],
  ["email\n", { topics: '[{"id":"00000000-0000-4000-8000-000000000000"}]' }, "Invalid `topics` field"],
])("a file or wish that can't be is refused at once: %j %j", async (csv, fields, says) => {
  const { teamId } = await testTeam(app);
  await expect(take(app, teamId, csv, fields)).rejects.toThrow(says);
  await take(app, teamId, csv, fields).catch(() => {});
  expect(await app.db.values(sql`select * from contact_imports where team_id = ${teamId}`)).toEqual([]);
});

test("an export, imported by another team, gives the same contacts; a spreadsheet runs none of its cells", async () => {
  const { teamId } = await testTeam(app);
  const { teamId: others } = await testTeam(app);
  const name = fc
    .string({
      maxLength: 12,
      unit: fc.constantFrom("=", "+", "-", "@", "'", '"', ",", ";", "a", "é", " ", "\uff1d"),
    })
    .map((text) => text.trim());
  for (const team of [teamId, others]) await createProperty(app, team, { key: "note", type: "string" });
  const people = fc.sample(fc.record({ firstName: name, lastName: name, note: name }), {
    numRuns: 60,
    seed: 7,
  });
  for (const [n, { firstName, lastName, note }] of people.entries()) {
    await saveContact(app, teamId, {
      ...{ email: `=cmd${n}@example.com`, firstName, lastName, unsubscribed: n % 3 === 0 },
      properties: note === "" ? {} : { note },
    });
  }
  let csv = "";
  for await (const piece of await exportContacts(app, teamId, undefined)) csv += piece;
  const cells = parse(csv).flat() as string[];
  expect(cells.filter((cell) => /^[=+\-@\uff1d]/.test(cell))).toEqual([]);
  expect(await run(app, others, csv)).toMatchObject({ total: 60, created: 60, failed: 0 });
  const known = async (team: string) =>
    (await getContacts(app, team, {}, all))
      .map(({ email, firstName, lastName, unsubscribed, properties }) => ({
        ...{ email, firstName, lastName, unsubscribed, properties },
      }))
      .sort((a, b) => (a.email < b.email ? -1 : 1));
  expect(await known(others)).toEqual(await known(teamId));
});

test("whatever a file holds, every row is counted once and nothing else breaks", async () => {
  const cell = fc.string({
    maxLength: 8,
    unit: fc.constantFrom('"', ",", "\n", "\r\n", "\ufeff", "\0", "a@b.org", "é", "=", "\ud800", " "),
  });
  const file = fc.array(fc.array(cell, { minLength: 1, maxLength: 4 }), { maxLength: 30 });
  const encodings = fc.constantFrom("utf8", "utf16le");
  await fc.assert(
    fc.asyncProperty(file, encodings, async (rows, encoding) => {
      const { teamId } = await testTeam(app);
      const text = `\ufeffemail,first_name\r\n${rows.map((cells) => cells.join(",")).join("\r\n")}`;
      const row = await run(app, teamId, Buffer.from(text, encoding as BufferEncoding));
      expect(row.status).toBe("completed");
      expect(row.created + row.updated + row.skipped + row.failed).toBe(row.total);
      expect(await listErrors(app, row.id)).toHaveLength(row.failed);
      expect(await getContacts(app, teamId, {}, all)).toHaveLength(row.created);
    }),
    { numRuns: 40 },
  );
}, 30_000);

test("the dispatcher works on files, and what became of them is forgotten after a month", async () => {
  const app = await testApp();
  const { teamId } = await testTeam(app);
  await using dispatcher = await dispatch(app, [importingContacts]);
  const { id, blobHash } = await take(app, teamId, "email\na@example.com\n");
  await dispatcher.drained();
  expect(await getImport(app, teamId, id)).toMatchObject({ status: "completed", created: 1, blobHash: null });
  expect(await app.db.values(sql`select hash from unnamed_blobs where hash = ${blobHash}`)).toHaveLength(1);
  app.clock.advance(31 * 24 * 3_600_000);
  await forgetImports(app);
  await expect(getImport(app, teamId, id)).rejects.toThrow("Contact import not found");
});

test("an import whose file is gone says so", async () => {
  const { teamId } = await testTeam(app);
  const { id, blobHash } = await take(app, teamId, "email\ngone@example.com\n");
  await app.blobs.remove(blobHash!);
  await finish(app, id);
  expect(await getImport(app, teamId, id)).toMatchObject({
    status: "failed",
    problem: expect.stringContaining("no longer there"),
  });
});
