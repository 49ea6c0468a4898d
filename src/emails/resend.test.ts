import { describe, expect, test } from "bun:test";
import { simpleParser } from "mailparser";
import { deliveryScene } from "../../test/support/delivery-scene.ts";
import { submissionScene } from "../../test/support/submission-scene.ts";
import { testTeam } from "../../test/support/test-app.ts";
import { atomically } from "../app.ts";
import { rawWrite } from "../db/write.ts";
import { newId } from "../ids.ts";
import { getEmail } from "./read.ts";
import { resendEmail } from "./resend.ts";
import { removeContent } from "./retention-store.ts";
import { listAttachments } from "./store.ts";

describe("an email sent again", () => {
  test("says the same to the same, under an id and a Message-ID of its own", async () => {
    const here = await deliveryScene();
    const { app, teamId } = here;
    const first = await here.send({
      cc: ["Carol <carol@recipient.test>"],
      bcc: ["dan@recipient.test"],
      replyTo: ["help@example.com"],
      headers: { "X-Order": "7" },
      tags: [{ name: "kind", value: "receipt" }],
      attachments: [{ filename: "a.txt", content: Buffer.from("file") }],
    });
    const { id } = await resendEmail(app, { teamId }, first);
    await here.dispatcher.drained();

    const [was, is] = [await getEmail(app, teamId, first), await getEmail(app, teamId, id)];
    const { id: _a, messageId, contentId: _c, ...same } = was;
    expect(is).toMatchObject({ ...same, lastEvent: "delivered" });
    expect(is.messageId).not.toBe(messageId);
    expect((await here.deliveries(id)).map(({ recipient, state }) => `${recipient} ${state}`)).toEqual([
      "bob@recipient.test delivered",
      "carol@recipient.test delivered",
      "dan@recipient.test delivered",
    ]);
    const files = async (emailId: string) =>
      (await listAttachments(app.db, emailId)).map(({ filename, blobHash }) => ({ filename, blobHash }));
    expect(await files(id)).toEqual(await files(first));
  });

  test("keeps the message its client made, but for the Message-ID", async () => {
    const here = await submissionScene();
    const first = await here.submit({
      from: "ada@example.com",
      to: "bob@recipient.test",
      subject: "By hand",
      text: "As it is",
      messageId: "<mine@client.test>",
      headers: { "X-Mark": "kept" },
    });
    await here.dispatcher.drained();
    const { id } = await resendEmail(here.app, { teamId: here.teamId }, first);
    await here.dispatcher.drained();
    const [one, two] = await Promise.all(
      here.host.received.map(({ message }) => simpleParser(Buffer.from(message))),
    );
    expect(one!.messageId).toBe("<mine@client.test>");
    expect(two!.messageId).toBe((await getEmail(here.app, here.teamId, id)).messageId);
    expect(two!.messageId).not.toBe("<mine@client.test>");
    expect([two!.text, two!.subject, two!.headers.get("x-mark")]).toEqual(["As it is\n", "By hand", "kept"]);
  });

  test("comes into being once, however often it is asked for under one key", async () => {
    const here = await deliveryScene();
    const first = await here.send();
    const once = { endpoint: "POST /emails/:id/resend", key: "k", bodyHash: "h" };
    const ids = [];
    for (const _ of "12") ids.push(await resendEmail(here.app, { teamId: here.teamId }, first, once));
    expect(ids[0]).toEqual(ids[1]!);
  });

  test("is refused to another team, for a broadcast, and once its content is gone", async () => {
    const here = await deliveryScene();
    const { app, teamId } = here;
    const id = await here.send();
    const other = await testTeam(app, "Another team");
    await expect(resendEmail(app, { teamId: other.teamId }, id)).rejects.toThrow("Email not found");
    await expect(resendEmail(app, { teamId }, newId())).rejects.toThrow("Email not found");
    const set = (sql: string) => atomically(app, [rawWrite(sql, [id])]);
    await set("update emails set broadcast_id = 'b' where id = ?");
    await expect(resendEmail(app, { teamId }, id)).rejects.toThrow("send a new broadcast");
    await set("update emails set broadcast_id = null where id = ?");
    await set("update emails set content_removed_at = 0 where id = ?");
    await expect(resendEmail(app, { teamId }, id)).rejects.toThrow("was removed at 1970-01-01T00:00:00.000Z");
  });

  test("is refused where its content is removed while it is read, rather than sent without its files", async () => {
    const here = await deliveryScene();
    const { app, teamId } = here;
    const id = await here.send({ attachments: [{ filename: "a.txt", content: Buffer.from("file") }] });
    const { query } = app.transport;
    app.transport.query = async (sql, params, method) => {
      if (sql.includes('from "attachments"')) {
        app.transport.query = query;
        await atomically(app, removeContent([{ id, isBroadcast: false, isSettled: true }], app.now()));
      }
      return query(sql, params, method);
    };
    await expect(resendEmail(app, { teamId }, id)).rejects.toThrow("was removed at");
  });
});
