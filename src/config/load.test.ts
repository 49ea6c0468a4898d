import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigFault } from "../errors.ts";
import type { Environment } from "./environment.ts";
import { type ConfigSources, dataPaths, loadConfig, withHttpPort } from "./load.ts";
import { type Config, namedKeys } from "./schema.ts";

const folder = mkdtempSync(join(tmpdir(), "mailit-config-"));
afterAll(() => rmSync(folder, { recursive: true }));

const load = (env: Environment = {}, rest: Partial<ConfigSources> = {}) =>
  loadConfig({ env, cwd: folder, sandbox: false, isRoot: true, ...rest });

/** Loads what a file holds; each gets a name of its own, as a module is imported once. */
async function loadFile(contents: unknown, env: Environment = {}): Promise<Config> {
  const file = `${Bun.randomUUIDv7()}.ts`;
  await Bun.write(join(folder, file), `export default ${JSON.stringify(contents)};`);
  return load(env, { file });
}

const valueAt = (config: Config, path: string): unknown =>
  path.split(".").reduce<unknown>((value, name) => (value as Record<string, unknown>)[name], config);

function nested(path: string, value: unknown): object {
  return path.split(".").reduceRight<unknown>((inner, name) => ({ [name]: inner }), value) as object;
}

async function mistakesOf(loading: Promise<Config>): Promise<string[]> {
  const fault = await loading.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(fault).toBeInstanceOf(ConfigFault);
  return (fault as ConfigFault).message.split("\n");
}

/** For every key a value that is not its default: as the environment has it, as a file has it, as the program gets it. */
const samples: Record<string, [text: string, written: unknown, value: unknown]> = {
  dataDir: ["/srv/mail", "/srv/mail", "/srv/mail"],
  "server.httpAddr": ["127.0.0.1:9000", "127.0.0.1:9000", "127.0.0.1:9000"],
  "server.publicUrl": ["https://m.example.com/", "https://m.example.com/", "https://m.example.com"],
  "server.trustedProxies": ["10.0.0.0/8,::1", ["10.0.0.0/8", "::1"], ["10.0.0.0/8", "::1/128"]],
  "server.corsOrigins": [
    "https://App.example.com,http://localhost:3000/",
    ["https://app.example.com", "http://localhost:3000"],
    ["https://app.example.com", "http://localhost:3000"],
  ],
  "server.maxBodyBytes": ["1MiB", 1_048_576, 1_048_576],
  "server.maxImportBytes": ["2MB", 2_000_000, 2_000_000],
  "tls.mode": ["acme", "acme", "acme"],
  "tls.certFile": ["/c.pem", "/c.pem", "/c.pem"],
  "tls.keyFile": ["/k.pem", "/k.pem", "/k.pem"],
  "tls.acmeEmail": ["a@example.com", "a@example.com", "a@example.com"],
  "tls.acmeDirectory": ["https://ca.example/dir", "https://ca.example/dir", "https://ca.example/dir"],
  "database.url": ["libsql://db.example", "libsql://db.example", "libsql://db.example"],
  "database.authToken": ["token", "token", "token"],
  "auth.jwtSecret": ["s".repeat(32), "s".repeat(32), "s".repeat(32)],
  "auth.jwtTtl": ["1h", 3600, 3_600_000],
  "auth.registration": ["closed", "closed", "closed"],
  "smtpOutbound.hostname": ["MX.example.com", "MX.example.com", "mx.example.com"],
  "smtpOutbound.port": ["2526", 2526, 2526],
  "smtpOutbound.tls": ["mandatory", "mandatory", "mandatory"],
  "smtpOutbound.localAddresses": [
    "192.0.2.1,2001:db8::1=Mail1.example.com",
    ["192.0.2.1", "2001:db8::1=mail1.example.com"],
    [{ address: "192.0.2.1" }, { address: "2001:db8::1", ehloName: "mail1.example.com" }],
  ],
  "smtpOutbound.sites": [
    '[{"match":"*.google.com","rate":"100/1m"}]',
    [{ match: "*.google.com", rate: "100/1m" }],
    [{ match: "*.google.com", rate: { messages: 100, perMs: 60_000 } }],
  ],
  "smtpOutbound.retryDelays": ["2s,4s,8s", ["2s", "4s", 8], [2000, 4000, 8000]],
  "smtpOutbound.giveUpAfter": ["1d", "1d", 86_400_000],
  "smtpOutbound.allowPrivateAddresses": ["true", true, true],
  "smtpOutbound.relay.host": ["smtp.example.com", "smtp.example.com", "smtp.example.com"],
  "smtpOutbound.relay.port": ["465", 465, 465],
  "smtpOutbound.relay.username": ["ada", "ada", "ada"],
  "smtpOutbound.relay.password": ["p,w d", "p,w d", "p,w d"],
  "smtpOutbound.relay.tls": ["implicit", "implicit", "implicit"],
  "smtpInbound.enabled": ["no", false, false],
  "smtpInbound.addr": ["127.0.0.1:2600", "127.0.0.1:2600", "127.0.0.1:2600"],
  "smtpInbound.maxMessageBytes": ["10MB", "10MB", 10_000_000],
  "smtpInbound.maxConnections": ["50", 50, 50],
  "smtpInbound.maxConnectionsPerAddress": ["5", 5, 5],
  "smtpInbound.messagesPerMinute": ["1000", 1_000, 1_000],
  "smtpSubmission.addr": [":2601", ":2601", ":2601"],
  "smtpSubmission.tlsAddr": ["[::1]:2602", "[::1]:2602", "[::1]:2602"],
  "dns.servers": ["127.0.0.1:5353,9.9.9.9", ["127.0.0.1:5353", "9.9.9.9"], ["127.0.0.1:5353", "9.9.9.9:53"]],
  "dkim.selector": ["s2", "s2", "s2"],
  "dkim.masterKey": ["0f".repeat(32), "0f".repeat(32), "0f".repeat(32)],
  "rateLimit.enabled": ["false", false, false],
  "rateLimit.requestsPerSecond": ["5", 5, 5],
  "rateLimit.loginsPerMinute": ["3", 3, 3],
  "webhooks.timeout": ["2500ms", 2.5, 2500],
  "webhooks.retryDelays": ["1s", [1], [1000]],
  "webhooks.allowPrivateAddresses": ["1", true, true],
  "storage.backend": ["s3", "s3", "s3"],
  "storage.s3.endpoint": ["http://127.0.0.1:9001", "http://127.0.0.1:9001", "http://127.0.0.1:9001"],
  "storage.s3.bucket": ["mail", "mail", "mail"],
  "storage.s3.region": ["eu-1", "eu-1", "eu-1"],
  "storage.s3.accessKeyId": ["id", "id", "id"],
  "storage.s3.secretAccessKey": ["key", "key", "key"],
  "retention.content": ["7d", "7d", 604_800_000],
  "retention.inbound": ["30d", "30d", 2_592_000_000],
  "retention.events": ["forever", "forever", "forever"],
  "retention.webhooks": ["1d", "1d", 86_400_000],
  "retention.links": ["2d", "2d", 172_800_000],
  "retention.logs": ["2d", "2d", 172_800_000],
  "metrics.token": ["t".repeat(16), "t".repeat(16), "t".repeat(16)],
  "logging.level": ["debug", "debug", "debug"],
  "logging.format": ["pretty", "pretty", "pretty"],
};

const sampleOf = (path: string) => samples[path] ?? expect.unreachable(`${path} has no sample`);

// Some values ask for others, so each key is set among all the others' samples.
const allButOne = (path: string) =>
  Object.fromEntries(
    namedKeys.filter((key) => key.path !== path).map((key) => [key.env, sampleOf(key.path)[0]]),
  );

describe.each(namedKeys.map(({ path, env }) => ({ path, env })))("$path", ({ path, env }) => {
  const [text, written, value] = samples[path] ?? [];

  test("is taken from the environment", async () => {
    expect(valueAt(await load({ ...allButOne(path), [env]: text }), path)).toEqual(value);
    expect(valueAt(await load(), path)).not.toEqual(value);
  });

  test("is taken from the file", async () => {
    expect(valueAt(await loadFile(nested(path, written), allButOne(path)), path)).toEqual(value);
  });

  test("is refused by its name when it is an object", async () => {
    const [mistake] = await mistakesOf(loadFile(nested(path, { $: 1 }), allButOne(path)));
    expect(mistake).toMatch(/^In .*\.ts, [\w.]+ is an? (secret of|object).*; it must be .+\.$/);
    expect(mistake).toContain(path);
  });
});

test("with nothing given the program starts with its defaults", async () => {
  expect(await load({ MAILIT_DOMAIN: "mail.example.com" })).toEqual({
    dataDir: join(folder, "data"),
    server: {
      httpAddr: ":8080",
      publicUrl: "http://localhost:8080",
      trustedProxies: [],
      corsOrigins: [],
      maxBodyBytes: 60_000_000,
      maxImportBytes: 1_000_000_000,
    },
    tls: {
      mode: "off",
      certFile: undefined,
      keyFile: undefined,
      acmeEmail: undefined,
      acmeDirectory: "https://acme-v02.api.letsencrypt.org/directory",
    },
    database: { url: undefined, authToken: undefined },
    auth: { jwtSecret: undefined, jwtTtl: 86_400_000, registration: "first-user" },
    smtpOutbound: {
      hostname: "mail.example.com",
      port: 25,
      tls: "opportunistic",
      localAddresses: [],
      sites: [],
      retryDelays: [300_000, 600_000, 1_200_000, 2_400_000, 4_800_000, 9_600_000, 14_400_000],
      giveUpAfter: 172_800_000,
      allowPrivateAddresses: false,
      relay: { host: undefined, port: 587, username: undefined, password: undefined, tls: "mandatory" },
    },
    smtpInbound: {
      enabled: true,
      addr: ":25",
      maxMessageBytes: 25_000_000,
      maxConnections: 1_000,
      maxConnectionsPerAddress: 20,
      messagesPerMinute: 600,
    },
    smtpSubmission: { addr: ":587", tlsAddr: ":465" },
    dns: { servers: [] },
    dkim: { selector: "mailit", masterKey: undefined },
    rateLimit: { enabled: true, requestsPerSecond: 100, loginsPerMinute: 10 },
    webhooks: {
      timeout: 10_000,
      retryDelays: [30_000, 120_000, 600_000, 1_800_000, 7_200_000],
      allowPrivateAddresses: false,
    },
    storage: {
      backend: "files",
      s3: {
        endpoint: undefined,
        bucket: undefined,
        region: "us-east-1",
        accessKeyId: undefined,
        secretAccessKey: undefined,
      },
    },
    retention: {
      content: 7_776_000_000,
      inbound: "forever",
      events: 31_536_000_000,
      webhooks: 2_592_000_000,
      links: 63_072_000_000,
      logs: 2_592_000_000,
    },
    metrics: { token: undefined },
    logging: { level: "info", format: "json" },
  });
});

test("without root SMTP listens on ports that need none", async () => {
  const { smtpInbound, smtpSubmission, smtpOutbound } = await load({}, { isRoot: false });
  expect([smtpInbound.addr, smtpSubmission.addr, smtpSubmission.tlsAddr]).toEqual([
    ":2525",
    ":2587",
    ":2465",
  ]);
  expect(smtpOutbound.port).toBe(25);
});

test("the sandbox has high ports even for root, a name of its own and speaks to loopback", async () => {
  const { smtpInbound, smtpOutbound, webhooks } = await load({}, { sandbox: true });
  expect(smtpInbound.addr).toBe(":2525");
  expect(smtpOutbound).toMatchObject({ hostname: "mailit.test", allowPrivateAddresses: true });
  expect(webhooks.allowPrivateAddresses).toBe(true);
});

test("what is given wins over the sandbox's defaults", async () => {
  const config = await load(
    { MAILIT_DOMAIN: "a.example", MAILIT_SMTP_INBOUND_ADDR: ":26" },
    { sandbox: true },
  );
  expect([config.smtpOutbound.hostname, config.smtpInbound.addr]).toEqual(["a.example", ":26"]);
});

test("the environment wins over the file, and --data over both", async () => {
  const contents = { dataDir: "from-file", dkim: { selector: "file" }, logging: { level: "warn" } };
  const file = "order.ts";
  await Bun.write(join(folder, file), `export default ${JSON.stringify(contents)};`);
  const env = { MAILIT_DATA_DIR: "from-env", MAILIT_DKIM_SELECTOR: "env" };
  const config = await load(env, { file, dataDir: "from-flag" });
  expect(config.dataDir).toBe(join(folder, "from-flag"));
  expect(config.dkim.selector).toBe("env");
  expect(config.logging.level).toBe("warn");
  expect((await load(env, { file })).dataDir).toBe(join(folder, "from-env"));
});

test("a bad --data is named", async () => {
  expect(await mistakesOf(load({}, { dataDir: "" }))).toEqual(['--data is ""; it must be a path.']);
});

test.each([
  [{ MAILIT_SERVER_HTTP_ADDR: "127.0.0.1:81" }, "http://127.0.0.1:81"],
  [{ MAILIT_SERVER_HTTP_ADDR: "[::1]:80" }, "http://[::1]"],
  [{ MAILIT_SERVER_HTTP_ADDR: "[::]:81" }, "http://localhost:81"],
  [{ MAILIT_SERVER_HTTP_ADDR: ":443", MAILIT_TLS_MODE: "acme" }, "https://mail.example.com"],
  [{ MAILIT_SERVER_HTTP_ADDR: ":8443", MAILIT_TLS_MODE: "acme" }, "https://mail.example.com:8443"],
])("with %p others reach the server at %p", async (env, url) => {
  expect((await load({ MAILIT_DOMAIN: "mail.example.com", ...env })).server.publicUrl).toBe(url);
});

test("a port that the system chooses becomes part of the public address", async () => {
  const config = await load({ MAILIT_SERVER_HTTP_ADDR: "127.0.0.1:0" });
  expect(withHttpPort(config, 4321).server.publicUrl).toBe("http://127.0.0.1:4321");
  const fixed = await load({ MAILIT_SERVER_PUBLIC_URL: "https://mail.example.com" });
  expect(withHttpPort(fixed, 4321)).toBe(fixed);
});

test("the data folder holds the database, the blobs and the secret key", () => {
  expect(dataPaths({ dataDir: "/srv/mail" })).toEqual({
    database: "/srv/mail/mailit.db",
    blobs: "/srv/mail/blobs",
    secretKey: "/srv/mail/secret.key",
  });
});

test("every mistake of every source is told at once", async () => {
  const mistakes = await mistakesOf(
    loadFile(
      { smtpOutbound: { port: 0 }, nonsense: 1 },
      { MAILIT_LOGGING_LEVEL: "loud", MAILIT_STORAGE_BACKEND: "s3" },
    ),
  );
  expect(mistakes.map((mistake) => mistake.replace(/^In [\w-]+\.ts/, "In a file"))).toEqual([
    expect.stringContaining("In a file, nonsense is no key;"),
    "In a file, smtpOutbound.port is 0; it must be a whole number from 1 to 65535.",
    'MAILIT_LOGGING_LEVEL is "loud"; it must be trace, debug, info, warn, error or silent.',
    "storage.s3.bucket is not set; storage.backend is s3, so it must be.",
    "storage.s3.accessKeyId is not set; storage.backend is s3, so it must be.",
    "storage.s3.secretAccessKey is not set; storage.backend is s3, so it must be.",
  ]);
});

test("a value in the file is checked even where the environment overrides it", async () => {
  const mistakes = await mistakesOf(
    loadFile({ dkim: { selector: "a b" } }, { MAILIT_DKIM_SELECTOR: "good" }),
  );
  expect(mistakes).toHaveLength(1);
});

test.each(namedKeys.filter(({ key }) => key.isSecret).map(({ path, env }) => ({ path, env })))(
  "a bad $path is not shown",
  async ({ path, env }) => {
    const bad = "hunt\ner2";
    const told = [
      ...(await mistakesOf(load({ [env]: bad }))),
      ...(await mistakesOf(loadFile(nested(path, bad)))),
    ];
    expect(told.join("\n")).toContain("a secret of 8 characters; it must be");
    expect(told.join("\n")).not.toContain("hunt");
  },
);

test("a login in a URL is not shown", async () => {
  const [mistake] = await mistakesOf(
    load({ MAILIT_SERVER_PUBLIC_URL: "https://ada:hunter2@mail.example.com" }),
  );
  expect(mistake).toStartWith('MAILIT_SERVER_PUBLIC_URL is "https://***@mail.example.com";');
});
