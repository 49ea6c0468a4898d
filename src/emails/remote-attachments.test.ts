import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test";
import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { sql } from "drizzle-orm";
import { dnsTable } from "../../test/support/dns-table.ts";
import { startHttpsHost } from "../../test/support/https-host.ts";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { testDomain } from "../../test/support/test-domain.ts";
import { deleteDomain } from "../domains/service.ts";
import { Refusal } from "../errors.ts";
import type { DraftAttachment, EmailDraft } from "./draft.ts";
import { sendEmail } from "./send.ts";
import { sendBatch } from "./send-batch.ts";

const host = await startHttpsHost({ names: ["files.test"] });
const app = await testApp({
  http: host.client,
  dns: dnsTable({ "files.test A": "127.0.0.1", "inside.test A": "10.0.0.7" }),
  config: { webhooks: { allowPrivateAddresses: true }, server: { maxBodyBytes: 60_000 } },
});
afterAll(() => host[Symbol.asyncDispose]());
const { teamId } = await testTeam(app);
await testDomain(app, teamId);

beforeEach(() => {
  app.config.webhooks.allowPrivateAddresses = true;
  host.requests.length = 0;
  host.answer((_request, response) => response.writeHead(200, { "content-type": "text/csv" }).end("a,b"));
});

const from = (path: string, about: Partial<DraftAttachment> = {}): DraftAttachment => ({
  ...about,
  content: { url: `https://files.test${path}` },
});
const draft = (...attachments: DraftAttachment[]): EmailDraft => ({
  from: "Ada <ada@example.com>",
  to: ["bob@recipient.test"],
  cc: [],
  bcc: [],
  replyTo: [],
  subject: "Files",
  text: "Here they are",
  headers: {},
  tags: [],
  attachments,
});

async function send(...attachments: DraftAttachment[]) {
  const { id } = await sendEmail(app, { teamId }, draft(...attachments));
  const rows = await app.db.values<[string | null, string | null, number, string]>(
    sql`select filename, content_type, size, blob_hash from attachments where email_id = ${id} order by position`,
  );
  return Promise.all(
    rows.map(async ([filename, type, , hash]) => {
      const text = Buffer.from((await app.blobs.get(hash))!).toString();
      return { filename, type, text };
    }),
  );
}

async function refusal(email: EmailDraft): Promise<string> {
  const error = await sendEmail(app, { teamId }, email).catch((thrown: unknown) => thrown);
  if (error instanceof Refusal) return `${error.code}: ${error.message}`;
  throw error instanceof Error ? error : new Error("it was not refused");
}
const paths = () => host.requests.map(({ path }) => path).sort();
const countEmails = async () => (await app.db.values<[number]>(sql`select count(*) from emails`))[0]![0];

describe("a file at a URL", () => {
  test("is in the email as if it had been sent along", async () => {
    expect(await send(from("/list.csv", { filename: "list.csv" }))).toEqual([
      { filename: "list.csv", type: null, text: "a,b" },
    ]);
  });

  test("has the type its host names, where neither the client nor the file's name tells it", async () => {
    const files = await send(
      from("/1"),
      from("/2", { filename: "download" }),
      from("/3", { contentType: "text/plain" }),
    );
    expect(files.map(({ type }) => type)).toEqual(["text/csv", "text/csv", "text/plain"]);
  });

  test("is fetched once, however often a request names it", async () => {
    host.answer((request, response) => response.writeHead(200).end(request.url));
    const email = draft(from("/a"), from("/b"), from("/a"));
    const { ids } = await sendBatch(app, { teamId }, [email, email], "strict");
    expect(ids).toHaveLength(2);
    expect(paths()).toEqual(["/a", "/b"]);
  });
});

describe("nothing is fetched for an email that is refused anyway", () => {
  const unverified = { ...draft(from("/a")), from: "ada@unverified.test" };

  test.each<[string, EmailDraft]>([
    ["its recipient", { ...draft(from("/a")), to: ["nobody"] }],
    ["its time", { ...draft(from("/a")), scheduledAt: "whenever" }],
    ["its sender's domain", unverified],
    ["another file", draft(from("/a"), from("/b.exe", { filename: "b.exe" }))],
  ])("for %s", async (_name, email) => {
    await refusal(email);
    expect(paths()).toEqual([]);
  });

  test("nor for the others of its strict batch", async () => {
    const items = [draft(from("/a")), unverified];
    const thrown = await sendBatch(app, { teamId }, items, "strict").catch((error: unknown) => error);
    expect(thrown).toBeInstanceOf(Refusal);
    expect(paths()).toEqual([]);
  });
});

describe("a file that can't be had refuses the email and says why:", () => {
  const because = (why: string) =>
    `invalid_attachment: The attachment \`a.csv\` could not be fetched from its \`path\`: ${why}.`;
  const file = (url?: string): EmailDraft =>
    draft({ filename: "a.csv", content: { url: url ?? "https://files.test/a.csv" } });

  test("a redirect, which is not followed", async () => {
    host.answer((_request, response) => response.writeHead(302, { location: "https://files.test/b" }).end());
    expect(await refusal(file())).toBe(
      because("it answers with a redirect (status 302), which is not followed; give the URL it leads to"),
    );
    expect(paths()).toEqual(["/a.csv"]);
  });

  test("another status", async () => {
    host.answer((_request, response) => response.writeHead(404).end("gone"));
    expect(await refusal(file())).toBe(because("it answers with status 404"));
  });

  test("a compressed answer", async () => {
    host.answer((_request, response) => response.writeHead(200, { "content-encoding": "gzip" }).end("?"));
    expect(await refusal(file())).toBe(because("it answers with a compressed file, which was not asked for"));
  });

  test("more than all files of a request may have", async () => {
    host.answer((_request, response) => response.writeHead(200).end("x".repeat(60_001)));
    expect(await refusal(file())).toBe(because("all files of the request are too large together"));
  });

  test("more than all files of a request may have, fetched side by side", async () => {
    host.answer((_request, response) => response.writeHead(200).end("x".repeat(25_000)));
    const email = draft(...["/1", "/2", "/3"].map((path) => from(path, { filename: "a.csv" })));
    expect(await refusal(email)).toBe(because("all files of the request are too large together"));
  });

  test("more than an email can have", async () => {
    const { maxBodyBytes } = app.config.server;
    app.config.server.maxBodyBytes = 60_000_000;
    host.answer((_request, response) => response.writeHead(200).end(Buffer.alloc(30_000_000)));
    const why = await refusal(file());
    app.config.server.maxBodyBytes = maxBodyBytes;
    expect(why).toBe(because("it is too large; an email can have 40 MB, counted after base64 encoding"));
  });

  test("a private address, of which nothing more is said", async () => {
    app.config.webhooks.allowPrivateAddresses = false;
    const privately = because("the host is at a private address");
    expect(await refusal(file("https://inside.test/a.csv"))).toBe(privately);
    expect(await refusal(file("http://169.254.169.254/latest/meta-data"))).toBe(privately);
    expect(await refusal(file("http://localhost:8080/healthz"))).toBe(privately);
  });

  test("a host that does not exist", async () => {
    expect(await refusal(file("https://nowhere.test/a.csv"))).toBe(because("the host has no address"));
  });

  test("no time left for it", async () => {
    host.answer((_request, response) => {
      app.clock.advance(20_000);
      response.writeHead(200).end("slow");
    });
    // Four are asked for at once, so the fifth has to wait for one of them.
    const files = Array.from({ length: 5 }, (_, n) => from(`/${n}`, { filename: `${n}.csv` }));
    expect(await refusal(draft(...files))).toBe(
      "invalid_attachment: The attachment `4.csv` could not be fetched from its `path`: no answer within 20 s.",
    );
    expect(paths()).toEqual(["/0", "/1", "/2", "/3"]);
  });

  test("a type that may not be sent, which only its host told", async () => {
    host.answer((_request, response) =>
      response.writeHead(200, { "content-type": "application/x-msdownload" }).end("MZ"),
    );
    expect(await refusal(draft(from("/")))).toBe(
      "invalid_attachment: The attachment at index 0 can't be sent: mail servers refuse files of the type .exe. Send a link to it instead.",
    );
  });
});

test("in a permissive batch only the email whose file can't be had is refused", async () => {
  host.answer((request, response) => response.writeHead(request.url === "/gone" ? 404 : 200).end("x"));
  const before = await countEmails();
  const items = [draft(from("/gone")), draft(from("/there")), draft()];
  const { ids, errors } = await sendBatch(app, { teamId }, items, "permissive");
  expect(ids).toHaveLength(2);
  expect(errors).toEqual([{ index: 0, message: expect.stringContaining("it answers with status 404") }]);
  expect(await countEmails()).toBe(before + 2);
});

test("nothing is accepted from a domain that went while a file was fetched", async () => {
  const accepted = await countEmails();
  const sends = [
    (email: EmailDraft) => sendEmail(app, { teamId }, email),
    (email: EmailDraft) => sendBatch(app, { teamId }, [email], "permissive"),
  ];
  for (const send of sends) {
    const gone = await testDomain(app, teamId, "gone.example.com");
    host.answer(async (_request, response) => {
      await deleteDomain(app, teamId, gone.id);
      response.writeHead(200).end("a,b");
    });
    const email = { ...draft(from("/list.csv")), from: "ada@gone.example.com" };
    const refused = await send(email).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: "domain_not_verified" });
    expect(await countEmails()).toBe(accepted);
  }
});

test("a repeated request is answered without fetching again", async () => {
  const once = { endpoint: "POST /emails", key: "fetch", bodyHash: "x" };
  const first = await sendEmail(app, { teamId }, draft(from("/a")), once);
  expect(await sendEmail(app, { teamId }, draft(from("/a")), once)).toEqual(first);
  expect(paths()).toEqual(["/a"]);
});

test("what turns out to be no file takes nothing from the bytes a request may have", async () => {
  const held: (() => void)[] = [];
  host.answer((request, response) => {
    if (request.url === "/gone") return response.writeHead(404).end("x".repeat(50_000));
    held.push(() => response.writeHead(200).end("x".repeat(14_000)));
    // The fourth is asked for once one of the first is done with, which can only be the one that is gone.
    if (held.length === 4) for (const release of held) release();
    return response;
  });
  const files = ["/1", "/2", "/3", "/4"].map((path) => from(path));
  const items = [draft(from("/gone")), draft(...files)];
  const { ids, errors } = await sendBatch(app, { teamId }, items, "permissive");
  expect([ids.length, errors.map(({ index }) => index)]).toEqual([1, [0]]);
});

test("once an email is refused for one file, the others are not fetched to their end", async () => {
  const slow = Promise.withResolvers<ServerResponse>();
  host.answer((request, response) => {
    if (request.url !== "/slow") return slow.promise.then(() => response.writeHead(404).end());
    response.writeHead(200).write("x".repeat(1_000));
    return slow.resolve(response);
  });
  expect(await refusal(draft(from("/slow"), from("/gone")))).toContain("it answers with status 404");
  const response = await slow.promise;
  const hungUp = once(response, "close");
  response.write("x".repeat(1_000));
  await hungUp;
  expect(response.writableFinished).toBe(false);
});

describe("over all requests only so many bytes are fetched at once", () => {
  const { maxBodyBytes } = app.config.server;
  beforeEach(() => {
    app.config.server.maxBodyBytes = 60_000_000;
  });
  afterEach(() => {
    app.config.server.maxBodyBytes = maxBodyBytes;
  });

  /** The answers a host keeps back, by path, so that who asked for them holds its room; `until` waits for a number of them. */
  function holding() {
    const held = new Map<string, () => void>();
    let look = () => {};
    host.answer((request, response) => {
      held.set(request.url!, () => response.writeHead(200).end("x"));
      look();
    });
    const until = (count: number) =>
      new Promise<void>((resolve) => {
        look = () => held.size >= count && resolve();
        look();
      });
    const release = (path: string) => held.get(path)!();
    return { held, until, release };
  }

  async function anotherTeam(): Promise<string> {
    const other = await testTeam(app);
    await testDomain(app, other.teamId, `${other.teamId}.test`);
    return other.teamId;
  }
  const sendAs = (team: string, path: string) => {
    const sender = team === teamId ? "ada@example.com" : `ada@${team}.test`;
    return sendEmail(app, { teamId: team }, { ...draft(from(path)), from: sender });
  };

  test("half of them by one team, and a request waits until there is room for all it may need", async () => {
    const { held, until, release } = holding();
    const others = [await anotherTeam(), await anotherTeam()];
    const sent = ["/a1", "/a2", "/a3"].map((path) => sendAs(teamId, path));
    await until(2);
    sent.push(...["/b1", "/b2"].map((path) => sendAs(others[0]!, path)));
    await until(4);
    sent.push(sendAs(others[1]!, "/c1"));
    expect([...held.keys()].sort()).toEqual(["/a1", "/a2", "/b1", "/b2"]);

    release("/b1");
    await until(5);
    expect([...held.keys()].at(-1)).toBe("/c1");
    release("/a2");
    await until(6);
    expect([...held.keys()].at(-1)).toBe("/a3");
    for (const path of ["/a1", "/a3", "/b2", "/c1"]) release(path);
    expect(await Promise.all(sent)).toHaveLength(6);
  });

  test("and who waited too long for room is told to come again, while the rest of its batch is sent", async () => {
    const { until, release } = holding();
    const first = [sendAs(teamId, "/1"), sendAs(teamId, "/2")];
    await until(2);
    const late = sendBatch(app, { teamId }, [draft(from("/3")), draft()], "permissive");
    const alone = refusal(draft(from("/4")));
    await sendEmail(app, { teamId }, draft()); // what fetches nothing doesn't wait
    app.clock.advance(20_000);
    release("/1");
    release("/2");
    const why =
      "The attachments could not be fetched from their `path`, as too many others are being fetched and there was no room within 20 s. Try again later, or send the files as `content`.";
    expect(await late).toMatchObject({ ids: [expect.any(String)], errors: [{ index: 0, message: why }] });
    expect(await alone).toBe(`service_unavailable: ${why}`);
    await Promise.all(first);
    expect(paths()).toEqual(["/1", "/2"]);
  });
});
