import { describe, expect, test } from "bun:test";
import net from "node:net";
import { join } from "node:path";
import fc from "fast-check";
import { inboundScene, receivingDomain } from "../../test/support/inbound-scene.ts";
import { SmtpClient } from "../../test/support/smtp-client.ts";
import { testTeam } from "../../test/support/test-app.ts";
import { StorageUnavailable } from "../errors.ts";
import { metersOf } from "../meters.ts";
import { listenInbound } from "./inbound.ts";

const lines = (text: string) => text.replaceAll("\n", "\r\n");

const letter = lines(`Message-ID: <1@sender.test>
From: "Ada Lovelace" <ada@sender.test>
To: Support <support@example.com>
Cc: boss@example.com
Reply-To: replies@sender.test
Subject: =?utf-8?b?R3LDvMOfZQ==?=
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=outer

--outer
Content-Type: multipart/related; boundary=inner

--inner
Content-Type: multipart/alternative; boundary=alt

--alt
Content-Type: text/plain; charset=utf-8

Hello
.leading dot
--alt
Content-Type: text/html; charset=utf-8

<p>Hello <img src="cid:logo@1"></p>
--alt--
--inner
Content-Type: image/png; name=logo.png
Content-Disposition: inline; filename=logo.png
Content-ID: <logo@1>
Content-Transfer-Encoding: base64

iVBORw==
--inner--
--outer
Content-Type: text/csv
Content-Disposition: attachment; filename=list.csv

a,b
--outer--
`);

describe("a message for a domain that receives", () => {
  test("is on disk with its 250, and becomes readable with its bodies, attachments and an event", async () => {
    const scene = await inboundScene();
    const { app, teamId, domain } = scene;
    const reply = await scene.hand(letter, "support@example.com");
    const [unread] = await scene.rows();
    expect(reply).toBe(`250 2.0.0 Taken as ${unread!.id}`);

    await scene.read();
    const [row] = await scene.rows();
    expect(row).toMatchObject({
      ...{ teamId, domainId: domain.id, kind: "email", mailFrom: "ada@sender.test", deliveryId: null },
      ...{ receivedFor: ["support@example.com"], remoteAddress: "127.0.0.1", clientName: "mx.sender.test" },
      ...{ messageId: "<1@sender.test>", sender: "Ada Lovelace <ada@sender.test>", subject: "Grüße" },
      ...{ recipients: ["Support <support@example.com>"], cc: ["boss@example.com"], bcc: [] },
      ...{ replyTo: ["replies@sender.test"], problem: null, tls: null, createdAt: app.now() },
      verdicts: { spf: { result: "none" }, dkim: [], dmarc: { result: "none" } },
    });
    expect(await scene.body(row!.id)).toMatchObject({
      text: expect.stringContaining("Hello\n.leading dot"),
      html: expect.stringContaining('<img src="cid:logo@1">'),
    });
    const attachments = await scene.attachments(row!.id);
    expect(attachments).toMatchObject([
      { position: 0, filename: "logo.png", contentDisposition: "inline", contentId: "logo@1", size: 4 },
      { position: 1, filename: "list.csv", contentType: "text/csv", contentDisposition: "attachment" },
    ]);
    expect(await app.blobs.get(attachments[0]!.blobHash)).toEqual(Buffer.from("iVBORw==", "base64"));
    expect(await scene.received()).toMatchObject([
      {
        data: {
          ...{
            email_id: row!.id,
            created_at: app.now().toISOString(),
            from: "Ada Lovelace <ada@sender.test>",
          },
          ...{ to: ["Support <support@example.com>"], cc: ["boss@example.com"], bcc: [] },
          ...{ received_for: ["support@example.com"], message_id: "<1@sender.test>", subject: "Grüße" },
          attachments: [
            {
              ...{ id: attachments[0]!.id, filename: "logo.png", content_type: "image/png" },
              ...{ content_disposition: "inline", content_id: "logo@1" },
            },
            { id: attachments[1]!.id, filename: "list.csv", content_id: null },
          ],
        },
      },
    ]);
  });

  test("gets a Return-Path and a Received before its own bytes, which stay as they came", async () => {
    const scene = await inboundScene();
    await scene.hand(letter, "support@example.com");
    const [row] = await scene.rows();
    const [[bytes]] = (await scene.app.transport.query("select bytes from inbound_raws", [], "values"))
      .rows as [[Uint8Array]];
    const raw = Buffer.from(bytes).toString();
    expect(raw).toEndWith(`${letter}\r\n`);
    expect(raw).toStartWith(
      lines(`Return-Path: <ada@sender.test>
Received: from mx.sender.test ([127.0.0.1])
	by mail.mailit.test with ESMTP id ${row!.id}
	for <support@example.com>;
	Sun, 01 Mar 2026 12:00:00 +0000
`),
    );
    expect(row!.size).toBe(letter.length + 2);
  });

  test("is one row for each team it is for, and no team sees another's addresses", async () => {
    const scene = await inboundScene();
    const other = await testTeam(scene.app, "Other");
    await receivingDomain(scene.app, other.teamId, "example.org");
    const to = ["a@example.com", "b@example.org", "c@example.com", "a@EXAMPLE.com"];
    await scene.hand("Subject: both\r\n\r\nhi", to);
    await scene.read();
    const [mine, ...more] = await scene.rows();
    const [theirs] = await scene.rows(other.teamId);
    expect(more).toEqual([]);
    expect(mine).toMatchObject({ receivedFor: ["a@example.com", "c@example.com"], subject: "both" });
    expect(theirs).toMatchObject({ receivedFor: ["b@example.org"], subject: "both" });
    expect(await scene.received()).toHaveLength(1);
    expect(await scene.received(other.teamId)).toHaveLength(1);
  });

  test("that is large goes to the blob store piece by piece", async () => {
    const scene = await inboundScene();
    const body = `${"x".repeat(76)}\r\n`.repeat(20_000);
    expect(await scene.hand(`Subject: big\r\n\r\n${body}`, "a@example.com")).toStartWith("250 ");
    await scene.read();
    const [row] = await scene.rows();
    expect(row).toMatchObject({ subject: "big", kind: "email" });
    const raw = Buffer.from((await scene.app.blobs.get(row!.blobHash!))!).toString();
    expect(raw).toStartWith("Return-Path: <ada@sender.test>\r\nReceived: ");
    expect(raw).toEndWith(`Subject: big\r\n\r\n${body}\r\n`);
  });

  test("with broken MIME, NULs or no head at all is kept", async () => {
    const scene = await inboundScene();
    const broken = [
      "Content-Type: multipart/mixed; boundary=never\r\n\r\nno part",
      "Subject: nul\0s\r\n\r\n\0\0\0",
      "no head",
      "",
      `Subject: ${"long ".repeat(20_000)}\r\n\r\nhi`,
      "Content-Type: text/plain; charset=nonsense\r\nContent-Transfer-Encoding: base64\r\n\r\n%%%",
    ];
    for (const message of broken) expect(await scene.hand(message, "a@example.com")).toStartWith("250 ");
    await scene.read();
    const rows = await scene.rows();
    expect(rows.map(({ kind }) => kind)).toEqual(broken.map(() => "email"));
  });

  test("that has been through more than fifty hosts is refused, small or large", async () => {
    const scene = await inboundScene();
    const hops = (count: number) => "Received: from a by b\r\n".repeat(count);
    const large = "x\r\n".repeat(100_000);
    expect(await scene.hand(`${hops(51)}\r\nhi`, "a@example.com")).toStartWith("554 5.4.6 ");
    expect(await scene.hand(`${hops(51)}\r\n${large}`, "a@example.com")).toStartWith("554 5.4.6 ");
    expect(await scene.hand(`${hops(50)}\r\n${hops(9)}`, "a@example.com")).toStartWith("250 ");
    expect(await scene.rows()).toHaveLength(1);
  });

  test("comes in TLS with a certificate that is the same at the next start", async () => {
    const scene = await inboundScene();
    const { offer } = await import("../../test/support/offer.ts");
    const host = { hostname: "mail.mailit.test", address: "127.0.0.1", port: scene.listener.port };
    const envelope = { from: "ada@sender.test", to: "a@example.com" };
    expect(await offer(host, { envelope })).toMatchObject({ kind: "accepted", tls: { version: "TLSv1.3" } });
    expect(await scene.rows()).toMatchObject([{ tls: expect.stringMatching(/^TLSv1\.3 /) }]);
    const kept = Bun.file(join(scene.app.folder, "smtp.pem"));
    const before = await kept.text();
    expect((await kept.stat()).mode & 0o777).toBe(0o600);
    const again = await listenInbound(scene.app);
    await again.close();
    expect(await kept.text()).toBe(before);
  });
});

describe("what is not for us", () => {
  const elsewhere: [string, string][] = [
    ["bob@elsewhere.test", "550 5.7.1 This server is no relay"],
    ["bob%elsewhere.test@example.com", "550 5.7.1 "],
    ["elsewhere.test!bob@example.com", "550 5.7.1 "],
    ["@example.com:bob@elsewhere.test", "501 5.1.3 "],
    ["@elsewhere.test:bob@example.com", "501 5.1.3 "],
    ["bob@[127.0.0.1]", "55"],
    ["bob@localhost", "55"],
    ["bob@sub.example.com", "550 5.7.1 "],
    ["bob@example.com.", "5"],
    ["bob", "5"],
  ];
  test.each(elsewhere)("%s is refused", async (address, reply) => {
    const scene = await inboundScene();
    expect(await scene.hand("hi", address)).toStartWith(reply);
    expect(await scene.rows()).toEqual([]);
  });

  test("stays out when it comes beside what is", async () => {
    const scene = await inboundScene();
    const client = await scene.connect();
    await client.say("EHLO mx.sender.test\r\n");
    await client.say("MAIL FROM:<>\r\n");
    expect(await client.say("RCPT TO:<bob@elsewhere.test>\r\n")).toStartWith("550 5.7.1 ");
    expect(await client.say("DATA\r\n")).toStartWith("503 ");
    expect(await client.say("RCPT TO:<a@example.com>\r\n")).toStartWith("250 ");
    await client.say("DATA\r\n");
    expect(await client.say("hi\r\n.\r\n")).toStartWith("250 ");
    expect(await scene.rows()).toMatchObject([{ receivedFor: ["a@example.com"], mailFrom: "" }]);
  });
});

describe("a client that means harm", () => {
  const smuggled = "MAIL FROM:<evil@sender.test>\r\nRCPT TO:<b@example.com>\r\nDATA\r\nboo\r\n";
  test.each(["\n.\n", "\n.\r\n", "\r.\r", "\r.\r\n", "\r\n.\n", "\r\n.\r", "\r\n\0.\r\n", "\n.\r"])(
    "smuggles no second message in behind %j",
    async (end) => {
      const scene = await inboundScene();
      const client = await scene.connect();
      await client.say("EHLO mx.sender.test\r\n");
      await client.say("MAIL FROM:<a@sender.test>\r\n");
      await client.say("RCPT TO:<a@example.com>\r\n");
      await client.say("DATA\r\n");
      const reply = await client.say(`Subject: hi\r\n\r\nhello${end}${smuggled}.\r\n`);
      await scene.read();
      const rows = await scene.rows();
      // A NUL is no line end at all: then the message is one, with the rest in it.
      if (end.includes("\0")) expect(rows).toMatchObject([{ mailFrom: "a@sender.test" }]);
      else expect(rows).toEqual([]);
      expect(reply).toStartWith(end.includes("\0") ? "250 " : "554 5.6.0 ");
    },
  );

  test("sends more than is announced: refused with nothing kept", async () => {
    const scene = await inboundScene({ config: { smtpInbound: { maxMessageBytes: 200_000 } } });
    const client = await scene.connect();
    expect(await client.say("EHLO mx.sender.test\r\n")).toContain("SIZE 200000");
    expect(await scene.hand("x\r\n".repeat(70_000), "a@example.com")).toStartWith("552 5.3.4 ");
    expect(await scene.rows()).toEqual([]);
    expect(await Array.fromAsync(new Bun.Glob("**/*").scan(join(scene.app.folder, "blobs")))).toEqual([]);
  });

  test("sends 100 MB: refused in the end, or before a byte where it says so, and the session goes on", async () => {
    const scene = await inboundScene();
    const client = await scene.connect();
    await client.say("EHLO mx.sender.test\r\n");
    expect(await client.say("MAIL FROM:<a@sender.test> SIZE=100000000\r\n")).toStartWith("552 5.3.4 ");
    await client.say("MAIL FROM:<a@sender.test>\r\n");
    await client.say("RCPT TO:<a@example.com>\r\n");
    await client.say("DATA\r\n");
    const megabyte = Buffer.from(`${"x".repeat(998)}\r\n`.repeat(1_000));
    for (let sent = 0; sent < 100; sent++)
      await new Promise<void>((resolve) => client.socket.write(megabyte, () => resolve()));
    expect(await client.say(".\r\n")).toStartWith("552 5.3.4 ");
    expect(await Array.fromAsync(new Bun.Glob("**/*").scan(join(scene.app.folder, "blobs")))).toEqual([]);
    expect(await client.say("MAIL FROM:<a@sender.test>\r\n")).toStartWith("250 ");
    expect(await scene.rows()).toEqual([]);
  }, 20_000);

  test("sends one line of 10 MB: it is kept as it came", async () => {
    const scene = await inboundScene();
    const line = "x".repeat(10_000_000);
    expect(await scene.hand(`Subject: long\r\n\r\n${line}`, "a@example.com")).toStartWith("250 ");
    await scene.read();
    const [row] = await scene.rows();
    expect(row).toMatchObject({ kind: "email", subject: "long", problem: null });
    expect((await scene.body(row!.id))!.text!.trimEnd()).toHaveLength(line.length);
  }, 20_000);

  test("opens thousands of connections: those beyond the limit hear it, and the others are served", async () => {
    const scene = await inboundScene({
      config: { smtpInbound: { maxConnections: 1_000, maxConnectionsPerAddress: 200 } },
    });
    const { port } = scene.listener;
    const clients: SmtpClient[] = [];
    const heard: Record<string, number> = {};
    for (let host = 1; host <= 10; host++) {
      const localAddress = `127.0.0.${host}`;
      const wave = Array.from(
        { length: 220 },
        () => new SmtpClient(net.connect({ host: "127.0.0.1", port, localAddress })),
      );
      clients.push(...wave);
      for (const reply of await Promise.all(wave.map((client) => client.reply())))
        heard[reply] = (heard[reply] ?? 0) + 1;
    }
    expect(heard).toEqual({
      [`220 ${scene.app.config.smtpOutbound.hostname} ESMTP`]: 1_000,
      "421 4.7.0 Too many connections from your address; close some or try again later": 80,
      "421 4.7.0 Too many connections; try again later": 1_120,
    });
    const served = clients.find(({ isClosed }) => !isClosed)!;
    expect(await served.say("EHLO mx.sender.test\r\n")).toStartWith("250-");
  }, 20_000);

  test("is connected: the metrics say so", async () => {
    const scene = await inboundScene();
    await scene.connect();
    await scene.connect();
    expect(await metersOf(scene.app).registry.metrics()).toContain(
      'mailit_listener_connections{door="inbound"} 2',
    );
  });

  test("sends a line without end: the connection ends", async () => {
    const scene = await inboundScene();
    const client = await scene.connect();
    expect(await client.say("x".repeat(200_000))).toStartWith("421 ");
    expect(await client.reply()).toBe("closed");
  });

  test("names ten thousand recipients: a hundred are taken, and the session ends", async () => {
    const scene = await inboundScene();
    const client = await scene.connect();
    await client.say("EHLO mx.sender.test\r\n");
    client.socket.write("MAIL FROM:<a@sender.test>\r\n");
    for (let n = 0; n < 10_000; n++) client.socket.write(`RCPT TO:<b${n}@example.com>\r\n`);
    const codes: Record<string, number> = {};
    for (let reply = await client.reply(); reply !== "closed"; reply = await client.reply()) {
      const code = reply.slice(0, 3);
      codes[code] = (codes[code] ?? 0) + 1;
    }
    expect(codes).toEqual({ 250: 101, 452: 898, 421: 1 });
  });

  test("tries names until it finds one: it is sent away after twenty", async () => {
    const scene = await inboundScene();
    const client = await scene.connect();
    await client.say("EHLO mx.sender.test\r\n");
    await client.say("MAIL FROM:<a@sender.test>\r\n");
    for (let n = 0; n < 20; n++) {
      expect(await client.say(`RCPT TO:<b${n}@elsewhere.test>\r\n`)).toStartWith("550 ");
    }
    expect(await client.say("RCPT TO:<b@elsewhere.test>\r\n")).toStartWith("421 4.7.0 ");
  });

  test("hands in more than its share of a minute: it may come back in the next", async () => {
    const scene = await inboundScene({ config: { smtpInbound: { messagesPerMinute: 2 } } });
    const client = await scene.connect();
    await client.say("EHLO mx.sender.test\r\n");
    const begin = async () => {
      const reply = await client.say("MAIL FROM:<a@sender.test>\r\n");
      await client.say("RSET\r\n");
      return reply;
    };
    expect([await begin(), await begin(), await begin()]).toEqual([
      expect.stringMatching(/^250 /),
      expect.stringMatching(/^250 /),
      expect.stringMatching(/^450 4\.7\.1 Too many messages/),
    ]);
    scene.app.clock.advance(60_000);
    expect(await begin()).toStartWith("250 ");
  });

  test("opens more connections than one address may have: the last is sent away", async () => {
    const scene = await inboundScene({ config: { smtpInbound: { maxConnectionsPerAddress: 2 } } });
    await scene.connect();
    await scene.connect();
    await expect(scene.connect()).rejects.toThrow("421 4.7.0 Too many connections from your address");
  });

  test("is slow: what it began is given up and leaves nothing behind", async () => {
    const pace = { wholeMs: 10_000, everyMs: 60, bytes: 100 };
    const scene = await inboundScene({ listener: { pace } });
    const client = await scene.connect();
    await client.say("EHLO mx.sender.test\r\n");
    await client.say("MAIL FROM:<a@sender.test>\r\n");
    await client.say("RCPT TO:<a@example.com>\r\n");
    await client.say("DATA\r\n");
    client.socket.write("x\r\n".repeat(70_000)); // enough for a draft in the blob store
    expect(await client.reply()).toStartWith("421 4.4.2 ");
    expect(await client.reply()).toBe("closed");
    const blobs = join(scene.app.folder, "blobs");
    while ((await Array.fromAsync(new Bun.Glob("**/*").scan(blobs))).length > 0)
      await new Promise(setImmediate);
    expect(await scene.rows()).toEqual([]);
  });

  test("says whatever it likes: the listener stays up and takes the next message", async () => {
    const scene = await inboundScene({
      config: { smtpInbound: { maxConnectionsPerAddress: 1_000, messagesPerMinute: 1_000_000 } },
      listener: { idleMs: 50 },
    });
    const command = fc.constantFrom(
      ...["EHLO x\r\n", "HELO x\r\n", "MAIL FROM:<>\r\n", "MAIL FROM:<a@b.test> SIZE=1\r\n", "RSET\r\n"],
      ...[
        "RCPT TO:<a@example.com>\r\n",
        "DATA\r\n",
        ".\r\n",
        "hi\r\n.\r\n",
        "QUIT\r\n",
        "STARTTLS\r\n",
        "\r\n",
      ],
      ...[
        "VRFY <a>\r\n",
        "HELP\r\n",
        "NOOP\r\n",
        "BDAT 5\r\n",
        "AUTH PLAIN\r\n",
        "\n",
        "\r",
        "\0",
        "EHLO\r\n",
      ],
    );
    const noise = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes).toString("latin1"));
    const piece = fc.oneof({ weight: 4, arbitrary: command }, { weight: 1, arbitrary: noise });
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 30 }), fc.boolean(), async (pieces, isPolite) => {
        const client = new SmtpClient(net.connect(scene.listener.port, scene.listener.hostname));
        for (const each of pieces) {
          client.socket.write(Buffer.from(each, "latin1"));
          if (isPolite) await new Promise(setImmediate);
        }
        client.socket.end();
        while ((await client.reply()) !== "closed");
      }),
      { numRuns: 60 },
    );
    expect(await scene.hand("Subject: after\r\n\r\nhi", "last@example.com")).toStartWith("250 ");
    await scene.read();
    expect((await scene.rows()).at(-1)).toMatchObject({
      subject: "after",
      receivedFor: ["last@example.com"],
    });
  }, 20_000);
});

describe("when the store can't be written", () => {
  const full = async () => {
    throw new StorageUnavailable("The disk is full");
  };

  test("the sender is told to try again, and nothing is kept", async () => {
    const scene = await inboundScene();
    const { batch } = scene.app.transport;
    scene.app.transport.batch = full;
    expect(await scene.hand("Subject: hi\r\n\r\nhi", "a@example.com")).toStartWith("451 4.3.0 ");
    scene.app.transport.batch = batch;
    expect(await scene.rows()).toEqual([]);
    expect(await scene.hand("Subject: hi\r\n\r\nhi", "a@example.com")).toStartWith("250 ");
  });

  test("by files, large messages are refused for now and small ones are taken", async () => {
    const scene = await inboundScene();
    const { draft } = scene.app.blobs;
    scene.app.blobs.draft = full;
    expect(await scene.hand("x\r\n".repeat(70_000), "a@example.com")).toStartWith("451 4.3.0 ");
    expect(await scene.hand("small", "a@example.com")).toStartWith("250 ");
    expect(await scene.rows()).toHaveLength(1);
    scene.app.blobs.draft = draft;
  });

  test("between a large message's bytes and its row, neither stays, and there is no 250", async () => {
    const scene = await inboundScene();
    const { batch } = scene.app.transport;
    const large = "x\r\n".repeat(70_000);
    const blobs = () => Array.fromAsync(new Bun.Glob("*/*/*").scan(join(scene.app.folder, "blobs")));
    let stored: string[] = [];
    scene.app.transport.batch = async (statements, options) => {
      if (!statements.some(({ sql }) => sql.includes("inbound_emails"))) return batch(statements, options);
      stored = await blobs();
      throw new StorageUnavailable("The disk is full");
    };
    expect(await scene.hand(large, "a@example.com")).toStartWith("451 4.3.0 ");
    expect(stored).toHaveLength(1);
    expect(await blobs()).toEqual([]);
    scene.app.transport.batch = batch;
    expect(await scene.rows()).toEqual([]);
    // The sender, who heard no 250, comes again.
    expect(await scene.hand(large, "a@example.com")).toStartWith("250 ");
    await scene.read();
    expect(await scene.rows()).toMatchObject([{ kind: "email" }]);
  });
});

test("an answer of the database that was lost costs the message nothing but a second copy", async () => {
  const scene = await inboundScene();
  const { batch } = scene.app.transport;
  scene.app.transport.batch = async (statements, options) => {
    const results = await batch(statements, options);
    if (!statements.some(({ sql }) => sql.includes("inbound_emails"))) return results;
    scene.app.transport.batch = batch;
    throw new StorageUnavailable("The connection broke");
  };
  expect(await scene.hand("x\r\n".repeat(70_000), "a@example.com")).toStartWith("451 4.3.0 ");
  await scene.read();
  const [row] = await scene.rows();
  expect((await scene.app.blobs.get(row!.blobHash!))?.length).toBeGreaterThan(210_000);
});

test("an address that can't be had is said in a sentence with what to do", async () => {
  const scene = await inboundScene();
  scene.app.config.smtpInbound.addr = `127.0.0.1:${scene.listener.port}`;
  await expect(listenInbound(scene.app)).rejects.toThrow(
    /^smtpInbound\.addr is "127\.0\.0\.1:\d+"; another program has that port: stop it .*\.$/,
  );
  scene.app.config.smtpInbound.addr = "192.0.2.1:2525";
  await expect(listenInbound(scene.app)).rejects.toThrow(/this machine has no such address/);
});

test("a message under way when the server stops is finished, and nobody begins another", async () => {
  const scene = await inboundScene({ listener: { closeMs: 2_000 } });
  const client = await scene.connect();
  await client.say("EHLO mx.sender.test\r\n");
  await client.say("MAIL FROM:<a@sender.test>\r\n");
  await client.say("RCPT TO:<a@example.com>\r\n");
  await client.say("DATA\r\n");
  const closed = scene.listener.close();
  expect(await client.say("Subject: last\r\n\r\nhi\r\n.\r\n")).toStartWith("250 2.0.0 Taken as ");
  client.socket.destroy();
  await closed;
  expect(await scene.rows()).toHaveLength(1);
});
