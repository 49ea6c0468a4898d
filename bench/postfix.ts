/**
 * The peer of the delivery benchmark: Postfix with rspamd as its DKIM signer, tuned to be as fast as it honestly can be,
 * which leaves the fsync of every queue file. Both run on a configuration of their own in a folder of their own, so that
 * nothing of an installed Postfix or rspamd is read or touched but its programs.
 */
import { generateKeyPairSync } from "node:crypto";
import { existsSync, readdirSync, rmSync } from "node:fs";
import { chmod, mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { $ } from "bun";
import { verifyMessage } from "../src/mail/dkim-verify.ts";
import { startMxHost } from "../test/support/mx-host.ts";

/** SMTP sessions that hand messages in; more of them only make more processes take turns on the same cores. */
const sessions = 20;
/** What Postfix has in hand before the clock runs: its processes are then started and each has signed something. */
const warmUpMessages = 200;
const patienceMs = 180_000;

export interface PeerRun {
  messages: number;
  /** An SMTP server on 127.0.0.1 that takes everything. Only the counted messages reach it, so it can count them too. */
  sinkPort: number;
  /** Over how many recipient domains the messages are spread, as far as there are sessions. */
  domains: number;
}

/**
 * Messages a second, from the first one handed in over SMTP until Postfix has delivered the last one to the sink.
 * Undefined where it can't run: without root, or where a program is not installed. Throws when a message is not signed,
 * is deferred, or has not left within three minutes.
 */
export async function postfixWithRspamd({
  messages,
  sinkPort,
  domains,
}: PeerRun): Promise<number | undefined> {
  const programs = findPrograms();
  if (!programs) return undefined;

  const ending: Ending = [];
  const endNow = () => {
    for (const end of ending.splice(0).reverse()) void end(); // there is no later any more to wait in
  };
  const leave = () => process.exit(1);
  process.once("exit", endNow).once("SIGINT", leave).once("SIGTERM", leave);
  try {
    const folder = await mkdtemp(join(tmpdir(), "mailit-peer-"));
    ending.push(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
    await chmod(folder, 0o755); // both drop root and have to get at what is theirs in here
    const witness = await startMxHost({ tls: "none" });
    ending.push(() => witness.close());

    const { milter, publicKey } = await startRspamd(programs.rspamd, folder, ending);
    const postfix = await startPostfix(programs.postfix, folder, ending, {
      milter,
      sinkPort,
      witnessPort: witness.port,
    });
    const handIn = (count: number, recipients: string[]) =>
      handMessagesIn(programs.smtpSource, postfix.port, count, recipients, ending);

    await handIn(warmUpMessages, ["user@witness.test"]);
    await until("the first messages", postfix.log, () => witness.received.length >= warmUpMessages);
    await demandSignature(witness.received[warmUpMessages - 1]!.message, publicKey);
    await until("an empty queue", postfix.log, postfix.isIdle);

    const startedAt = performance.now();
    await handIn(
      messages,
      Array.from({ length: Math.min(domains, sessions) }, (_, n) => `user@domain${n}.test`),
    );
    await until("an empty queue", postfix.log, postfix.isIdle);
    return messages / ((performance.now() - startedAt) / 1000);
  } finally {
    process.off("exit", endNow).off("SIGINT", leave).off("SIGTERM", leave);
    for (let end = ending.pop(); end; end = ending.pop()) await end();
  }
}

/** What has to be ended or removed, newest last. Each begins at once, as the process may be about to exit. */
type Ending = (() => unknown)[];

function findPrograms() {
  const PATH = `${process.env.PATH}:/usr/sbin:/usr/local/sbin`;
  const postfix = Bun.which("postfix", { PATH });
  const rspamd = Bun.which("rspamd", { PATH });
  const smtpSource = Bun.which("smtp-source", { PATH });
  return process.getuid?.() === 0 && postfix && rspamd && smtpSource
    ? { postfix, rspamd, smtpSource }
    : undefined;
}

async function startRspamd(program: string, folder: string, ending: Ending) {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const place = join(folder, "rspamd");
  const socket = join(folder, "rspamd.sock");
  await mkdir(place);
  await writeFile(join(place, "key.pem"), privateKey.export({ type: "pkcs8", format: "pem" }), {
    mode: 0o600,
  });
  await writeFile(join(place, "tld"), "test\n"); // of the whole list it would compile patterns for half a minute
  await writeFile(join(place, "rspamd.conf"), rspamdConfiguration(place, socket));
  await $`chown -R _rspamd ${place}`.quiet();

  const log = join(folder, "rspamd.log");
  const command = [program, "-f", "-c", join(place, "rspamd.conf"), "-u", "_rspamd", "-g", "_rspamd"];
  const child = Bun.spawn(command, {
    cwd: place,
    stdio: ["ignore", Bun.file(log), Bun.file(log)],
    detached: true,
  });
  ending.push(async () => {
    child.kill("SIGTERM");
    await Promise.race([child.exited, Bun.sleep(5_000)]);
    if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid, "SIGKILL");
  });
  await until("rspamd", log, () => {
    if (child.exitCode !== null) throw new Error("rspamd ended at its start");
    return existsSync(socket);
  });
  return {
    milter: socket,
    publicKey: publicKey.export({ type: "spki", format: "der" }).toString("base64"),
  };
}

/** rspamd with nothing to do but sign: no other module, no statistics, no DNS, no Redis. */
function rspamdConfiguration(place: string, socket: string): string {
  return `
options {
  filters = "dkim";
  disable_hyperscan = true;
  disable_monitoring = true;
  url_tld = "${place}/tld";
  tempdir = "${place}";
  cache_file = "${place}/symbols.cache";
  hs_cache_dir = "${place}";
  pidfile = "${place}/rspamd.pid";
  control_socket = "${place}/control.sock mode=0600";
  dns { nameserver = ["127.0.0.1:1"]; }
}
logging { type = "console"; level = "error"; }
modules { path = "/usr/share/rspamd/plugins/dkim_signing.lua"; }
dkim {}
dkim_signing {
  sign_authenticated = true;
  sign_local = true;
  use_domain = "header";
  use_esld = false;
  allow_username_mismatch = true;
  check_pubkey = false;
  try_fallback = false;
  domain { "example.com" { selector = "peer"; path = "${place}/key.pem"; } }
}
worker "rspamd_proxy" {
  bind_socket = "${socket} mode=0666";
  milter = yes;
  count = 2;
  upstream "local" { default = yes; self_scan = yes; }
}
`;
}

async function startPostfix(
  program: string,
  folder: string,
  ending: Ending,
  ports: { milter: string; sinkPort: number; witnessPort: number },
) {
  const configuration = join(folder, "etc");
  const queue = join(folder, "queue");
  const data = join(folder, "data");
  const log = join(folder, "postfix.log");
  const port = freePort();
  await Promise.all([configuration, queue, data].map((place) => mkdir(place)));
  await $`chown postfix ${data}`.quiet();
  await writeFile(join(configuration, "main.cf"), mainCf(folder, ports));
  await writeFile(join(configuration, "master.cf"), masterCf(port));

  const postfix = [program, "-c", configuration];
  // Into a file, as the daemons keep what they get as standard output open.
  const stdio = ["ignore", Bun.file(join(folder, "start.log")), Bun.file(join(folder, "start.log"))] as const;
  ending.push(() => void Bun.spawnSync([...postfix, "stop"], { stdio: ["ignore", "ignore", "ignore"] }));
  const started = await Bun.spawn([...postfix, "start"], { stdio: [...stdio] }).exited;
  if (started !== 0) {
    throw new Error(`postfix did not start:\n${await tail(join(folder, "start.log"))}${await tail(log)}`);
  }

  return {
    port,
    log,
    /** In the order in which a message goes through them: one that moves on meanwhile is then seen twice, not never. */
    isIdle() {
      if (holdsFiles(join(queue, "deferred"))) throw new Error("postfix deferred a message");
      return !holdsFiles(join(queue, "incoming")) && !holdsFiles(join(queue, "active"));
    },
  };
}

function mainCf(
  folder: string,
  { milter, sinkPort, witnessPort }: { milter: string; sinkPort: number; witnessPort: number },
): string {
  return `
compatibility_level = 3.6
queue_directory = ${folder}/queue
data_directory = ${folder}/data
maillog_file = ${folder}/postfix.log
maillog_file_prefixes = ${folder}
myhostname = mail.bench.test
mydestination =
local_recipient_maps =
alias_maps =
alias_database =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
biff = no

# No delay and no limit meant against strangers, and no DNS.
smtpd_peername_lookup = no
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_client_connection_count_limit = 0
smtpd_tls_security_level = none
in_flow_delay = 0s
smtp_dns_support_level = disabled
smtp_host_lookup = native
smtp_tls_security_level = none
relayhost = [127.0.0.1]:${sinkPort}
transport_maps = inline:{ { witness.test = smtp:[127.0.0.1]:${witnessPort} } }

smtpd_milters = unix:${milter}
milter_default_action = tempfail

default_process_limit = 100
initial_destination_concurrency = 20
smtp_destination_concurrency_limit = 20
smtp_connection_cache_on_demand = yes
hash_queue_names = defer
`;
}

function masterCf(port: number): string {
  return `
127.0.0.1:${port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
`;
}

async function handMessagesIn(
  program: string,
  port: number,
  messages: number,
  recipients: string[],
  ending: Ending,
): Promise<void> {
  const share = (total: number, n: number) =>
    Math.floor((total * (n + 1)) / recipients.length) - Math.floor((total * n) / recipients.length);
  const children = recipients.map((recipient, n) => {
    const load = ["-s", `${share(sessions, n)}`, "-m", `${share(messages, n)}`, "-l", "2048", "-d", "-N"];
    const envelope = ["-M", "client.bench.test", "-f", "bench@example.com", "-t", recipient];
    return Bun.spawn([program, "-4", ...load, ...envelope, `127.0.0.1:${port}`], {
      stdio: ["ignore", "ignore", "pipe"],
      timeout: patienceMs,
    });
  });
  ending.push(() => {
    for (const child of children) child.kill("SIGKILL");
  });
  for (const child of children) {
    const said = await new Response(child.stderr).text();
    if ((await child.exited) !== 0) throw new Error(`smtp-source failed: ${said}`);
  }
}

async function demandSignature(message: Uint8Array, publicKey: string): Promise<void> {
  const verdicts = await verifyMessage(message, async () => [`v=DKIM1; k=rsa; p=${publicKey}`]);
  if (!verdicts.some(({ domain, result }) => domain === "example.com" && result === "pass")) {
    throw new Error(`postfix delivered a message without a good signature: ${JSON.stringify(verdicts)}`);
  }
}

function holdsFiles(folder: string): boolean {
  return readdirSync(folder).length > 0;
}

/** Looks until it is so; after three minutes it throws with the end of the log. */
async function until(what: string, log: string, isSo: () => boolean): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!isSo()) {
    if (performance.now() > deadline)
      throw new Error(`${what} did not come in three minutes:\n${await tail(log)}`);
    await Bun.sleep(10);
  }
}

async function tail(log: string): Promise<string> {
  const file = Bun.file(log);
  return (await file.exists()) ? (await file.text()).slice(-2_000) : "";
}

function freePort(): number {
  const server = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  server.stop(true);
  return server.port;
}
