import { onTestFinished } from "bun:test";
import { rm } from "node:fs/promises";
import { type Mailit, newFolder, runMailit, startMailit } from "./mailit.ts";

/**
 * For `setDefaultTimeout` of a file of stories: each starts a program several times, and on a busy machine that takes
 * longer than Bun's five seconds.
 */
export const storyMs = 30_000;

/** What `mailit setup --json` prints. */
export interface Setup {
  api_key: string;
  user: { id: string; email: string; name: string };
  team: { id: string; name: string };
  domain: { id: string; name: string; records: DnsEntry[] };
}

export interface DnsEntry {
  type: string;
  name: string;
  value: string;
  priority?: number;
}

export interface ApiAnswer {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: what an answer holds is for each test to say
  body: any;
}

/** The API as a client without a library sees it. */
export interface Api {
  get(path: string): Promise<ApiAnswer>;
  post(path: string, body?: unknown): Promise<ApiAnswer>;
  patch(path: string, body: unknown): Promise<ApiAnswer>;
}

/** A message that the sandbox took, as `GET /sandbox/messages` lists it. */
export interface TakenMessage {
  id: string;
  email_id: string;
  mail_from: string;
  to: string[];
  from: string;
  subject: string;
  tls: boolean;
  dkim: { domain: string; selector: string; algorithm: string; result: string }[];
}

export const account = { email: "ada@example.net", password: "correct horse battery", domain: "example.net" };

/** An empty folder that goes with the test. */
export async function folderOfTest(): Promise<string> {
  const folder = await newFolder();
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** `mailit setup` without a terminal, in a folder in which the server then starts. */
export async function setUp(folder: string, env: Record<string, string> = {}): Promise<Setup> {
  const flags = ["--email", account.email, "--domain", account.domain, "--password-stdin"];
  const stdin = `${account.password}\n`;
  const { code, stdout, stderr } = await runMailit(["setup", "--json", ...flags], { folder, env, stdin });
  if (code !== 0) throw new Error(`mailit setup ended with ${code}: ${stderr}`);
  return JSON.parse(stdout);
}

/** The API of a running server, for the holder of a key. */
export function apiOf({ url }: Pick<Mailit, "url">, key: string): Api {
  const ask = async (method: string, path: string, body?: unknown): Promise<ApiAnswer> => {
    const response = await fetch(url + path, {
      method,
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: await response.json() };
  };
  return {
    get: (path) => ask("GET", path),
    post: (path, body) => ask("POST", path, body),
    patch: (path, body) => ask("PATCH", path, body),
  };
}

/** A sandbox in a new folder, set up, with its domain verified. `await using` ends it. */
export async function startSandbox(env: Record<string, string> = {}) {
  const folder = await folderOfTest();
  const setup = await setUp(folder);
  const mailit = await startMailit({ folder, env });
  const api = apiOf(mailit, setup.api_key);
  await verify(api, setup.domain.id);
  return { folder, setup, mailit, api, [Symbol.asyncDispose]: () => mailit[Symbol.asyncDispose]() };
}

/** Has a domain's records looked up and waits until they were found. */
export async function verify(api: Api, domainId: string): Promise<void> {
  await api.post(`/domains/${domainId}/verify`);
  await until("the domain is verified", async () => {
    const { body } = await api.get(`/domains/${domainId}`);
    return body.status === "verified" ? true : undefined;
  });
}

/** Waits until an email's last event is the one named. */
export async function lastEventOf(api: Api, id: string, wanted: string): Promise<void> {
  await until(`the last event of ${id} is ${wanted}`, async () => {
    const { body } = await api.get(`/emails/${id}`);
    return body.last_event === wanted ? true : undefined;
  });
}

/** Everything of a list, page by page. */
export async function everythingOf<Row extends { id: string }>(api: Api, path: string): Promise<Row[]> {
  const rows: Row[] = [];
  for (;;) {
    const after = rows.at(-1)?.id;
    const { body } = await api.get(`${path}?limit=100${after === undefined ? "" : `&after=${after}`}`);
    rows.push(...body.data);
    if (!body.has_more) return rows;
  }
}

/** Asks again until there is an answer. Another process can only be asked; a short pause leaves it the processor. */
export async function until<T>(what: string, look: () => Promise<T | undefined>, seconds = 15): Promise<T> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new Error(`Waited ${seconds} seconds in vain until ${what}.`);
    await Bun.sleep(20);
  }
}

export const firstEmail = {
  from: `Ada <hello@${account.domain}>`,
  to: ["delivered@example.com"],
  subject: "Hello from MailIt",
  html: "<p>It works.</p>",
};
