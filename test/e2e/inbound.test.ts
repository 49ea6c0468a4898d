import { Database } from "bun:sqlite";
import { expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { handIn, inboundOf } from "./hand-in.ts";
import { startMailit } from "./mailit.ts";
import { apiOf, folderOfTest, setUp, storyMs, until, verify } from "./story.ts";

setDefaultTimeout(storyMs);

const letter = {
  from: "Bob <bob@elsewhere.test>",
  to: "support@in.example.net",
  subject: "Grüße",
  text: "Hello",
  html: '<p>Hello <img src="cid:logo"></p>',
  attachments: [
    { filename: "logo.png", content: Buffer.from("iVBORw==", "base64"), cid: "logo" },
    { filename: "big.bin", content: Buffer.alloc(300_000, "x") },
  ],
};

test("mail to a domain that receives is taken over TLS, stored before its 250 and readable soon after", async () => {
  const folder = await folderOfTest();
  const setup = await setUp(folder);
  let id = "";
  {
    await using mailit = await startMailit({ folder });
    const inbound = await inboundOf(mailit);
    const api = apiOf(mailit, setup.api_key);
    const { body: domain } = await api.post("/domains", {
      name: "in.example.net",
      capabilities: { sending: "disabled", receiving: "enabled" },
    });
    await expect(handIn(inbound, letter)).rejects.toMatchObject({ responseCode: 550 });
    await verify(api, domain.id);
    const response = await until("the domain receives", () => handIn(inbound, letter).catch(() => undefined));
    expect(response).toMatch(/^250 2\.0\.0 Taken as [0-9a-f-]{36}$/);
    id = response.split(" ").at(-1)!;
    await expect(handIn(inbound, { ...letter, to: "bob@elsewhere.test" })).rejects.toMatchObject({
      response: expect.stringContaining("550 5.7.1 This server is no relay"),
    });
    await mailit.kill9(); // what had its 250 is on disk, and whether it had been read by then makes no difference
  }

  await using mailit = await startMailit({ folder });
  const database = new Database(join(folder, "data", "mailit.db"), { readonly: true });
  const row = await until("it has been read", async () => {
    const found = database.query("select * from inbound_emails where id = ?").get(id) as Record<
      string,
      unknown
    >;
    return found.kind === "unread" ? undefined : found;
  });
  expect(row).toMatchObject({
    ...{
      kind: "email",
      subject: "Grüße",
      sender: "Bob <bob@elsewhere.test>",
      mail_from: "bob@elsewhere.test",
    },
    ...{ received_for: '["support@in.example.net"]', client_name: "mx.elsewhere.test", problem: null },
  });
  expect(row.tls).toStartWith("TLSv1.3 ");
  const attachments = database
    .query(
      "select filename, size, content_id from inbound_attachments where inbound_id = ? order by position",
    )
    .values(id);
  expect(attachments).toEqual([
    ["logo.png", 4, "logo"],
    ["big.bin", 300_000, null],
  ]);
  const events = database.query("select count(*) from events where type = 'email.received'").values();
  expect(events).toEqual([[1]]);
  database.close();
  expect(await mailit.stop()).toBe(0);
});

test("a port that another program has stops the start with a sentence", async () => {
  const other = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const env = { MAILIT_SMTP_INBOUND_ADDR: `127.0.0.1:${other.port}` };
  await expect(startMailit({ env })).rejects.toThrow(
    /smtpInbound\.addr is "127\.0\.0\.1:\d+"; another program has that port: stop it .*smtpInbound\.enabled/,
  );
  other.stop(true);
});

test("nothing is taken where inbound mail is turned off", async () => {
  await using mailit = await startMailit({ env: { MAILIT_SMTP_INBOUND_ENABLED: "false" } });
  await mailit.printed(/Sandbox: /);
  expect(mailit.stdout()).not.toContain("Mail for your domains");
});
