import { expect, setDefaultTimeout, test } from "bun:test";
import { createTransport } from "nodemailer";
import { runMailit } from "./mailit.ts";
import {
  everythingOf,
  folderOfTest,
  lastEventOf,
  startSandbox,
  storyMs,
  type TakenMessage,
  until,
} from "./story.ts";

setDefaultTimeout(storyMs);

test("mail handed in by SMTP on both ports is delivered, signed, and shown by the API", async () => {
  await using story = await startSandbox();
  const { mailit, api, setup } = story;
  const [, starttls, tls] = await mailit.printed(
    /by SMTP at 127\.0\.0\.1:(\d+) \(STARTTLS\) and 127\.0\.0\.1:(\d+) \(TLS\)/,
  );

  const sent: string[] = [];
  for (const [port, secure] of [
    [Number(starttls), false],
    [Number(tls), true],
  ] as const) {
    const transport = createTransport({
      ...{ host: "127.0.0.1", port, secure, requireTLS: true },
      auth: { user: "resend", pass: setup.api_key },
      tls: { rejectUnauthorized: false }, // a sandbox vouches for itself
    });
    const { response } = await transport.sendMail({
      from: "Ada <hello@example.net>",
      to: "delivered@example.com",
      bcc: "delivered+hidden@example.com",
      subject: `By SMTP on ${port}`,
      html: "<p>It works.</p>",
      attachments: [{ filename: "a.txt", content: "attached" }],
      headers: { "X-Mailit-Tag": "category=story" },
    });
    const [, id] = /^250 2\.0\.0 Accepted as (\S+)$/.exec(response) ?? [];
    await lastEventOf(api, id!, "delivered");
    expect((await api.get(`/emails/${id}`)).body).toMatchObject({
      to: ["delivered@example.com"],
      bcc: ["delivered+hidden@example.com"],
      html: "<p>It works.</p>",
      tags: [{ name: "category", value: "story" }],
    });
    expect((await api.get(`/emails/${id}/attachments`)).body.data).toMatchObject([{ filename: "a.txt" }]);
    sent.push(id!);
  }

  const taken = await until("both recipients have both", async () => {
    const messages = await everythingOf<TakenMessage>(api, "/sandbox/messages");
    return messages.length === 4 ? messages : undefined;
  });
  for (const message of taken) {
    expect(sent).toContain(message.email_id);
    expect(message.dkim.map(({ result }) => result)).toEqual(["pass", "pass"]);
    const { raw } = (await api.get(`/sandbox/messages/${message.id}`)).body;
    expect(raw).not.toMatch(/hidden|x-mailit/i);
  }
  expect(await mailit.stop()).toBe(0);
});

test("a port that is taken stops the start with a sentence that names its key", async () => {
  await using story = await startSandbox();
  const [, port] = await story.mailit.printed(/by SMTP at 127\.0\.0\.1:(\d+) /);
  const { code, stderr } = await runMailit(["serve", "--sandbox"], {
    folder: await folderOfTest(),
    env: {
      MAILIT_SERVER_HTTP_ADDR: "127.0.0.1:0",
      MAILIT_SMTP_INBOUND_ADDR: "127.0.0.1:0",
      MAILIT_SMTP_SUBMISSION_ADDR: `127.0.0.1:${port}`,
      MAILIT_SMTP_SUBMISSION_TLS_ADDR: "127.0.0.1:0",
    },
  });
  expect(code).toBe(1);
  expect(stderr).toContain(`smtpSubmission.addr is "127.0.0.1:${port}", and nothing can listen there`);
});
