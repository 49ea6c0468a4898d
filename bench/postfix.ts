/**
 * The peer of the delivery benchmark: Postfix with rspamd as its DKIM signer, tuned to be as fast as it honestly can be,
 * which leaves the fsync of every queue file. Both run on a configuration of their own in a folder of their own, so that
 * of an installed Postfix or rspamd nothing but the programs is used.
 */
import { generateKeyPairSync } from "node:crypto";
import { existsSync, readdirSync, rmSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readdir, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { $ } from "bun";
import { verifyMessage } from "../src/mail/dkim-verify.ts";
import { startMxHost } from "../test/support/mx-host.ts";

export interface PeerRun {
  messages: number;
  /** An SMTP server on 127.0.0.1 that takes everything. It gets the counted messages and no others. */
  sinkPort: number;
  /** Over how many recipient domains the messages are spread; there are no more than sessions. */
  domains: number;
}

/** SMTP sessions that hand messages in. More of them are not faster: they take turns on the same cores. */
const sessions = 20;
/** What Postfix delivers before the clock runs, so that its processes are there and each signer has signed. */
const warmUpMessages = 200;
const patienceMs = 180_000;

/**
 * Messages a second, from the first one handed in over SMTP until Postfix is rid of the last one. Undefined where it
 * can't run: without root, or where a program is not installed. Throws when messages are not signed, not taken at once,
 * or not gone within three minutes. Whether the sink took as many as were handed in is for the caller to check.
 */
export async function postfixWithRspamd(run: PeerRun): Promise<number | undefined> {
  const programs = findPrograms();
  if (!programs?.rspamd) return undefined;
  return inFolder(programs, (place) => measure(run, place));
}

export interface ReceivingRun {
  messages: number;
  /** Hands so many messages for inbox@in.bench.test in at a port of 127.0.0.1. */
  hand(port: number, messages: number): Promise<void>;
}

/**
 * Messages a second that Postfix takes and delivers into a maildir, each file fsynced; it neither parses them nor asks who
 * vouches for them. Undefined where it can't run.
 */
export async function postfixReceiving({ messages, hand }: ReceivingRun): Promise<number | undefined> {
  const programs = findPrograms();
  if (!programs) return undefined;
  return inFolder(programs, async (place) => {
    await chmod(place.folder, 0o755);
    const mail = join(place.folder, "mail");
    await mkdir(mail);
    await $`chown nobody ${mail}`.quiet();
    const { port, isIdle } = await startPostfix(place, await receivingCf(place.folder, mail));
    await hand(port, warmUpMessages);
    await until("the warm-up's end", place, isIdle);
    const startedAt = performance.now();
    await hand(port, messages);
    await until("an empty queue", place, isIdle);
    const rate = messages / ((performance.now() - startedAt) / 1000);
    const delivered = readdirSync(join(mail, "inbox/new")).length;
    if (delivered !== warmUpMessages + messages) throw new Error(`the maildir holds ${delivered} messages`);
    return rate;
  });
}

async function inFolder(
  programs: NonNullable<ReturnType<typeof findPrograms>>,
  work: (place: Place) => Promise<number>,
): Promise<number> {
  const ending: Ending = [];
  const endNow = () => {
    for (const end of ending.splice(0).reverse()) void end(); // the process leaves: there is no later to wait for
  };
  const leave = () => process.exit(1);
  process.once("exit", endNow).once("SIGINT", leave).once("SIGTERM", leave);
  try {
    const folder = await mkdtemp(join(tmpdir(), "mailit-peer-"));
    ending.push(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
    const place = { folder, programs, ending, deadline: performance.now() + patienceMs };
    return await work(place).catch(async (cause) => {
      throw new Error(`Postfix: ${cause}\n${await whatTheySaid(folder)}`, { cause });
    });
  } finally {
    for (let end = ending.pop(); end; end = ending.pop()) await end();
    process.off("exit", endNow).off("SIGINT", leave).off("SIGTERM", leave);
  }
}

/** What has to be ended or removed, in the order in which it came. What each must do at least, it does before it waits. */
type Ending = (() => unknown)[];

interface Place {
  folder: string;
  programs: NonNullable<ReturnType<typeof findPrograms>>;
  ending: Ending;
  /** By `performance.now()`. */
  deadline: number;
}

function findPrograms() {
  const PATH = `${process.env.PATH}:/usr/sbin:/usr/local/sbin`;
  const postfix = Bun.which("postfix", { PATH });
  const rspamd = Bun.which("rspamd", { PATH });
  const smtpSource = Bun.which("smtp-source", { PATH });
  if (process.getuid?.() !== 0 || !postfix || !smtpSource) return undefined;
  return { postfix, rspamd, smtpSource };
}

async function measure({ messages, sinkPort, domains }: PeerRun, place: Place): Promise<number> {
  await chmod(place.folder, 0o755); // both programs give up root and must still get at their own folders in here
  const witness = await startMxHost({ tls: "none" });
  place.ending.push(() => witness.close());
  const { milter, publicKey } = await startRspamd(place);
  const mainCf = sendingCf(place.folder, { milter, sinkPort, witnessPort: witness.port });
  const { port, isIdle } = await startPostfix(place, mainCf);

  await handIn(place, { port, messages: warmUpMessages, recipients: ["user@witness.test"] });
  await until("the warm-up's end", place, () => isIdle() && witness.received.length === warmUpMessages);
  await demandSignature(witness.received[warmUpMessages - 1]!.message, publicKey);

  const spread = Math.min(domains, sessions);
  const recipients = Array.from({ length: spread }, (_, n) => `user@domain${n}.test`);
  const startedAt = performance.now();
  await handIn(place, { port, messages, recipients });
  await until("an empty queue", place, isIdle);
  return messages / ((performance.now() - startedAt) / 1000);
}

async function startRspamd(place: Place): Promise<{ milter: string; publicKey: string }> {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const folder = join(place.folder, "rspamd");
  const milter = join(place.folder, "rspamd.sock");
  await mkdir(folder);
  const pem = privateKey.export({ type: "pkcs8", format: "pem" });
  await writeFile(join(folder, "key.pem"), pem, { mode: 0o600 });
  await writeFile(join(folder, "tld"), "test\n"); // patterns of the whole list take many seconds to compile
  await writeFile(join(folder, "rspamd.conf"), rspamdConf(folder, milter));
  await $`chown -R _rspamd ${folder}`.quiet();

  const log = Bun.file(join(place.folder, "rspamd.log"));
  const args = ["-f", "-c", join(folder, "rspamd.conf"), "-u", "_rspamd", "-g", "_rspamd"];
  const child = Bun.spawn([place.programs.rspamd!, ...args], {
    cwd: folder,
    stdio: ["ignore", log, log],
    detached: true, // a process group of its own, for the case that it has to be killed with its workers
  });
  place.ending.push(async () => {
    child.kill("SIGTERM");
    const force = setTimeout(() => process.kill(-child.pid, "SIGKILL"), 5_000);
    await child.exited;
    clearTimeout(force);
  });
  await until("rspamd's socket", place, () => {
    if (child.exitCode !== null) throw new Error("rspamd ended at its start");
    return existsSync(milter);
  });
  return { milter, publicKey: publicKey.export({ type: "spki", format: "der" }).toString("base64") };
}

/** rspamd with nothing to do but to sign: no other module, no statistics, no DNS, no Redis. */
function rspamdConf(folder: string, socket: string): string {
  return `
options {
  filters = "dkim";
  disable_hyperscan = true;
  disable_monitoring = true;
  url_tld = "${folder}/tld";
  tempdir = "${folder}";
  cache_file = "${folder}/symbols.cache";
  hs_cache_dir = "${folder}";
  pidfile = "${folder}/rspamd.pid";
  control_socket = "${folder}/control.sock mode=0600";
  dns { nameserver = ["127.0.0.1:1"]; }
}
logging { type = "console"; level = "error"; }
modules { path = "$PLUGINSDIR/dkim_signing.lua"; }
dkim {}
dkim_signing {
  sign_authenticated = true;
  sign_local = true;
  use_domain = "header";
  use_esld = false;
  allow_username_mismatch = true;
  check_pubkey = false;
  try_fallback = false;
  domain { "example.com" { selector = "peer"; path = "${folder}/key.pem"; } }
}
worker "rspamd_proxy" {
  bind_socket = "${socket} mode=0666";
  milter = yes;
  count = ${Math.max(2, availableParallelism())};
  upstream "local" { default = yes; self_scan = yes; }
}
`;
}

async function startPostfix(place: Place, mainCf: string) {
  const [configuration, queue, data] = ["etc", "queue", "data"].map((name) => join(place.folder, name));
  for (const folder of [configuration!, queue!, data!]) await mkdir(folder);
  await $`chown postfix ${data}`.quiet();
  const port = freePort();
  await writeFile(join(configuration!, "main.cf"), mainCf);
  await writeFile(join(configuration!, "master.cf"), masterCf(port));

  const postfix = [place.programs.postfix, "-c", configuration!];
  place.ending.push(() => {
    Bun.spawnSync([...postfix, "stop"], { stdio: ["ignore", "ignore", "ignore"] });
  });
  const said = Bun.file(join(place.folder, "start.log")); // a pipe would stay open for as long as the daemons live
  const start = Bun.spawn([...postfix, "start"], { stdio: ["ignore", said, said] });
  if ((await start.exited) !== 0) throw new Error("postfix did not start");

  const holdsMessages = (name: string) => readdirSync(join(queue!, name)).length > 0;
  const isIdle = () => {
    if (holdsMessages("deferred")) throw new Error("postfix deferred a message");
    // In the order in which messages move, so that one that moves meanwhile is seen twice rather than never.
    return !holdsMessages("incoming") && !holdsMessages("active");
  };
  return { port, isIdle };
}

/** What both have: no TLS, no DNS, no address rewriting, and nothing that is meant against strangers. */
function commonCf(folder: string): string {
  // Postfix is fastest when nobody takes its log. Where a system log would, it gets a file and leaves that log alone.
  const log = existsSync("/dev/log")
    ? `maillog_file = ${folder}/postfix.log\nmaillog_file_prefixes = ${folder}`
    : "";
  return `
compatibility_level = 3.6
queue_directory = ${folder}/queue
data_directory = ${folder}/data
${log}
myhostname = mail.bench.test
mydestination =
local_recipient_maps =
alias_maps =
alias_database =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
smtpd_peername_lookup = no
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_client_connection_count_limit = 0
smtpd_tls_security_level = none
receive_override_options = no_address_mappings
in_flow_delay = 0s
max_use = 100000
default_process_limit = 100
enable_long_queue_ids = yes
# Not deferred, which is then one folder to look into.
hash_queue_names = defer
`;
}

function sendingCf(
  folder: string,
  { milter, sinkPort, witnessPort }: { milter: string; sinkPort: number; witnessPort: number },
): string {
  return `${commonCf(folder)}
smtp_tls_security_level = none
smtp_dns_support_level = disabled
smtp_host_lookup = native
relayhost = [127.0.0.1]:${sinkPort}
transport_maps = inline:{ { witness.test = smtp:[127.0.0.1]:${witnessPort} } }
smtpd_milters = unix:${milter}
milter_default_action = tempfail

# On loopback a new connection costs less CPU than passing a cached one on.
initial_destination_concurrency = 20
smtp_destination_concurrency_limit = 20
smtp_connection_cache_on_demand = no
`;
}

async function receivingCf(folder: string, mail: string): Promise<string> {
  const uid = (await $`id -u nobody`.text()).trim();
  const gid = (await $`id -g nobody`.text()).trim();
  return `${commonCf(folder)}
virtual_mailbox_domains = in.bench.test
virtual_mailbox_base = ${mail}
virtual_mailbox_maps = static:inbox/
virtual_uid_maps = static:${uid}
virtual_gid_maps = static:${gid}
virtual_minimum_uid = 1
virtual_destination_concurrency_limit = 20
`;
}

/** Postfix's usual services, without chroot, which would need copies of system files in the queue's folder. */
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
virtual unix - n n - - virtual
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
`;
}

/** smtp-source knows one recipient domain a process, so there is a process for each; each user is another. */
async function handIn(
  { programs, ending, deadline }: Place,
  { port, messages, recipients }: { port: number; messages: number; recipients: string[] },
): Promise<void> {
  const share = (total: number, n: number) =>
    Math.floor((total * (n + 1)) / recipients.length) - Math.floor((total * n) / recipients.length);
  const children = recipients.map((recipient, n) => {
    const load = ["-s", `${share(sessions, n)}`, "-m", `${share(messages, n)}`, "-l", "2048", "-d", "-N"];
    const envelope = ["-M", "client.bench.test", "-f", "bench@example.com", "-t", recipient];
    return Bun.spawn([programs.smtpSource, "-4", ...load, ...envelope, `127.0.0.1:${port}`], {
      stdio: ["ignore", "ignore", "pipe"],
      timeout: Math.max(1, Math.round(deadline - performance.now())),
    });
  });
  ending.push(() => {
    for (const child of children) child.kill("SIGKILL");
  });
  await Promise.all(
    children.map(async (child) => {
      const said = await new Response(child.stderr).text();
      if ((await child.exited) !== 0) throw new Error(`handing in failed: ${said || "out of time"}`);
    }),
  );
}

async function demandSignature(message: Uint8Array, publicKey: string): Promise<void> {
  const verdicts = await verifyMessage(message, async () => [`v=DKIM1; k=rsa; p=${publicKey}`]);
  if (!verdicts.some(({ domain, result }) => domain === "example.com" && result === "pass")) {
    throw new Error(`a message has no good signature: ${JSON.stringify(verdicts)}`);
  }
}

async function until(what: string, { deadline }: Place, isSo: () => boolean): Promise<void> {
  while (!isSo()) {
    if (performance.now() > deadline) throw new Error(`out of time, waiting for ${what}`);
    await Bun.sleep(10);
  }
}

/** The ends of the logs, and why Postfix deferred messages, which it notes beside its queue. */
async function whatTheySaid(folder: string): Promise<string> {
  const deferred = await readdir(join(folder, "queue/defer"), { recursive: true }).catch(() => []);
  const names = ["rspamd.log", "start.log", "postfix.log", ...deferred.map((name) => `queue/defer/${name}`)];
  const texts = names.map((name) =>
    Bun.file(join(folder, name))
      .text()
      .catch(() => ""),
  );
  return (await Promise.all(texts))
    .filter(Boolean)
    .slice(0, 4)
    .map((text) => text.slice(-1_000))
    .join("\n");
}

function freePort(): number {
  const server = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  server.stop(true);
  return server.port;
}
