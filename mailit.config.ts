// The configuration of MailIt. Every key is here with its default; take away the // in front of what you change.
//
// MailIt reads the file that --config or MAILIT_CONFIG names, else mailit.config.ts in the folder it starts in. It needs
// no file: everything has a default. The environment overrides the file (smtpOutbound.hostname is
// MAILIT_SMTP_OUTBOUND_HOSTNAME there; lists are comma-separated), and --data overrides dataDir.
//
// Durations are "500ms", "30s", "5m", "2h" or "1d", and a plain number is seconds. Sizes are "500KB", "25MB" (decimal) or
// "40MiB" (binary), and a plain number is bytes. Relative paths start from the folder MailIt starts in.
//
// The next line is for your editor only: it is gone when the file runs. In a copy of this file elsewhere, delete it, and
// `satisfies MailItConfig` at the end with it; MailIt checks every key and value itself.
import type { MailItConfig } from "./src/config/schema.ts";

export default {
  // The folder of the database, stored files and the secret key.
  // dataDir: "./data",

  server: {
    // Where the API and the admin listen. ":8080" is every address of the machine; port 0 lets the system choose.
    // httpAddr: ":8080",
    // The address at which others reach this server, put into tracking, unsubscribe and admin links. By default
    // http://localhost and the port above; with TLS https:// and smtpOutbound.hostname.
    // publicUrl: "https://mail.example.com",
    // Proxies whose X-Forwarded-For is believed, such as "10.0.0.0/8"; from anyone else it is ignored.
    // trustedProxies: [],
    // Web pages that may call the API from a browser, such as "https://app.example.com", or "*" for any.
    // corsOrigins: [],
    // The largest request taken; base64 makes a 40 MB message about 54 MB.
    // maxBodyBytes: "60MB",
    // The largest file of contacts taken to be imported; it is stored until that is done.
    // maxImportBytes: "1GB",
  },

  tls: {
    // Where the certificate for HTTPS and SMTP comes from: "off", "files" (the two below) or "acme" (Let's Encrypt).
    // mode: "off",
    // certFile: "/etc/mailit/fullchain.pem",
    // keyFile: "/etc/mailit/privkey.pem",
    // Where the ACME authority may write to about the certificate, and its directory.
    // acmeEmail: "postmaster@example.com",
    // acmeDirectory: "https://acme-v02.api.letsencrypt.org/directory",
  },

  database: {
    // A libSQL server (sqld, Turso) to use instead of the embedded database in dataDir, and its token.
    // url: "libsql://mailit.example.com",
    // authToken: process.env.DATABASE_TOKEN,
  },

  auth: {
    // Signs the tokens of /auth/login, 32 characters or more; by default a key derived from the master key does.
    // jwtSecret: process.env.JWT_SECRET,
    // How long such a token is valid.
    // jwtTtl: "24h",
    // Who may register an account: "first-user", "open" (anybody) or "closed" (nobody).
    // registration: "first-user",
  },

  smtpOutbound: {
    // This server's name in EHLO and DNS; its address should lead back to it (PTR). By default the machine's name.
    // hostname: "mail.example.com",

    // The port of recipients' mail servers; other than 25 only in tests.
    // port: 25,

    // Whether mail is encrypted on its way: "opportunistic" (where the other side can), "mandatory" or "off".
    // tls: "opportunistic",

    // The addresses of this machine to send from; the system chooses where there are none. One that should have a name of
    // its own in EHLO is written "192.0.2.1=mail1.example.com".
    // localAddresses: [],

    // How mail servers are sent to where the built-in limits don't fit. Each is an object such as
    // { match: "*.google.com", connections: 20, messagesPerConnection: 50, idle: "15s", rate: "1200/1m", tls: "mandatory" };
    // match is about the names of the mail servers and about the recipient's domain, the first match counts, and what it
    // does not say stays as it is built in.
    // sites: [],

    // The pauses between attempts at one recipient, each varied by 20 %; the last one repeats until giveUpAfter.
    // retryDelays: ["5m", "10m", "20m", "40m", "80m", "160m", "4h"],
    // giveUpAfter: "48h",

    // Whether mail servers at private and loopback addresses are sent to; for tests and closed networks.
    // allowPrivateAddresses: false,

    // A smarthost to hand all mail to, instead of the recipients' mail servers. tls is "mandatory" (STARTTLS always),
    // "implicit" (TLS from the first byte, port 465), "opportunistic" (STARTTLS where offered) or "off".
    relay: {
      // host: "smtp.example.com",
      // port: 587,
      // username: process.env.RELAY_USERNAME,
      // password: process.env.RELAY_PASSWORD,
      // tls: "mandatory",
    },
  },

  // Where SMTP listens. Without root, and in the sandbox, the default ports are 2525, 2587 and 2465.
  smtpInbound: {
    // Whether mail for our domains is received, where, and how large it may be.
    // enabled: true,
    // addr: ":25",
    // maxMessageBytes: "25MB",
    // How many servers may be connected at once, how many from one address, and what one address may hand in a minute.
    // maxConnections: 1_000,
    // maxConnectionsPerAddress: 20,
    // messagesPerMinute: 600,
  },

  smtpSubmission: {
    // Where applications hand in mail: with STARTTLS, and with TLS from the first byte.
    // addr: ":587",
    // tlsAddr: ":465",
  },

  dns: {
    // The name servers to ask, such as "9.9.9.9:53"; those of /etc/resolv.conf where there are none.
    // servers: [],
  },

  dkim: {
    // The selector of new domains' DKIM keys.
    // selector: "mailit",
    // Seals DKIM keys and other stored secrets: 64 hexadecimal characters (openssl rand -hex 32). By default secret.key
    // in dataDir does, made at the first start.
    // masterKey: process.env.MASTER_KEY,
  },

  rateLimit: {
    // Whether API requests and logins are limited at all.
    // enabled: true,
    // Requests an API key, or a person who is logged in, may make a second at one endpoint of one node.
    // requestsPerSecond: 100,
    // Attempts to log in or register that one address may make a minute.
    // loginsPerMinute: 10,
  },

  webhooks: {
    // How long an endpoint may take to answer.
    // timeout: "10s",
    // The pauses before an endpoint is tried again; after the last one the event is given up for it.
    // retryDelays: ["30s", "2m", "10m", "30m", "2h"],
    // Whether endpoints at private and loopback addresses are called, and attachments fetched from there; for tests and closed networks.
    // allowPrivateAddresses: false,
  },

  storage: {
    // Where attachments and received messages are kept: "files" (in dataDir) or "s3".
    // backend: "files",

    // endpoint is for other servers than Amazon's own.
    s3: {
      // endpoint: "https://s3.example.com",
      // bucket: "mailit",
      // region: "us-east-1",
      // accessKeyId: process.env.S3_ACCESS_KEY_ID,
      // secretAccessKey: process.env.S3_SECRET_ACCESS_KEY,
    },
  },

  // How long things are kept, a duration or "forever".
  retention: {
    // Bodies and attachments of emails, once nothing is left to be sent.
    // content: "90d",
    // Received messages.
    // inbound: "forever",
    // Events; emails and their last state stay.
    // events: "365d",
    // The record of calls to webhook endpoints, and of API requests.
    // webhooks: "30d",
    // logs: "30d",
    // Where the tracked links in sent emails lead.
    // links: "730d",
  },

  metrics: {
    // The bearer token with which /metrics is read, 16 characters or more; without it only this machine may read it.
    // token: process.env.METRICS_TOKEN,
  },

  logging: {
    // The least important thing that is logged: "trace", "debug", "info", "warn", "error" or "silent" (nothing).
    // level: "info",
    // "json" (an object a line) or "pretty" (for people).
    // format: "json",
  },
} satisfies MailItConfig;
