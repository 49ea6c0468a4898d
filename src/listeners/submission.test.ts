import { describe, expect, test } from "bun:test";
import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { simpleParser } from "mailparser";
import {
  idIn,
  type Refused,
  type SubmissionScene,
  submissionScene,
} from "../../test/support/submission-scene.ts";
import { testTeam } from "../../test/support/test-app.ts";
import { testDomain } from "../../test/support/test-domain.ts";
import { testServer } from "../../test/support/test-server.ts";
import { atomically } from "../app.ts";
import { dataPaths } from "../config/load.ts";
import { rawWrite } from "../db/write.ts";
import { getAttachments } from "../emails/attachments.ts";
import { findLink } from "../emails/links.ts";
import { getEmail, getEmails } from "../emails/read.ts";
import { findSource } from "../emails/store.ts";
import { verifyMessage } from "../mail/dkim-verify.ts";
import { readClickToken, readOpenToken } from "../mail/tracking.ts";
import { suppress } from "../suppressions/suppress.ts";
import { listenForSubmission } from "./submission.ts";

const email = { from: "Ada <ada@example.com>", to: "bob@recipient.test", subject: "Hi", text: "Hello" };

/** What nodemailer says when it is refused. */
async function refusalOf(sending: Promise<unknown>): Promise<string> {
  return sending.then(
    () => "accepted",
    (error: Refused) => error.response,
  );
}

const emailsOf = (here: SubmissionScene) => getEmails(here.app, here.teamId, { limit: 100 });

/** What the far MX got, once everything is delivered. */
async function delivered(here: SubmissionScene): Promise<string[]> {
  await here.dispatcher.drained();
  return here.host.received.map(({ message }) => Buffer.from(message).toString("latin1"));
}

async function verdictsOf(here: SubmissionScene): Promise<string[]> {
  const { rsa, ed25519 } = here.domainKeys;
  const records: Record<string, string> = {
    "mailit._domainkey.example.com": `v=DKIM1; k=rsa; p=${rsa.publicKey}`,
    "mailit-ed25519._domainkey.example.com": `v=DKIM1; k=ed25519; p=${ed25519.publicKey}`,
  };
  const all = here.host.received.map(({ message }) =>
    verifyMessage(message, async (name) => [records[name]!]),
  );
  return (await Promise.all(all)).flat().map(({ result }) => result);
}

/** Begins a transaction in a session that has logged in. */
async function upToData(here: SubmissionScene, ...to: string[]) {
  const talker = await here.session();
  await talker.line("MAIL FROM:<ada@example.com>");
  for (const each of to) expect(await talker.line(`RCPT TO:<${each}>`)).toStartWith("250 ");
  expect(await talker.line("DATA")).toStartWith("354 ");
  return talker;
}

/** Hands in these bytes. */
async function sayMessage(here: SubmissionScene, message: string, ...to: string[]): Promise<string> {
  const talker = await upToData(here, ...(to.length > 0 ? to : ["bob@recipient.test"]));
  return talker.say(`${message.replaceAll(/\r?\n/g, "\r\n")}\r\n.\r\n`);
}

describe("a message that is handed in", () => {
  test("is an email like those of the API: shown, delivered, and signed for the sending domain", async () => {
    const here = await submissionScene();
    const id = await here.submit({
      ...email,
      replyTo: "help@example.com",
      html: "<p>Hello</p>",
      headers: { "X-Entity-Ref-ID": "7" },
    });
    const shown = await getEmail(here.app, here.teamId, id);
    expect(shown).toMatchObject({
      sender: "Ada <ada@example.com>",
      recipients: ["bob@recipient.test"],
      replyTo: ["help@example.com"],
      subject: "Hi",
      html: "<p>Hello</p>",
      text: expect.stringContaining("Hello"),
      headers: { "x-entity-ref-id": "7" },
      apiKeyId: here.keyId,
      lastEvent: "queued",
    });
    const [message] = await delivered(here);
    expect(message).toContain(`Message-ID: ${shown.messageId}\r\n`);
    expect(message).toContain("X-Entity-Ref-ID: 7\r\n");
    expect(await verdictsOf(here)).toEqual(["pass", "pass"]);
    expect(here.host.received[0]!.from).toMatch(/^b\+[0-9a-f-]+@send\.example\.com$/);
    expect(await here.events(id)).toEqual([
      "email.queued",
      "email.sent bob@recipient.test",
      "email.delivered bob@recipient.test",
    ]);
  });

  test("that is signed leaves with every byte of its body, small or large", async () => {
    const here = await submissionScene();
    for (const lines of [3, 2_000]) {
      const body = `--sig
Content-Type: text/plain; charset=iso-8859-1
Content-Transfer-Encoding: 8bit

Gr\xfc\xdfe  and trailing spaces  
.a line that begins with a dot
${"-- \t odd   spacing stays, and so does this line\n".repeat(lines)}
--sig
Content-Type: application/pkcs7-signature; name=smime.p7s
Content-Transfer-Encoding: base64

MIAGCSqGSIb3DQEHAqCAMIACAQExDzANBglghkgBZQMEAgEFADCABgkqhkiG9w0BBwEA
--sig--
`.replaceAll("\n", "\r\n");
      const head = `From: ada@example.com
To: bob@recipient.test
Subject: Signed
MIME-Version: 1.0
Content-Type: multipart/signed; protocol="application/pkcs7-signature"; micalg=sha-256; boundary=sig
`.replaceAll("\n", "\r\n");
      const talker = await upToData(here, "bob@recipient.test");
      idIn(await talker.say(`${head}\r\n${body.replaceAll("\n.", "\n..")}.\r\n`));
      expect((await delivered(here)).at(-1)).toEndWith(`\r\n\r\n${body}`);
    }
    expect(await verdictsOf(here)).toEqual(["pass", "pass", "pass", "pass"]);
  });

  test("goes to the envelope's recipients and to nobody else; who is in no field is a Bcc and never told", async () => {
    const here = await submissionScene();
    const reply = await sayMessage(
      here,
      `From: ada@example.com
To: Bob <bob@recipient.test>, absent@recipient.test
Cc: carl@recipient.test
Bcc: dora@recipient.test, absent@recipient.test
Subject: Hi

Hello`,
      ...["bob@recipient.test", "carl@recipient.test", "dora@recipient.test", "eve@recipient.test"],
    );
    const id = idIn(reply);
    expect(await getEmail(here.app, here.teamId, id)).toMatchObject({
      recipients: ["Bob <bob@recipient.test>"],
      cc: ["carl@recipient.test"],
      bcc: ["dora@recipient.test", "eve@recipient.test"],
    });
    const messages = await delivered(here);
    expect(here.host.received.flatMap(({ to }) => to).sort()).toEqual([
      ...["bob@recipient.test", "carl@recipient.test", "dora@recipient.test", "eve@recipient.test"],
    ]);
    for (const message of messages) expect(message).not.toMatch(/dora@|eve@|^bcc/im);
  });

  test("of a domain with tracking has each recipient's own links and pixel, and the links lead on", async () => {
    const here = await submissionScene();
    const { app } = here;
    await atomically(app, [rawWrite("update domains set open_tracking = 1, click_tracking = 1")]);
    const html = '<p>Grüße <a href="https://a.test/?x=1&amp;y=2">Hier</a></p>';
    const to = ["bob@recipient.test", "carl@recipient.test"];
    const id = await here.submit({ ...email, to, html, text: "Text https://a.test/" });
    const messages = await Promise.all((await delivered(here)).map((message) => simpleParser(message)));
    const secret = app.secrets.derive("tracking");
    const clicks = messages.map((message) => /\/t\/c\/([\w-]+)"/.exec(String(message.html))![1]!);
    const opens = messages.map((message) => /\/t\/o\/([\w-]+)\.gif"/.exec(String(message.html))![1]!);
    const ids = (await here.deliveries(id)).map((delivery) => delivery.id).sort();
    expect(opens.map((token) => readOpenToken(token, secret)?.deliveryId).sort()).toEqual(ids);
    for (const token of clicks) {
      const { deliveryId, link } = readClickToken(token, secret)!;
      expect(await findLink(app.db, deliveryId, link)).toBe("https://a.test/?x=1&y=2");
    }
    expect(messages[0]!.text).toBe("Text https://a.test/");
    expect((await getEmail(app, here.teamId, id)).html).toContain('href="https://a.test/?x=1&amp;y=2"');
    expect(new Set(await verdictsOf(here))).toEqual(new Set(["pass"]));
  });

  test("that may not be changed is not tracked, and does not say that it is", async () => {
    const here = await submissionScene();
    await atomically(here.app, [rawWrite("update domains set open_tracking = 1, click_tracking = 1")]);
    const part = '--s\nContent-Type: text/html\n\n<a href="https://a.test/">x</a>\n--s--';
    const reply = await sayMessage(
      here,
      `From: ada@example.com\nContent-Type: multipart/signed; boundary=s\n\n${part}`,
    );
    const [message] = await delivered(here);
    expect(message).toEndWith(`\r\n\r\n${part.replaceAll("\n", "\r\n")}\r\n`);
    expect((await getEmail(here.app, here.teamId, idIn(reply))).tracking).toBeNull();
  });

  test("with lines that hosts would cut leaves with its text encoded, and signed as it leaves", async () => {
    const here = await submissionScene();
    idIn(
      await sayMessage(here, `From: ada@example.com\nContent-Type: text/html\n\n<p>${"x".repeat(5_000)}</p>`),
    );
    const [message] = await delivered(here);
    expect(message).toContain("Content-Transfer-Encoding: quoted-printable\r\n");
    expect(message!.split("\r\n").every((line) => line.length <= 998)).toBeTrue();
    expect(await verdictsOf(here)).toEqual(["pass", "pass"]);
  });

  test("leaves the suppressed out", async () => {
    const here = await submissionScene();
    const { app, teamId } = here;
    await atomically(app, suppress(app, { teamId, address: "bob@recipient.test", reason: "manual" }));
    const id = await here.submit({ ...email, cc: "carl@recipient.test" });
    await delivered(here);
    expect((await here.deliveries(id)).map(({ recipient, state }) => `${recipient} ${state}`)).toEqual([
      "bob@recipient.test suppressed",
      "carl@recipient.test delivered",
    ]);
  });

  test("shows its attachments like any other, and a large one goes by way of the blob store", async () => {
    const here = await submissionScene();
    const content = Buffer.alloc(400_000, "0123456789abcdef");
    const id = await here.submit({ ...email, attachments: [{ filename: "big.bin", content, cid: "a@b" }] });
    const { raw, blobHash, size } = (await findSource(here.app.db, id))!;
    expect(raw).toBeNull();
    expect(await here.app.blobs.get(blobHash!)).toHaveLength(size);

    const [attachment] = await getAttachments(here.app, here.teamId, id, { limit: 10 });
    expect(attachment).toMatchObject({ filename: "big.bin", contentId: "a@b", size: content.length });
    expect(await here.app.blobs.get(attachment!.blobHash)).toEqual(content);
    const [message] = await delivered(here);
    expect(message).toContain("big.bin");
    expect(await verdictsOf(here)).toEqual(["pass", "pass"]);
  });

  test("may go to a thousand recipients; more are said with 452", async () => {
    const here = await submissionScene();
    const talker = await here.session();
    await talker.line("MAIL FROM:<ada@example.com>");
    const commands = Array.from({ length: 1_001 }, (_, n) => `RCPT TO:<user${n}@recipient.test>\r\n`);
    talker.socket.write(commands.join("")); // pipelined
    const replies: string[] = [];
    for (let n = 0; n < 1_001; n++) replies.push(await talker.reply());
    expect(replies.slice(0, 1_000).every((reply) => reply.startsWith("250 "))).toBeTrue();
    expect(replies.at(-1)).toStartWith("452 4.5.3 ");
    await talker.line("DATA");
    const id = idIn(await talker.say("From: ada@example.com\r\nSubject: Hi\r\n\r\nHello\r\n.\r\n"));
    expect(await here.deliveries(id)).toHaveLength(1_000);
    expect((await getEmail(here.app, here.teamId, id)).bcc).toHaveLength(1_000);
  });

  test("carries tags in fields of their own, which don't leave", async () => {
    const here = await submissionScene();
    const id = await here.submit({ ...email, headers: { "X-Mailit-Tag": ["category=welcome", "plain"] } });
    expect((await getEmail(here.app, here.teamId, id)).tags).toEqual([
      { name: "category", value: "welcome" },
      { name: "plain", value: "" },
    ]);
    expect((await delivered(here))[0]).not.toMatch(/x-mailit-tag/i);
    expect(await refusalOf(here.submit({ ...email, headers: { "X-Mailit-Tag": "no spaces" } }))).toStartWith(
      "554 5.6.0 Tags should only contain",
    );
  });

  test("may be pipelined, one after the other", async () => {
    const here = await submissionScene();
    const talker = await here.session();
    const begin = "MAIL FROM:<ada@example.com>\r\nRCPT TO:<bob@recipient.test>\r\nDATA\r\n";
    talker.socket.write(begin);
    for (const code of ["250", "250", "354"]) expect(await talker.reply()).toStartWith(code);
    talker.socket.write(`From: ada@example.com\r\n\r\nFirst\r\n.\r\n${begin}`);
    expect(await talker.reply()).toStartWith("250 2.0.0 Accepted as ");
    for (const code of ["250", "250", "354"]) expect(await talker.reply()).toStartWith(code);
    expect(await talker.say("From: ada@example.com\r\n\r\nSecond\r\n.\r\n")).toStartWith("250 2.0.0 ");
    expect(await emailsOf(here)).toHaveLength(2);
  });
});

describe("an idempotency key", () => {
  test("makes the same message one email, though the client gives it another Message-ID and date", async () => {
    const here = await submissionScene();
    const once = { ...email, headers: { "Resend-Idempotency-Key": "order-7" } };
    const id = await here.submit({ ...once, messageId: "<1@example.com>", date: "2026-03-01T00:00:00Z" });
    expect(await here.submit({ ...once, messageId: "<2@example.com>", date: "2026-03-02T00:00:00Z" })).toBe(
      id,
    );
    expect(await emailsOf(here)).toHaveLength(1);
    expect((await delivered(here))[0]).not.toContain("Idempotency");
  });

  test("refuses another message, or other recipients, for 24 hours", async () => {
    const here = await submissionScene();
    const once = { ...email, headers: { "Resend-Idempotency-Key": "order-7" } };
    await here.submit(once);
    for (const other of [{ text: "Other" }, { bcc: "carl@recipient.test" }]) {
      expect(await refusalOf(here.submit({ ...once, ...other }))).toStartWith(
        "554 5.6.0 This idempotency key has been used",
      );
    }
    here.app.clock.advance(24 * 3_600_000 + 1);
    await here.submit({ ...once, text: "Other" });
    expect(await emailsOf(here)).toHaveLength(2);
  });

  test("has at most 256 characters", async () => {
    const here = await submissionScene();
    const headers = { "Resend-Idempotency-Key": "k".repeat(257) };
    expect(await refusalOf(here.submit({ ...email, headers }))).toBe(
      "554 5.6.0 The key must be between 1-256 chars.",
    );
  });
});

describe("what may not be sent", () => {
  test("is mail from a domain that is not the team's, or not verified", async () => {
    const here = await submissionScene();
    const other = await testTeam(here.app, "Other");
    await testDomain(here.app, other.teamId, "other.example");
    for (const domain of ["other.example", "nobody.example", "sub.example.com"]) {
      expect(await refusalOf(here.submit({ ...email, from: `ada@${domain}` }))).toStartWith(
        `550 5.7.1 The ${domain} domain is not verified.`,
      );
    }
    expect(await emailsOf(here)).toEqual([]);
  });

  test("is mail from another domain than the key's", async () => {
    const here = await submissionScene();
    const second = await testDomain(here.app, here.teamId, "second.example");
    const { token } = await here.makeKey({ domainId: second.id });
    expect(await refusalOf(here.submit(email, token))).toBe(
      "550 5.7.1 This API key is not authorized to send emails from example.com",
    );
    await here.submit({ ...email, from: "ada@second.example" }, token);
  });

  test("is what names its sender in two ways; the envelope's sender may be any", async () => {
    const here = await submissionScene();
    for (const from of [
      "From: ada@example.com, eve@evil.example",
      "From: ada@example.com\nFrom: eve@evil.example",
      'From: "ada@example.com" <eve@evil.example>, ada@example.com',
      "From: undisclosed:;",
      "Subject: none",
    ]) {
      expect(await sayMessage(here, `${from}\n\nHello`)).toStartWith("554 5.6.0 ");
    }
    const talker = await here.session();
    await talker.line("MAIL FROM:<>");
    await talker.line("RCPT TO:<bob@recipient.test>");
    await talker.line("DATA");
    idIn(await talker.say("From: ada@example.com\r\n\r\nHello\r\n.\r\n"));
  });

  test("is a file that runs when opened, and a line that mail hosts would cut", async () => {
    const here = await submissionScene();
    const attachments = [{ filename: "setup.exe", content: "MZ" }];
    expect(await refusalOf(here.submit({ ...email, attachments }))).toStartWith(
      "554 5.6.0 The attachment `setup.exe` can't be sent",
    );
    expect(await sayMessage(here, `From: ada@example.com\nX-Long: ${"x".repeat(999)}\n\nHello`)).toStartWith(
      "554 5.6.0 The message has a line of more than 998 octets",
    );
    expect(await emailsOf(here)).toEqual([]);
  });

  test("goes to no address that mail can't be sent to", async () => {
    const here = await submissionScene();
    const talker = await here.session();
    await talker.line("MAIL FROM:<ada@example.com>");
    expect(await talker.line("RCPT TO:<bob@[192.0.2.1]>")).toStartWith("553 5.1.3 ");
    expect(await talker.line("RCPT TO:<bob@localhost>")).toStartWith("553 5.1.3 ");
  });

  test("is a message of more than 40 MB, said before a byte of it comes", async () => {
    const here = await submissionScene();
    const talker = await here.session();
    expect(await talker.line("MAIL FROM:<ada@example.com> SIZE=40000001")).toStartWith("552 5.3.4 ");
  });
});

describe("when something breaks", () => {
  const blobFiles = (here: SubmissionScene) => {
    const { blobs } = dataPaths(here.app.config);
    return readdirSync(blobs, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  };

  test("a message that breaks off leaves nothing behind", async () => {
    const here = await submissionScene();
    const discarded = Promise.withResolvers<void>();
    const { blobs } = here.app;
    here.app.blobs = {
      ...blobs,
      async draft() {
        const draft = await blobs.draft();
        const discard = draft.discard.bind(draft);
        draft.discard = () => discard().finally(() => discarded.resolve());
        return draft;
      },
    };
    const talker = await upToData(here, "bob@recipient.test");
    talker.socket.write(`From: ada@example.com\r\n\r\n${"half a message\r\n".repeat(20_000)}`, () =>
      talker.socket.destroy(),
    );
    await discarded.promise;
    expect(await emailsOf(here)).toEqual([]);
    expect(blobFiles(here)).toEqual([]);
  });

  test("one that is refused leaves nothing behind either", async () => {
    const here = await submissionScene();
    const attachments = [{ filename: "setup.exe", content: Buffer.alloc(300_000) }];
    expect(await refusalOf(here.submit({ ...email, attachments }))).toStartWith("554 ");
    expect(blobFiles(here)).toEqual([]);
  });

  test("a blob store that can't be written means later, and nothing is accepted", async () => {
    const here = await submissionScene();
    const { blobs } = dataPaths(here.app.config);
    rmSync(blobs, { recursive: true, force: true });
    writeFileSync(blobs, "no folder");
    const attachments = [{ filename: "a.bin", content: Buffer.alloc(300_000) }];
    expect(await refusalOf(here.submit({ ...email, attachments }))).toStartWith("451 4.3.0 ");
    const small = [{ filename: "a.bin", content: "small" }];
    expect(await refusalOf(here.submit({ ...email, attachments: small }))).toBe(
      "451 4.3.0 The server can't store anything right now. Nothing was sent; try again later.",
    );
    expect(await emailsOf(here)).toEqual([]);
    await here.submit(email);
  });

  test("a port that is taken stops the start with a sentence that names its key", async () => {
    const here = await submissionScene();
    const addr = `127.0.0.1:${here.door.starttls.port}`;
    const app = {
      ...here.app,
      config: { ...here.app.config, smtpSubmission: { addr: "127.0.0.1:0", tlsAddr: addr } },
    };
    await expect(listenForSubmission(app)).rejects.toThrow(
      `smtpSubmission.tlsAddr is "${addr}", and nothing can listen there (another program does): free the port, or give smtpSubmission.tlsAddr another one.`,
    );
  });

  test("a stop lets a message under way finish", async () => {
    const here = await submissionScene();
    const talker = await upToData(here, "bob@recipient.test");
    const closed = here.door.close();
    idIn(await talker.say("From: ada@example.com\r\n\r\nHello\r\n.\r\n"));
    talker.socket.destroy();
    await closed;
    expect(await emailsOf(here)).toHaveLength(1);
  });
});

test("an email that was handed in reads over the API like any other", async () => {
  const here = await submissionScene();
  const { token } = await here.makeKey({ permission: "full_access" });
  const id = await here.submit({ ...email, attachments: [{ filename: "a.txt", content: "attached" }] });
  const { ask } = testServer(here.app);
  expect((await ask("GET", `/emails/${id}`, { key: token })).body).toMatchObject({
    id,
    from: "Ada <ada@example.com>",
    to: ["bob@recipient.test"],
    subject: "Hi",
    html: null,
    text: "Hello",
    last_event: "queued",
  });
  const { body } = await ask("GET", `/emails/${id}/attachments`, { key: token });
  expect(body.data).toMatchObject([{ filename: "a.txt", size: 8 }]);
  expect((await ask("POST", `/emails/${id}/share`, { key: token })).status).toBe(200);
});
