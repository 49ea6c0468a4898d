import { type Group, Key, key, optional, type Resolved, type Written } from "./key.ts";
import * as is from "./kinds.ts";
import { sites } from "./sites.ts";

/**
 * Every key of the configuration, once: the types below, the reading of files and of the environment, the mistakes and
 * README's table all follow from it.
 */
export const schema = {
  dataDir: key(is.path, {
    default: "./data",
    doc: "The folder of the database, stored files and the secret key, seen from the folder the program starts in.",
  }),

  server: {
    httpAddr: key(is.listenAddress, {
      default: ":8080",
      doc: "Where the API and the admin listen; port 0 lets the system choose one.",
    }),
    publicUrl: key(is.origin, {
      derived:
        "http://localhost and the port of server.httpAddr; with TLS, https:// and smtpOutbound.hostname",
      doc: "The address at which others reach this server, put into tracking, unsubscribe and admin links.",
    }),
    trustedProxies: key(is.list(is.network), {
      default: [],
      doc: "Proxies whose X-Forwarded-For is believed; from anyone else it is ignored.",
    }),
    corsOrigins: key(is.list(is.webOrigin), {
      default: [],
      doc: "Web pages that may call the API from a browser, such as https://app.example.com, or * for any; no cookies are ever taken from them.",
    }),
    maxBodyBytes: key(is.size, {
      default: "60MB",
      doc: "The largest request taken; base64 makes a 40 MB message about 54 MB.",
    }),
    maxImportBytes: key(is.size, {
      default: "1GB",
      doc: "The largest file of contacts taken to be imported; it is stored until that is done.",
    }),
  },

  tls: {
    mode: key(is.choice("off", "files", "acme"), {
      default: "off",
      doc: "Where the certificate for HTTPS and SMTP comes from: nowhere, certFile and keyFile, or an ACME authority.",
    }),
    certFile: optional(is.path, { doc: "The certificate chain in PEM, for mode files." }),
    keyFile: optional(is.path, { doc: "The private key in PEM, for mode files." }),
    acmeEmail: optional(is.text, { doc: "Where the ACME authority may write to about the certificate." }),
    acmeDirectory: key(is.url("https"), {
      default: "https://acme-v02.api.letsencrypt.org/directory",
      doc: "The ACME authority's directory.",
    }),
  },

  database: {
    url: optional(is.databaseUrl, {
      isSecret: true, // it may carry ?authToken=
      doc: "A libSQL server to use instead of the embedded database in dataDir; needs dkim.masterKey.",
    }),
    authToken: optional(is.secretText(), { isSecret: true, doc: "The token for database.url." }),
  },

  auth: {
    jwtSecret: optional(is.secretText(32), {
      isSecret: true,
      doc: "Signs the tokens of /auth/login; without it they are signed with a key derived from the master key.",
    }),
    jwtTtl: key(is.duration(365), { default: "24h", doc: "How long a token of /auth/login is valid." }),
    registration: key(is.choice("first-user", "open", "closed"), {
      default: "first-user",
      doc: "Who may register an account: only the first user, anybody, or nobody.",
    }),
  },

  smtpOutbound: {
    hostname: key(is.hostName, {
      derived: "the machine's host name; mailit.test in the sandbox",
      alias: "MAILIT_DOMAIN",
      doc: "This server's name in EHLO and DNS; its address should lead back to it (PTR).",
    }),
    port: key(is.port, {
      default: 25,
      doc: "The port of recipients' mail servers; other than 25 only in tests.",
    }),
    tls: key(is.choice("opportunistic", "mandatory", "off"), {
      default: "opportunistic",
      doc: "Whether mail is encrypted on its way: where the other side can, always (or not sent), or never.",
    }),
    localAddresses: key(is.list(is.localAddress), {
      default: [],
      doc: "The addresses of this machine to send from, each with a name of its own in EHLO where it needs one (192.0.2.1=mail1.example.com); the system chooses where there are none.",
    }),
    sites: key(sites, {
      default: [],
      doc: "How mail servers are sent to where the built-in limits don't fit; the first match counts. In the environment JSON.",
    }),
    retryDelays: key(is.list(is.duration(24), 1), {
      default: ["5m", "10m", "20m", "40m", "80m", "160m", "4h"],
      inSandbox: ["5s", "10s", "20s"],
      doc: "The pauses between attempts at one recipient, each varied by 20 %; the last one repeats.",
    }),
    giveUpAfter: key(is.duration(30), {
      default: "48h",
      inSandbox: "2m",
      doc: "How long after the first attempt a recipient is given up.",
    }),
    allowPrivateAddresses: key(is.flag, {
      default: false,
      inSandbox: true,
      doc: "Whether mail servers at private and loopback addresses are sent to; for tests and closed networks.",
    }),
    relay: {
      host: optional(is.host, {
        doc: "A smarthost to hand all mail to, instead of the recipients' mail servers.",
      }),
      port: key(is.port, { default: 587, doc: "The smarthost's port." }),
      username: optional(is.text, { doc: "The login at the smarthost." }),
      password: optional(is.secretText(), { isSecret: true, doc: "The password at the smarthost." }),
      tls: key(is.choice("mandatory", "implicit", "opportunistic", "off"), {
        default: "mandatory",
        doc: "STARTTLS always, TLS from the first byte (port 465), STARTTLS where offered, or none.",
      }),
    },
  },

  smtpInbound: {
    enabled: key(is.flag, { default: true, doc: "Whether mail for our domains is received." }),
    addr: key(is.listenAddress, {
      default: ":25",
      withoutRoot: ":2525",
      doc: "Where mail for our domains is received.",
    }),
    maxMessageBytes: key(is.size, { default: "25MB", doc: "The largest message taken by SMTP." }),
    maxConnections: key(is.count(1, 100_000), {
      default: 1_000,
      doc: "How many servers may be connected at once to hand in mail for our domains.",
    }),
    maxConnectionsPerAddress: key(is.count(1, 100_000), {
      default: 20,
      doc: "How many of them from one IPv4 address or one IPv6 /64.",
    }),
    messagesPerMinute: key(is.count(1, 100_000_000), {
      default: 600,
      doc: "Messages that one such address may hand in a minute; it is told to come back with more.",
    }),
  },

  smtpSubmission: {
    addr: key(is.listenAddress, {
      default: ":587",
      withoutRoot: ":2587",
      doc: "Where applications hand in mail by SMTP with STARTTLS.",
    }),
    tlsAddr: key(is.listenAddress, {
      default: ":465",
      withoutRoot: ":2465",
      doc: "Where applications hand in mail by SMTP with TLS from the first byte.",
    }),
  },

  dns: {
    servers: key(is.list(is.nameServer), {
      default: [],
      doc: "The name servers to ask; those of /etc/resolv.conf where there are none.",
    }),
  },

  dkim: {
    selector: key(is.selector, { default: "mailit", doc: "The selector of new domains' DKIM keys." }),
    masterKey: optional(is.masterKey, {
      isSecret: true,
      alias: "DKIM_MASTER_KEY",
      doc: "Seals DKIM keys and other stored secrets; without it secret.key in dataDir does, made at the first start.",
    }),
  },

  rateLimit: {
    enabled: key(is.flag, { default: true, doc: "Whether API requests and logins are limited at all." }),
    requestsPerSecond: key(is.count(1, 1_000_000), {
      default: 100,
      doc: "Requests an API key, or a person who is logged in, may make a second at one endpoint of one node.",
    }),
    loginsPerMinute: key(is.count(1, 1_000_000), {
      default: 10,
      doc: "Attempts to log in or register that one address may make a minute.",
    }),
  },

  webhooks: {
    timeout: key(is.duration(1), { default: "10s", doc: "How long an endpoint may take to answer." }),
    retryDelays: key(is.list(is.duration(24)), {
      default: ["30s", "2m", "10m", "30m", "2h"],
      inSandbox: ["1s", "5s", "10s"],
      doc: "The pauses before an endpoint is tried again; after the last one the event is given up for it.",
    }),
    allowPrivateAddresses: key(is.flag, {
      default: false,
      inSandbox: true,
      doc: "Whether endpoints at private and loopback addresses are called, and attachments fetched from there; for tests and closed networks.",
    }),
  },

  storage: {
    backend: key(is.choice("files", "s3"), {
      default: "files",
      doc: "Where attachments and received messages are kept: in dataDir or in an S3 bucket.",
    }),
    s3: {
      endpoint: optional(is.url("https", "http"), {
        doc: "The S3 server; Amazon's own where there is none.",
      }),
      bucket: optional(is.text, { doc: "The bucket." }),
      region: key(is.text, { default: "us-east-1", doc: "The bucket's region." }),
      accessKeyId: optional(is.text, { isSecret: true, doc: "The access key's id." }),
      secretAccessKey: optional(is.secretText(), { isSecret: true, doc: "The access key's secret." }),
    },
  },

  retention: {
    content: key(is.keeping, {
      default: "90d",
      doc: "How long bodies and attachments of emails are kept once nothing is left to be sent; some two hours at least.",
    }),
    inbound: key(is.keeping, { default: "forever", doc: "How long received messages are kept." }),
    events: key(is.keeping, {
      default: "365d",
      doc: "How long events are kept; emails and their last state stay.",
    }),
    webhooks: key(is.keeping, { default: "30d", doc: "How long the record of calls to endpoints is kept." }),
    links: key(is.keeping, {
      default: "730d",
      doc: "How long tracked links in sent emails lead on; after that whoever clicks is told that they are too old.",
    }),
    logs: key(is.keeping, { default: "30d", doc: "How long the log of API requests is kept." }),
  },

  metrics: {
    token: optional(is.secretText(16), {
      isSecret: true,
      doc: "The bearer token for /metrics; without it only this machine may read them, and no proxy on it.",
    }),
  },

  logging: {
    level: key(is.choice("trace", "debug", "info", "warn", "error", "silent"), {
      default: "info",
      doc: "The least important thing that is logged, on standard error.",
    }),
    format: key(is.choice("json", "pretty"), {
      default: "json",
      inSandbox: "pretty",
      doc: "One JSON object a line, or lines for people.",
    }),
  },
} satisfies Group;

/** The configuration as the program uses it: durations in milliseconds, sizes in bytes, paths absolute. */
export type Config = Resolved<typeof schema>;

/** What the default export of `mailit.config.ts` may hold: any of the keys, the others keep their defaults. */
export type MailItConfig = Written<typeof schema>;

/** A key with its names: `path` as in `smtpOutbound.hostname`, `env` as in `MAILIT_SMTP_OUTBOUND_HOSTNAME`. */
export interface NamedKey {
  path: string;
  env: string;
  key: Key;
}

/** Every key in the order of the schema. */
export const namedKeys: readonly NamedKey[] = flatten(schema, []);

function flatten(group: Group, parents: readonly string[]): NamedKey[] {
  return Object.entries(group).flatMap(([name, entry]) => {
    const names = [...parents, name];
    if (!(entry instanceof Key)) return flatten(entry, names);
    return { path: names.join("."), env: variableOf(names), key: entry };
  });
}

function variableOf(names: readonly string[]): string {
  return ["mailit", ...names].map((name) => name.replace(/([A-Z])/g, "_$1").toUpperCase()).join("_");
}
