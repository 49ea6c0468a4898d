import { describe, expect, test } from "bun:test";
import { sql } from "drizzle-orm";
import { addReceived } from "../../test/support/received-mail.ts";
import { type TestApp, testApp, testTeam } from "../../test/support/test-app.ts";
import { eachTransport } from "../../test/support/transports.ts";
import { newId } from "../ids.ts";
import { forgetOldInbound } from "./forget.ts";
import { getNumberedPage, getReceivedEmail, getReceivedEmails, removeReceived } from "./received.ts";
import { findRawFile, getReceivedAttachment, getReceivedAttachments } from "./received-files.ts";

const idsOf = (rows: { id: string }[]) => rows.map(({ id }) => id);
const countOf = async (app: TestApp, table: string) =>
  (await app.db.values<[number]>(sql.raw(`select count(*) from ${table}`)))[0]![0];

eachTransport((_name, open) => {
  const scene = async () => {
    const app = await testApp({ transport: await open(), now: new Date() });
    return { app, teamId: (await testTeam(app)).teamId, otherId: (await testTeam(app, "Other")).teamId };
  };

  test("a list is a team's mail that has been read, newest first, with attachments in their order", async () => {
    const { app, teamId, otherId } = await scene();
    const first = await addReceived(app, teamId);
    await addReceived(app, teamId, { kind: "unread" });
    const report = await addReceived(app, teamId, { kind: "report" });
    const second = await addReceived(app, teamId, {
      attachments: ["b", "a"].map((filename) => ({ filename, content: filename })),
    });
    const third = await addReceived(app, teamId);
    await addReceived(app, otherId);
    const list = (keyset: Parameters<typeof getReceivedEmails>[3], kind: "email" | "report" = "email") =>
      getReceivedEmails(app, teamId, kind, keyset);

    const all = await list({ limit: 20 });
    expect(idsOf(all)).toEqual([third, second, first]);
    expect(all.map(({ attachments }) => attachments.map(({ filename }) => filename))).toEqual([
      [],
      ["b", "a"],
      [],
    ]);
    expect(idsOf(await list({ limit: 1, after: third }))).toEqual([second, first]); // one more than asked for
    expect(idsOf(await list({ limit: 1, before: first }))).toEqual([third, second]);
    expect(idsOf(await list({ limit: 20 }, "report"))).toEqual([report]);
  });

  test("pages with numbers are the same list, counted", async () => {
    const { app, teamId } = await scene();
    const ids: string[] = [];
    for (let n = 0; n < 5; n++) ids.unshift(await addReceived(app, teamId));
    await addReceived(app, teamId, { kind: "report" });
    const { emails, total } = await getNumberedPage(app, teamId, { page: 2, perPage: 2 });
    expect([idsOf(emails), total]).toEqual([ids.slice(2, 5), 5]);
    await expect(getNumberedPage(app, teamId, { page: 101, perPage: 100 })).rejects.toThrow(
      "Pages lead back 10000 emails",
    );
  });

  test("attachments are paged in the message's order, both ways", async () => {
    const { app, teamId } = await scene();
    const attachments = ["e", "d", "c", "b", "a"].map((filename) => ({ filename, content: filename }));
    const id = await addReceived(app, teamId, { attachments });
    const page = async (keyset: Parameters<typeof getReceivedAttachments>[3]) =>
      (await getReceivedAttachments(app, teamId, id, keyset)).map(({ filename }) => filename).join("");
    const all = await getReceivedAttachments(app, teamId, id, { limit: undefined });
    expect(await page({ limit: undefined })).toBe("edcba");
    expect(await page({ limit: 2, after: all[0]!.id })).toBe("dcb");
    expect(await page({ limit: 2, before: all[4]!.id })).toBe("dcb");
    expect(await page({ limit: 2, after: newId() })).toBe("");
    expect(await getReceivedAttachment(app, teamId, id, all[1]!.id)).toEqual(all[1]!);
  });

  test("what is removed is gone with all that belongs to it, its blobs an hour later unless others name them", async () => {
    const { app, teamId, otherId } = await scene();
    const attachments = [{ content: "only here" }, { content: "shared" }];
    const id = await addReceived(app, teamId, { raw: "the whole", isBlob: true, attachments });
    const kept = await addReceived(app, otherId, { attachments: [{ content: "shared" }] });
    const hashes = ["the whole", "only here", "shared"].map((text) =>
      new Bun.CryptoHasher("sha256").update(text).digest("hex"),
    );
    await expect(removeReceived(app, otherId, id)).rejects.toThrow("Email not found");
    expect(await removeReceived(app, teamId, id.toUpperCase())).toBe(id);
    await expect(removeReceived(app, teamId, id)).rejects.toThrow("Email not found");

    expect(await app.db.values(sql`select id from inbound_emails`)).toEqual([[kept]]);
    const tables = ["inbound_bodies", "inbound_raws", "inbound_attachments"];
    expect(await Promise.all(tables.map((table) => countOf(app, table)))).toEqual([1, 1, 1]);
    app.clock.advance(2 * 3_600_000);
    await forgetOldInbound(app);
    const left = await Promise.all(hashes.map(async (hash) => (await app.blobs.get(hash)) !== undefined));
    expect(left).toEqual([false, false, true]);
  });

  test("a message is its results and its stored bytes, in the database or in a blob", async () => {
    const { app, teamId } = await scene();
    const results = "Authentication-Results: mx; none\r\n";
    const small = await addReceived(app, teamId, { raw: "Subject: small\r\n", results });
    const large = await addReceived(app, teamId, { raw: "Subject: large\r\n", results, isBlob: true });
    expect(await findRawFile(app, small)).toMatchObject({
      ...{ filename: `${small}.eml`, contentType: "message/rfc822", blobHash: null },
      ...{ size: results.length + 16, head: Buffer.from(`${results}Subject: small\r\n`) },
    });
    expect(await findRawFile(app, large)).toMatchObject({
      ...{ size: results.length + 16, head: Buffer.from(results), blobHash: expect.any(String) },
    });
    expect(await findRawFile(app, newId())).toBeUndefined();
  });
});

describe("one email", () => {
  test("that nobody has read yet, that is another team's or is not there is not found, whatever is asked of it", async () => {
    const app = await testApp();
    const { teamId } = await testTeam(app);
    const other = await testTeam(app, "Other");
    const unread = await addReceived(app, teamId, { kind: "unread" });
    const theirs = await addReceived(app, other.teamId, { attachments: [{ content: "x" }] });
    for (const id of [unread, theirs, newId(), "x"]) {
      await expect(getReceivedEmail(app, teamId, id, "cid")).rejects.toThrow("Email not found");
      await expect(getReceivedAttachments(app, teamId, id, { limit: 1 })).rejects.toThrow("Email not found");
      await expect(getReceivedAttachment(app, teamId, id, newId())).rejects.toThrow("Email not found");
      await expect(removeReceived(app, teamId, id)).rejects.toThrow("Email not found");
    }
    expect(await countOf(app, "inbound_emails")).toBe(2);
  });

  test("gives no attachment of another", async () => {
    const app = await testApp();
    const { teamId } = await testTeam(app);
    const ids = [0, 1].map(() => addReceived(app, teamId, { attachments: [{ content: "x" }] }));
    const [a, b] = (await Promise.all(ids)) as [string, string];
    const [attachment] = await getReceivedAttachments(app, teamId, b, { limit: 1 });
    for (const id of [attachment!.id, newId(), "x"]) {
      await expect(getReceivedAttachment(app, teamId, a, id)).rejects.toThrow("Attachment not found");
    }
  });
});
