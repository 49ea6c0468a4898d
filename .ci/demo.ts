// `bun run demo`: from a checkout to a delivered, signed email. Started before anything is installed, so this file and
// what it imports need nothing but Bun.
import { rm } from "node:fs/promises";
import { type Mailit, newFolder, runMailit, startMailit } from "../test/e2e/mailit.ts";
import { phase } from "./phase.ts";

const email = "ada@demo.example";
const password = crypto.randomUUID();
const domainName = "demo.example";

interface Setup {
  api_key: string;
  domain: { id: string };
}

interface SandboxMessage {
  id: string;
  from: string;
  to: string | string[];
  subject: string;
  dkim: { domain: string; selector: string; algorithm: string; result: string }[];
}

const isInstalled = (await phase("install", ["install", "--frozen-lockfile"])).passed;
if (!isInstalled || !(await phase("build", [".ci/build.ts"])).passed) process.exit(1);

const folder = await newFolder();
try {
  await demo();
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function demo(): Promise<void> {
  const account = await setUp();
  await using mailit = await startMailit({ folder });
  const call = caller(mailit, account.api_key);

  await call(`/domains/${account.domain.id}/verify`, {});
  await until("the domain is verified", async () => {
    const domain = await call<{ status: string }>(`/domains/${account.domain.id}`);
    return domain.status === "verified" ? domain : undefined;
  });

  const request = {
    from: `Ada <hello@${domainName}>`,
    to: ["delivered@example.com"],
    subject: "Hello from MailIt",
    html: "<p>This went from the API through a DKIM signer and over SMTP.</p>",
  };
  const sent = await call<{ id: string }>("/emails", request);
  console.log(`\nPOST /emails  ${JSON.stringify(request)}\n           →  ${JSON.stringify(sent)}`);

  const message = await until("the message is delivered", async () => {
    const { data } = await call<{ data: SandboxMessage[] }>("/sandbox/messages");
    return data.find(({ subject }) => subject === request.subject);
  });
  show(message, (await call<{ raw: string }>(`/sandbox/messages/${message.id}`)).raw);
  if (!message.dkim.some(({ result }) => result === "pass")) throw new Error("No DKIM signature was good.");

  console.log(`\nAdmin      ${mailit.url}/admin`);
  console.log(`Login      ${email}  ${password}`);
  console.log(`API key    ${account.api_key}`);
  await lookAround();
}

/** Makes the account before the server starts, as an operator would. */
async function setUp(): Promise<Setup> {
  const flags = ["--email", email, "--password", password, "--domain", domainName];
  const { code, stdout, stderr } = await runMailit(["setup", "--json", ...flags], { folder });
  if (code !== 0) throw new Error(`mailit setup failed:\n${stderr}`);
  return JSON.parse(stdout);
}

function caller(mailit: Mailit, key: string) {
  return async <T>(path: string, body?: object): Promise<T> => {
    const response = await fetch(mailit.url + path, {
      method: body ? "POST" : "GET",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${text}\n${mailit.stderr()}`);
    return JSON.parse(text);
  };
}

async function until<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  const deadline = Date.now() + 30_000;
  while (Date.now() < deadline) {
    const found = await look();
    if (found !== undefined) return found;
    await Bun.sleep(100);
  }
  throw new Error(`Waited 30 s until ${what}, in vain.`);
}

function show(message: SandboxMessage, raw: string): void {
  console.log(`\nDelivered  ${message.subject}`);
  console.log(`From       ${message.from}`);
  console.log(`To         ${[message.to].flat().join(", ")}`);
  for (const { result, domain, selector, algorithm } of message.dkim) {
    console.log(`DKIM       ${result} (d=${domain} s=${selector} a=${algorithm})`);
  }
  const lines = raw.trimEnd().split(/\r?\n/);
  console.log(["", ...lines.map((line) => `  | ${line}`)].join("\n"));
}

/** Leaves the server to whoever sits at the terminal, until Ctrl-C; in a script there is nobody to wait for. */
async function lookAround(): Promise<void> {
  if (process.argv.includes("--once") || !process.stdin.isTTY || !process.stdout.isTTY) return;
  console.log("\nIt runs until you press Ctrl-C; its data goes with it.");
  const { promise, resolve } = Promise.withResolvers<void>();
  process.once("SIGINT", () => resolve());
  process.once("SIGTERM", () => resolve());
  await promise;
}
