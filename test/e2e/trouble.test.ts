import { Database } from "bun:sqlite";
import { expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Mailit, runMailit, startMailit } from "./mailit.ts";
import {
  account,
  apiOf,
  everythingOf,
  firstEmail,
  folderOfTest,
  lastEventOf,
  setUp,
  startSandbox,
  storyMs,
  until,
  verify,
} from "./story.ts";

setDefaultTimeout(storyMs);

/** What a half-written email would leave: a body, a delivery or a job that belongs to nothing, an email without one. */
const halfWritten = `
  select 'content ' || id from contents where id not in (select content_id from emails)
  union all select 'delivery ' || id from deliveries where email_id not in (select id from emails)
  union all select 'job ' || id from jobs where kind = 'deliver' and id not in (select id from deliveries)
  union all select 'delivery without job ' || id from deliveries where id not in (select id from jobs)
  union all select 'email ' || id from emails where id not in (select email_id from deliveries)`;

const loopback = { MAILIT_SERVER_HTTP_ADDR: "127.0.0.1:0" };

/** Runs a server that should not start, and gives the sentences with which it says so. */
async function refusalOf(args: string[], options: Parameters<typeof runMailit>[1]): Promise<string[]> {
  const { code, stdout, stderr } = await runMailit(["serve", ...args], options);
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr).not.toMatch(/^\s+at /m);
  return stderr.trimEnd().split("\n");
}

test("a second server on the same data folder is refused in one sentence, and the first goes on", async () => {
  const folder = await folderOfTest();
  await using first = await startMailit({ folder });

  const said = await refusalOf(["--sandbox"], { folder, env: loopback });

  expect(said).toHaveLength(1);
  expect(said[0]).toStartWith(`Another MailIt is already serving ${join(folder, "data")}`);
  expect((await fetch(`${first.url}/readyz`)).status).toBe(200);
});

test("every mistake in the configuration is a sentence that names the key, and nothing is made", async () => {
  const folder = await folderOfTest();
  const config = `export default { smtpOutbound: { hostnam: "mail.example.net", port: 70000 } };`;
  await Bun.write(join(folder, "mailit.config.ts"), config);
  const env = { ...loopback, MAILIT_LOGGING_LEVEL: "loud", MAILIT_DOMIAN: "mail.example.net" };

  const said = await refusalOf([], { folder, env });

  expect(said.filter((line) => line.includes("smtpOutbound.hostnam"))).toHaveLength(1);
  for (const named of ["smtpOutbound.port", "MAILIT_LOGGING_LEVEL", "MAILIT_DOMIAN"]) {
    expect(said.filter((line) => line.includes(named))).toHaveLength(1);
  }
  expect(said).toHaveLength(4);
  expect(existsSync(join(folder, "data"))).toBe(false);
});

test("a data folder that can't be made or written is one sentence", async () => {
  const folder = await folderOfTest();
  await Bun.write(join(folder, "file"), "");

  for (const data of ["file", "file/data"]) {
    const said = await refusalOf(["--data", data], { folder, env: loopback });
    expect(said).toHaveLength(1);
    expect(said[0]).toContain(join(folder, data));
  }
});

test("what lies in the folder it is started in changes nothing", async () => {
  const folder = await folderOfTest();
  const trap = `await Bun.write("trapped", ""); process.exit(3);`;
  const lying = {
    ".env": "MAILIT_DATA_DIR=elsewhere\nMAILIT_LOGGING_LEVEL=loud\n",
    ".env.production": "MAILIT_DATA_DIR=elsewhere\n",
    "bunfig.toml": `preload = ["./trap.ts"]\n`,
    "trap.ts": trap,
    "tsconfig.json": "{ not json",
    "package.json": "{ not json",
    "node_modules/elysia/index.js": trap,
  };
  for (const [name, text] of Object.entries(lying)) await Bun.write(join(folder, name), text);

  await using mailit = await startMailit({ folder });

  expect((await fetch(`${mailit.url}/readyz`)).status).toBe(200);
  expect(existsSync(join(folder, "data/mailit.db"))).toBe(true);
  expect(existsSync(join(folder, "elsewhere"))).toBe(false);
  expect(existsSync(join(folder, "trapped"))).toBe(false);
});

test("asked to end under load it answers what it took, ends with 0 in time, and loses nothing", async () => {
  await using story = await startSandbox({ MAILIT_RATE_LIMIT_ENABLED: "false" });
  const accepted: string[] = [];
  const enough = Promise.withResolvers<void>();
  const hammer = async (lane: number) => {
    for (let number = 0; ; number++) {
      const to = `user${number}@lane${lane}.example`;
      const answer = await story.api.post("/emails", { ...firstEmail, to }).catch(() => undefined);
      if (!answer) return; // no answer, no promise
      expect(answer.status).toBe(200);
      if (accepted.push(answer.body.id) === 200) enough.resolve();
    }
  };
  const hammers = Array.from({ length: 8 }, (_, lane) => hammer(lane));
  await Promise.race([enough.promise, ...hammers]);

  const askedAt = performance.now();
  expect(await story.mailit.stop()).toBe(0);
  expect(performance.now() - askedAt).toBeLessThan(12_000);
  await Promise.all(hammers);

  await using again = await startMailit({ folder: story.folder });
  const api = apiOf(again, story.setup.api_key);
  const listed = await until("all are delivered", async () => {
    const emails = await everythingOf<{ id: string; last_event: string }>(api, "/emails");
    return emails.every(({ last_event }) => last_event === "delivered") ? emails : undefined;
  });
  const there = new Set(listed.map(({ id }) => id));
  expect(accepted.filter((id) => !there.has(id))).toEqual([]);
});

/** The admin as a browser has it: pages by their path, and forms where there is something to send. */
async function signInTo({ url }: Mailit) {
  const ask = (path: string, form?: Record<string, string>, cookie = "") =>
    fetch(`${url}/admin${path}`, {
      ...{ redirect: "manual", headers: { cookie } },
      ...(form && { method: "POST", body: new URLSearchParams(form) }),
    });
  const { email, password } = account;
  const [cookie] = (await ask("/sign-in", { email, password })).headers.get("set-cookie")!.split(";");
  const page = await (await ask("/settings/account", undefined, cookie)).text();
  const csrf = /name="csrf" value="([^"]+)"/.exec(page)![1]!;
  return (path: string, form?: Record<string, string>) => ask(path, form && { ...form, csrf }, cookie);
}

test("on a full disk it says 503 and keeps what it promised, and with space again it goes on", async () => {
  const folder = await folderOfTest();
  const { api_key, domain } = await setUp(folder);
  const accepted: string[] = [];
  {
    await using mailit = await startMailit({ folder, maxFileBytes: 2_000_000 });
    const api = apiOf(mailit, api_key);
    await verify(api, domain.id);
    const admin = await signInTo(mailit);
    const later = new Date(Date.now() + 3_600_000).toISOString();
    const large = { ...firstEmail, text: "x".repeat(100_000) };
    const full = await until("the disk is full", async () => {
      const subject = String(accepted.length);
      const answer = await api.post("/emails", { ...large, subject, html: subject, scheduled_at: later });
      if (answer.status !== 200) return answer;
      accepted.push(answer.body.id);
      return undefined;
    });
    expect(full).toMatchObject({ status: 503, body: { statusCode: 503, name: "service_unavailable" } });

    // What is left of the disk is too little for a large email, but takes small writes until it is used up.
    await until("not even a name can be written", async () => {
      const [key] = (await api.get("/api-keys")).body.data;
      const { status } = await api.patch(`/api-keys/${key.id}`, { name: `Setup ${Date.now()}` });
      return status === 503 ? true : undefined;
    });
    await until("it says that it is not ready", async () =>
      (await fetch(`${mailit.url}/readyz`)).status === 503 ? true : undefined,
    );
    expect((await fetch(`${mailit.url}/healthz`)).status).toBe(200);
    expect((await api.post("/emails", firstEmail)).status).toBe(503);
    expect((await everythingOf(api, "/emails")).map(({ id }) => id).sort()).toEqual(accepted.toSorted());
    expect((await admin("/emails")).status).toBe(200);
    const refused = await admin("/settings/account/name", { name: "Ada" });
    expect(refused.status).toBe(503);
    expect(await refused.text()).toContain("Nothing was changed.");
    expect(await mailit.stop()).toBe(0);
  }

  await using mailit = await startMailit({ folder });
  const api = apiOf(mailit, api_key);
  expect((await fetch(`${mailit.url}/readyz`)).status).toBe(200);
  expect((await everythingOf(api, "/emails")).map(({ id }) => id).sort()).toEqual(accepted.toSorted());
  using database = new Database(join(folder, "data/mailit.db"), { readonly: true });
  expect(database.query(halfWritten).values()).toEqual([]);
  expect(database.query("pragma integrity_check").values()).toEqual([["ok"]]);
  const { status, body } = await api.post("/emails", firstEmail);
  expect(status).toBe(200);
  await lastEventOf(api, body.id, "delivered");
});
