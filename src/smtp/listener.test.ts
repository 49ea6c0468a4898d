import { afterEach, describe, expect, test } from "bun:test";
import net from "node:net";
import tls from "node:tls";
import fc from "fast-check";
import { offer as offerTo } from "../../test/support/offer.ts";
import { closeClients, SmtpClient } from "../../test/support/smtp-client.ts";
import { makeLogger } from "../log.ts";
import { makeSelfSignedCertificate } from "./certificate.ts";
import type { ConversationOptions } from "./client.ts";
import {
  type Listener,
  type ListenerOptions,
  type ReceivedEnvelope,
  startListener,
  whole,
} from "./listener.ts";
import { type Reply, ReplyError } from "./reply.ts";

const certificate = await makeSelfSignedCertificate("mail.example.net", new Date("2026-01-01T00:00:00Z"));
const ok: Reply = { code: 250, enhanced: "2.0.0", text: "Queued" };

type Started = Listener & { received: (ReceivedEnvelope & { message: string })[] };
const listeners: Listener[] = [];
afterEach(async () => {
  closeClients();
  await Promise.all(listeners.splice(0).map((listener) => listener.close()));
});

async function listenFor(options: Partial<ListenerOptions> = {}): Promise<Started> {
  const received: Started["received"] = [];
  const listener = await startListener({
    hostname: "127.0.0.1",
    port: 0,
    name: "mail.example.net",
    log: makeLogger("silent", "json"),
    tls: certificate,
    maxMessageBytes: 10_000,
    maxRecipients: 3,
    closeMs: 100,
    onMessage: whole(async (message, envelope) => {
      received.push({ ...envelope, message: Buffer.from(message).toString("latin1") });
      return ok;
    }),
    ...options,
  });
  listeners.push(listener);
  return { ...listener, received };
}

async function dial({ port, hostname }: Listener): Promise<SmtpClient> {
  const client = new SmtpClient(net.connect(port, hostname));
  expect(await client.reply()).toBe("220 mail.example.net ESMTP");
  return client;
}

/** Up to the 354 that asks for the message. */
async function begin(client: SmtpClient): Promise<SmtpClient> {
  expect(await client.say("EHLO client.example.com\r\n")).toStartWith("250-mail.example.net\r\n");
  expect(await client.say("MAIL FROM:<a@example.com>\r\n")).toStartWith("250 2.1.0 ");
  expect(await client.say("RCPT TO:<b@example.net>\r\n")).toStartWith("250 2.1.5 ");
  expect(await client.say("DATA\r\n")).toStartWith("354 ");
  return client;
}

const offer = ({ port }: Listener, options: Partial<ConversationOptions> = {}) =>
  offerTo({ hostname: "mail.example.net", address: "127.0.0.1", port }, options);

describe("a message", () => {
  test("arrives with its envelope, over TLS, and the handler's reply is the receipt", async () => {
    const listener = await listenFor();
    expect(await offer(listener)).toMatchObject({
      kind: "accepted",
      reply: { code: 250, enhanced: "2.0.0", text: "Queued" },
      tls: { version: "TLSv1.3" },
    });
    expect(listener.received).toEqual([
      {
        from: "bounce@example.net",
        to: ["ada@example.com"],
        message: expect.stringMatching(/^Subject: hello\r\n/),
      },
    ]);
  });

  test("may come over implicit TLS, or in the clear where there is no certificate", async () => {
    const implicit = await listenFor({ implicitTls: true });
    expect(await offer(implicit, { tls: "implicit" })).toMatchObject({ kind: "accepted", tls: {} });
    const clear = await listenFor({ tls: undefined });
    expect(await offer(clear)).toMatchObject({ kind: "accepted", tls: undefined });
  });

  test("tells its handler who sent it", async () => {
    const seen: unknown[] = [];
    const listener = await listenFor({
      onMessage: whole(async (_message, _envelope, session) => {
        seen.push(session);
        return ok;
      }),
    });
    await offer(listener);
    expect(seen).toEqual([
      expect.objectContaining({ remoteAddress: "127.0.0.1", clientName: "out.example.net", isSecure: true }),
    ]);
  });

  test("over the limit is refused whole, and the connection goes on", async () => {
    const listener = await listenFor();
    const client = await begin(await dial(listener));
    expect(await client.say(`${`${"x".repeat(98)}\r\n`.repeat(101)}.\r\n`)).toStartWith("552 5.3.4 ");
    expect(listener.received).toEqual([]);
    await begin(client);
    expect(await client.say("small\r\n.\r\n")).toBe("250 2.0.0 Queued");
  });

  test("exactly at the limit is taken", async () => {
    const listener = await listenFor();
    const client = await begin(await dial(listener));
    expect(await client.say(`${`${"x".repeat(98)}\r\n`.repeat(100)}.\r\n`)).toBe("250 2.0.0 Queued");
    expect(listener.received[0]?.message).toHaveLength(10_000);
  });

  test("announced as too big is refused before it is sent", async () => {
    const client = await dial(await listenFor());
    expect(await client.say("EHLO client.example.com\r\n")).toContain("SIZE 10000");
    expect(await client.say("MAIL FROM:<a@example.com> SIZE=10001\r\n")).toStartWith("552 5.3.4 ");
  });

  test("that breaks off is not handed on", async () => {
    const listener = await listenFor();
    const client = await begin(await dial(listener));
    client.socket.write("half of it\r\n");
    client.socket.end();
    expect(await client.reply()).toBe("closed");
    expect(listener.received).toEqual([]);
  });

  test("arrives byte for byte, wherever the network cuts it", async () => {
    const listener = await listenFor();
    const client = await dial(listener);
    const piece = fc.constantFrom(".", "..", "\r\n", "\r\n.", "a", "\0", "\xff", "x".repeat(50));
    const cuts = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 30 }), cuts, async (pieces, sizes) => {
        const message = `${pieces.join("")}\r\n`;
        await begin(client);
        const wire = `${message.replace(/(^|\r\n)\./g, "$1..")}.\r\n`;
        for (let at = 0, turn = 0; at < wire.length; turn++) {
          const size = sizes[turn % sizes.length]!;
          client.socket.write(Buffer.from(wire.slice(at, at + size), "latin1"));
          at += size;
          if (turn < 8) await new Promise(setImmediate); // so that this piece arrives on its own
        }
        expect(await client.reply()).toBe("250 2.0.0 Queued");
        expect(listener.received.at(-1)?.message).toBe(message);
      }),
      { numRuns: 60 },
    );
  });
});

describe("SMTP smuggling", () => {
  const smuggled = "MAIL FROM:<evil@example.com>\r\nRCPT TO:<b@example.net>\r\nDATA\r\nboo\r\n";
  test.each(["\n.\n", "\n.\r\n", "\r.\r", "\r.\r\n", "\r\n.\n", "\r\n.\r", "\n.\r", "\r\n\0.\n"])(
    "has no way in: %j does not end a message",
    async (end) => {
      const listener = await listenFor();
      const client = await begin(await dial(listener));
      expect(await client.say(`Subject: hi\r\n\r\nhello${end}${smuggled}.\r\n`)).toStartWith("554 5.6.0 ");
      expect(listener.received).toEqual([]);
      expect(await client.say("NOOP\r\n")).toStartWith("250 "); // and nothing was left over that was taken for a command
    },
  );

  test("has no way in by any sequence of line ends, dots and NULs, wherever the network cuts it", async () => {
    const listener = await listenFor({ maxCommands: 1e9 });
    const client = await dial(listener);
    const tail = fc.string({
      unit: fc.constantFrom("\r", "\n", ".", "\0", "a", "\r\n", "\r\n."),
      maxLength: 8,
    });
    await fc.assert(
      fc.asyncProperty(
        tail,
        fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 12 }),
        async (text, cuts) => {
          const body = `hi\r\n${text}${smuggled}`;
          fc.pre(!body.includes("\r\n.\r\n"));
          await begin(client);
          const before = listener.received.length;
          let at = 2; // what is cut small is what stands around the end that is none
          client.socket.write(Buffer.from(body.slice(0, at), "latin1"));
          for (const size of cuts) {
            client.socket.write(Buffer.from(body.slice(at, at + size), "latin1"));
            at += size;
            await new Promise(setImmediate);
          }
          const reply = await client.say(`${body.slice(at)}.\r\n`);
          const isBare = /\r(?!\n)|(?<!\r)\n/.test(body);
          expect(reply).toStartWith(isBare ? "554 5.6.0 " : "250 ");
          const kept = listener.received.slice(before).map(({ message }) => message);
          expect(kept).toEqual(isBare ? [] : [body.replace(/^\.\./gm, ".")]);
          expect(await client.say("NOOP\r\n")).toBe("250 2.0.0 OK");
        },
      ),
      { numRuns: 200 },
    );
  });

  test.each(["a\nb\r\n", "a\rb\r\n", "\na\r\n", "a\r\r\n"])("a message like %j is refused", async (text) => {
    const listener = await listenFor();
    const client = await begin(await dial(listener));
    expect(await client.say(`${text}.\r\n`)).toStartWith("554 5.6.0 ");
    expect(listener.received).toEqual([]);
  });
});

describe("a handler", () => {
  const refusal: Reply = { code: 550, enhanced: "5.7.1", text: "Not you" };

  test("refuses by returning a reply, at every step", async () => {
    const refusing = () => refusal;
    expect(await offer(await listenFor({ onMail: refusing }))).toMatchObject({
      step: "mail",
      reply: refusal,
    });
    expect(await offer(await listenFor({ onRcpt: refusing }))).toMatchObject({
      step: "rcpt",
      reply: refusal,
    });
    expect(await offer(await listenFor({ onMessage: whole(async () => refusal) }))).toMatchObject({
      step: "message",
      reply: refusal,
    });
    expect(await offer(await listenFor({ onConnect: refusing }))).toMatchObject({
      step: "greeting",
      reply: refusal,
    });
  });

  test("refuses by throwing a reply", async () => {
    const onRcpt = () => {
      throw new ReplyError({ code: 451, enhanced: "4.7.1", text: "Greylisted" });
    };
    expect(await offer(await listenFor({ onRcpt }))).toMatchObject({
      step: "rcpt",
      reply: { enhanced: "4.7.1" },
    });
  });

  test("that fails makes the client try again, and tells it nothing", async () => {
    const fail = async () => {
      throw new Error("the secret is 42");
    };
    const sink = { write: async () => {}, end: async () => ok, abort: async () => {} };
    for (const onMessage of [fail, () => ({ ...sink, write: fail }), () => ({ ...sink, end: fail })]) {
      expect(await offer(await listenFor({ onMessage }))).toMatchObject({
        kind: "refused",
        step: "message",
        reply: { code: 451, enhanced: "4.3.0", text: expect.not.stringContaining("42") },
      });
    }
  });

  test("can refuse one recipient and take another", async () => {
    const listener = await listenFor({
      onRcpt: (address) =>
        address === "no@example.net" ? { code: 550, enhanced: "5.1.1", text: "No" } : undefined,
    });
    const client = await dial(listener);
    await client.say("EHLO client.example.com\r\n");
    await client.say("MAIL FROM:<>\r\n");
    expect(await client.say("RCPT TO:<no@example.net>\r\n")).toBe("550 5.1.1 No");
    expect(await client.say("RCPT TO:<yes@example.net>\r\n")).toStartWith("250 ");
    await client.say("DATA\r\n");
    await client.say("hi\r\n.\r\n");
    expect(listener.received).toEqual([{ from: "", to: ["yes@example.net"], message: "hi\r\n" }]);
  });

  test("can't be made to split its reply", async () => {
    const text = "no\r\n250 yes";
    const client = await dial(await listenFor({ onMail: () => ({ code: 550, text }) }));
    await client.say("EHLO client.example.com\r\n");
    expect(await client.say("MAIL FROM:<a@example.com>\r\n")).toMatch(/^550 .*no 250 yes$/);
  });
});

describe("limits", () => {
  test("on recipients are said with 452, and those before are kept", async () => {
    const client = await dial(await listenFor());
    await client.say("EHLO client.example.com\r\n");
    await client.say("MAIL FROM:<a@example.com>\r\n");
    for (const name of ["b", "c", "d"]) await client.say(`RCPT TO:<${name}@example.net>\r\n`);
    expect(await client.say("RCPT TO:<e@example.net>\r\n")).toStartWith("452 4.5.3 ");
    expect(await client.say("DATA\r\n")).toStartWith("354 ");
  });

  test("on connections are said with 421", async () => {
    const listener = await listenFor({ maxConnections: 1 });
    await dial(listener);
    const second = new SmtpClient(net.connect(listener.port, listener.hostname));
    expect(await second.reply()).toStartWith("421 4.7.0 ");
    expect(await second.reply()).toBe("closed");
  });

  test("on connections from one address are said with 421, and end with the connections", async () => {
    const listener = await listenFor({ maxConnectionsPerAddress: 1 });
    const first = await dial(listener);
    const second = new SmtpClient(net.connect(listener.port, listener.hostname));
    expect(await second.reply()).toStartWith("421 4.7.0 Too many connections from your address");
    expect(await second.reply()).toBe("closed");
    await first.say("QUIT\r\n");
    first.socket.destroy();
    for (;;) {
      // The server hears of a closed socket in a later turn of its own.
      const next = new SmtpClient(net.connect(listener.port, listener.hostname));
      if ((await next.reply()).startsWith("220")) break;
    }
  });

  test("on mistakes end the session, and a message that is taken wipes them away", async () => {
    const listener = await listenFor({ maxErrors: 3 });
    const client = await dial(listener);
    for (let n = 0; n < 3; n++) expect(await client.say("NONSENSE\r\n")).toStartWith("500 ");
    await begin(client);
    expect(await client.say("hi\r\n.\r\n")).toBe("250 2.0.0 Queued");
    for (let n = 0; n < 3; n++) expect(await client.say("NONSENSE\r\n")).toStartWith("500 ");
    expect(await client.say("NONSENSE\r\n")).toStartWith("421 4.7.0 Too many commands were refused");
    expect(await client.reply()).toBe("closed");
  });

  test("on commands hold for one that names recipients without end", async () => {
    const listener = await listenFor({ maxCommands: 50 });
    const client = await dial(listener);
    await client.say("EHLO client.example.com\r\n");
    client.socket.write("MAIL FROM:<a@example.com>\r\n");
    for (let n = 0; n < 10_000; n++) client.socket.write(`RCPT TO:<b${n}@example.net>\r\n`);
    const replies: string[] = [];
    for (let reply = await client.reply(); reply !== "closed"; reply = await client.reply())
      replies.push(reply);
    expect(replies.filter((reply) => reply.startsWith("250 2.1.5"))).toHaveLength(3);
    expect(replies.filter((reply) => reply.startsWith("452 4.5.3"))).toHaveLength(45);
    expect(replies.at(-1)).toStartWith("421 4.7.0 Too many commands");
  });

  test("on how slowly a message may come end it, and nothing of it is handed on", async () => {
    let aborted = 0;
    const gone = Promise.withResolvers<void>();
    const listener = await listenFor({
      pace: { wholeMs: 10_000, everyMs: 40, bytes: 100 },
      onMessage: () => ({
        write: async () => {},
        end: async () => ok,
        async abort() {
          aborted++;
          gone.resolve();
        },
      }),
    });
    const client = await begin(await dial(listener));
    client.socket.write("Subject: s");
    expect(await client.reply()).toStartWith("421 4.4.2 The message comes too slowly");
    expect(await client.reply()).toBe("closed");
    await gone.promise;
    expect(aborted).toBe(1);
  });

  test("on how slowly a command may come end the session, however often a byte of it comes", async () => {
    const client = await dial(await listenFor({ idleMs: 80 }));
    expect(await client.say("EHLO client.example.com\r\n")).toStartWith("250-");
    const more = setInterval(() => client.socket.write("N"), 10);
    try {
      expect(await client.reply()).toStartWith("421 4.4.2 The command comes too slowly");
    } finally {
      clearInterval(more);
    }
  });

  test("on how slowly a command may come don't end a session that goes on, nor one that waits for us", async () => {
    const until = Promise.withResolvers<void>();
    const listener = await listenFor({ idleMs: 40, onMail: () => until.promise.then(() => undefined) });
    const client = await dial(listener);
    const startedAt = performance.now();
    while (performance.now() - startedAt < 100) expect(await client.say("NOOP\r\n")).toStartWith("250 ");
    expect(await client.say("EHLO client.example.com\r\n")).toStartWith("250-");
    setTimeout(until.resolve, 100);
    expect(await client.say("MAIL FROM:<a@example.com>\r\n")).toStartWith("250 2.1.0 ");
  });

  test("on connections hold for those that have yet to do their TLS handshake", async () => {
    const listener = await listenFor({ implicitTls: true, maxConnections: 3, maxConnectionsPerAddress: 2 });
    const dialMutely = (localAddress: string) =>
      new SmtpClient(net.connect({ port: listener.port, host: listener.hostname, localAddress }));
    const [first, second, third] = [1, 2, 3].map(() => dialMutely("127.0.0.1")) as [
      SmtpClient,
      SmtpClient,
      SmtpClient,
    ];
    expect(await third.reply()).toBe("closed");
    dialMutely("127.0.0.2");
    expect(await dialMutely("127.0.0.3").reply()).toBe("closed"); // the fourth of three
    expect([first.isClosed, second.isClosed]).toEqual([false, false]);
    first.socket.destroy();
    const welcome = async () => {
      const client = new SmtpClient(tls.connect({ port: listener.port, rejectUnauthorized: false }));
      return client.reply();
    };
    let greeting = await welcome();
    while (greeting === "closed") greeting = await welcome(); // until the first has gone
    expect(greeting).toStartWith("220 ");
  });

  test("on the time of a whole message hold however busily it comes", async () => {
    const listener = await listenFor({ pace: { wholeMs: 60, everyMs: 20, bytes: 1 }, maxMessageBytes: 1e9 });
    const client = await begin(await dial(listener));
    const more = () => {
      if (!client.isClosed) client.socket.write("line\r\n", () => setImmediate(more));
    };
    more();
    expect(await client.reply()).toStartWith("421 4.4.2 ");
  });

  test("who speaks before the greeting is sent away", async () => {
    const listener = await listenFor({ greetingMs: 100 });
    const hasty = new SmtpClient(net.connect(listener.port, listener.hostname));
    expect(await hasty.say("EHLO spammer.example.com\r\n")).toStartWith("421 ");
    expect(await hasty.reply()).toBe("closed");
    await dial(listener);
  });

  test("on silence are said with 421", async () => {
    const client = await dial(await listenFor({ idleMs: 50 }));
    expect(await client.reply()).toStartWith("421 ");
    expect(await client.reply()).toBe("closed");
  });

  test("on the length of a line end the connection", async () => {
    const client = await dial(await listenFor());
    expect(await client.say("x".repeat(100_000))).toStartWith("421 ");
  });
});

describe("AUTH", () => {
  const onAuth: ListenerOptions["onAuth"] = async ({ username, password }) =>
    password === "s3cret"
      ? { user: username }
      : { code: 535, enhanced: "5.7.8", text: "Wrong username or password" };

  test("is required where there is a handler, and names the user to the others", async () => {
    const users: unknown[] = [];
    const onMail: ListenerOptions["onMail"] = (_address, session) => {
      users.push(session.user);
      return undefined;
    };
    const listener = await listenFor({ onAuth, onMail });
    expect(await offer(listener)).toMatchObject({ kind: "refused", step: "mail", reply: { code: 530 } });
    const auth = { username: "ada", password: "s3cret" };
    expect(await offer(listener, { auth })).toMatchObject({ kind: "accepted" });
    expect(users).toEqual(["ada"]);
  });

  test("with a wrong password is refused", async () => {
    const listener = await listenFor({ onAuth });
    expect(await offer(listener, { auth: { username: "ada", password: "guess" } })).toMatchObject({
      kind: "refused",
      step: "auth",
      reply: { code: 535, enhanced: "5.7.8" },
    });
  });

  test("is neither offered nor taken in the clear, and who sends without it hears what is missing", async () => {
    const client = await dial(await listenFor({ onAuth }));
    expect(await client.say("EHLO client.example.com\r\n")).not.toContain("AUTH");
    expect(await client.say("AUTH PLAIN AGFkYQBzM2NyZXQ=\r\n")).toStartWith("538 5.7.11 Must issue STARTTLS");
    expect(await client.say("MAIL FROM:<a@example.com>\r\n")).toStartWith("530 5.7.0 Must issue STARTTLS");
  });

  test("is unknown where there is no handler", async () => {
    const client = await dial(await listenFor());
    expect(await client.say("EHLO client.example.com\r\n")).not.toContain("AUTH");
    expect(await client.say("AUTH PLAIN AGFkYQBzM2NyZXQ=\r\n")).toStartWith("500 ");
  });
});

describe("what is announced", () => {
  test("is what is meant: no chunks, which have no end of data to be strict about, and no DSN", async () => {
    const client = await dial(await listenFor());
    const announced = await client.say("EHLO client.example.com\r\n");
    for (const keyword of [
      "PIPELINING",
      "8BITMIME",
      "SMTPUTF8",
      "ENHANCEDSTATUSCODES",
      "STARTTLS",
      "SIZE 10000",
    ]) {
      expect(announced).toContain(keyword);
    }
    expect(announced).not.toMatch(/CHUNKING|BINARYMIME|DSN|REQUIRETLS|AUTH|XCLIENT/);
    expect(await client.say("MAIL FROM:<a@example.com> BODY=BINARYMIME\r\n")).toStartWith("501 ");
    await client.say("MAIL FROM:<a@example.com>\r\n");
    await client.say("RCPT TO:<b@example.net>\r\n");
    expect(await client.say("BDAT 4 LAST\r\n")).toStartWith("500 ");
  });

  test("pipelined commands are answered one by one, in order, and those behind a message as well", async () => {
    const listener = await listenFor();
    const client = await dial(listener);
    await client.say("EHLO client.example.com\r\n");
    const one = "MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.net>\r\nDATA\r\n";
    client.socket.write(`${one}`);
    for (const code of ["250 2.1.0", "250 2.1.5", "354"]) expect(await client.reply()).toStartWith(code);
    client.socket.write(`one\r\n.\r\n${one}`);
    for (const code of ["250 2.0.0", "250 2.1.0", "250 2.1.5", "354"]) {
      expect(await client.reply()).toStartWith(code);
    }
    expect(await client.say("two\r\n.\r\nQUIT\r\n")).toStartWith("250 ");
    expect(await client.reply()).toStartWith("221 ");
    expect(listener.received.map(({ message }) => message)).toEqual(["one\r\n", "two\r\n"]);
  });

  test("addresses in UTF-8 come whole, and the handler hears how a message came", async () => {
    const seen: unknown[] = [];
    const listener = await listenFor({
      onMessage: whole(async (_message, envelope, { protocol, tls: encryption }) => {
        seen.push({ ...envelope, protocol, encryption });
        return ok;
      }),
    });
    const client = await dial(listener);
    await client.say("EHLO client.example.com\r\n");
    const say = (text: string) => client.say(Buffer.from(text).toString("latin1"));
    expect(await say("MAIL FROM:<jörg@example.com> SMTPUTF8\r\n")).toStartWith("250 ");
    expect(await say("RCPT TO:<用户@例え.jp>\r\n")).toStartWith("250 ");
    await client.say("DATA\r\n");
    expect(await client.say("hi\r\n.\r\n")).toStartWith("250 ");
    await offer(listener);
    expect(seen).toEqual([
      { from: "jörg@example.com", to: ["用户@例え.jp"], protocol: "UTF8SMTP", encryption: undefined },
      expect.objectContaining({
        protocol: "ESMTPS",
        encryption: expect.stringMatching(/^TLSv1\.3 TLS_\w+$/),
      }),
    ]);
  });

  test("a source route is refused", async () => {
    const client = await dial(await listenFor());
    await client.say("EHLO client.example.com\r\n");
    await client.say("MAIL FROM:<@relay.example.com:a@example.com>\r\n");
    expect(await client.say("RCPT TO:<@relay.example.com:b@example.net>\r\n")).toStartWith("501 5.1.3 ");
    expect(await client.say("rcpt to: <@relay.example.com,@c.example.com:b@example.net>\r\n")).toMatch(
      /^501 /,
    );
  });
});

test("commands in plaintext behind STARTTLS are dropped", async () => {
  const listener = await listenFor();
  const client = await dial(listener);
  await client.say("EHLO client.example.com\r\n");
  expect(await client.say("STARTTLS\r\nMAIL FROM:<evil@example.com>\r\n")).toStartWith("220 ");
  client.socket.removeAllListeners("data");
  const socket = tls.connect({
    socket: client.socket,
    servername: "mail.example.net",
    rejectUnauthorized: false,
  });
  const secured = new SmtpClient(socket);
  expect(await secured.say("EHLO client.example.com\r\n")).toStartWith("250-");
  expect(await secured.say("RCPT TO:<b@example.net>\r\n")).toStartWith("503 ");
});

test("a client that breaks the handshake harms nobody else", async () => {
  const listener = await listenFor();
  const client = await dial(listener);
  await client.say("EHLO client.example.com\r\n");
  await client.say("STARTTLS\r\n");
  client.socket.write("this is no hello\r\n".repeat(10));
  expect(await client.reply()).toBe("closed");
  expect(await offer(listener)).toMatchObject({ kind: "accepted" });
});

test("a port that is taken is an error for whoever starts a listener there", async () => {
  const { port } = await listenFor();
  await expect(listenFor({ port })).rejects.toThrow();
});

test("closing lets a message under way finish and says goodbye to everybody else", async () => {
  const listener = await listenFor({ closeMs: 2_000 });
  const idle = await dial(listener);
  const busy = await begin(await dial(listener));
  const closed = listener.close();
  expect(await idle.reply()).toStartWith("421 4.3.2 ");
  expect(await busy.say("the end\r\n.\r\n")).toBe("250 2.0.0 Queued");
  idle.socket.destroy();
  busy.socket.destroy();
  await closed;
  expect(listener.received).toHaveLength(1);
});

test("closing waits no longer than it says for a client that does not end its message or does not hang up", async () => {
  const listener = await listenFor({ closeMs: 50 });
  const dialHalfOpen = async () => {
    const socket = net.connect({ port: listener.port, host: listener.hostname, allowHalfOpen: true });
    const client = new SmtpClient(socket);
    await client.reply();
    return client;
  };
  const [idle, stalled] = [await dialHalfOpen(), await begin(await dialHalfOpen())];
  await listener.close();
  for (const client of [idle, stalled]) {
    expect(await client.reply()).toStartWith("421 ");
    while (!client.isClosed) {
      client.socket.write("still here\r\n"); // which is answered with a reset once nobody is there
      await new Promise(setImmediate);
    }
  }
});

test("a message in the smallest of pieces goes to its handler in larger ones", async () => {
  let writes = 0;
  const taken: Uint8Array[] = [];
  const listener = await listenFor({
    maxMessageBytes: 1_000_000,
    onMessage: () => ({
      async write(chunk) {
        writes++;
        taken.push(chunk);
      },
      end: async () => ok,
      abort: async () => {},
    }),
  });
  const client = await begin(await dial(listener));
  expect(await client.say(`${"..\r\n".repeat(30_000)}.\r\n`)).toBe("250 2.0.0 Queued");
  expect(Buffer.concat(taken).toString()).toBe(".\r\n".repeat(30_000));
  expect(writes).toBeLessThan(300);
});

test("a message goes to its handler piece by piece, and one that is refused or breaks off is given up", async () => {
  const seen: string[] = [];
  let brokeOff: (() => void) | undefined;
  const listener = await listenFor({
    maxMessageBytes: 300_000,
    onMessage: () => ({
      write: async () => void seen.push("piece"),
      async end() {
        seen.push("end");
        return ok;
      },
      async abort() {
        seen.push("abort");
        brokeOff?.();
      },
    }),
  });
  const client = await begin(await dial(listener));
  expect(await client.say(`${`${"x".repeat(98)}\r\n`.repeat(2_500)}.\r\n`)).toStartWith("250");
  expect(seen.length).toBeGreaterThan(2);
  expect(seen.splice(0).at(-1)).toBe("end");

  await begin(client);
  expect(await client.say("one\ntwo\r\n.\r\n")).toStartWith("554");
  expect(seen.splice(0)).toEqual(["abort"]);

  await begin(client);
  const givenUp = new Promise<void>((resolve) => {
    brokeOff = resolve;
  });
  client.socket.end("half a mess");
  await givenUp;
  expect(seen.at(-1)).toBe("abort");
});
