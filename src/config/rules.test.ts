import { expect, test } from "bun:test";
import { tmpdir } from "node:os";
import { ConfigFault } from "../errors.ts";
import { loadConfig } from "./load.ts";

const load = (env: Record<string, string>) =>
  loadConfig({
    env: { MAILIT_DOMAIN: "mail.example.com", ...env },
    cwd: tmpdir(),
    sandbox: false,
    isRoot: true,
  });

const relay = (tls: string, host = "smtp.example.com") => ({
  MAILIT_SMTP_OUTBOUND_RELAY_HOST: host,
  MAILIT_SMTP_OUTBOUND_RELAY_USERNAME: "ada",
  MAILIT_SMTP_OUTBOUND_RELAY_PASSWORD: "pw",
  MAILIT_SMTP_OUTBOUND_RELAY_TLS: tls,
});

const files = { MAILIT_TLS_MODE: "files", MAILIT_TLS_CERT_FILE: "c.pem", MAILIT_TLS_KEY_FILE: "k.pem" };

test.each([
  [
    { MAILIT_TLS_MODE: "files", MAILIT_TLS_KEY_FILE: "k.pem" },
    "tls.certFile is not set; tls.mode is files, so it must be.",
  ],
  [
    { MAILIT_TLS_MODE: "files", MAILIT_TLS_CERT_FILE: "c.pem" },
    "tls.keyFile is not set; tls.mode is files, so it must be.",
  ],
  [
    { MAILIT_TLS_MODE: "acme", MAILIT_DOMAIN: "laptop" },
    'smtpOutbound.hostname is "laptop"; tls.mode is acme, so it must be a public name such as mail.example.com.',
  ],
  [{ MAILIT_DATABASE_AUTH_TOKEN: "t" }, "database.url is not set; database.authToken is set, so it must be."],
  [
    { MAILIT_SMTP_OUTBOUND_RELAY_USERNAME: "ada", MAILIT_SMTP_OUTBOUND_RELAY_HOST: "smtp.example.com" },
    "smtpOutbound.relay.password is not set; smtpOutbound.relay has a login, so it must be.",
  ],
  [
    relay("off"),
    'smtpOutbound.relay.tls is "off"; smtpOutbound.relay.password is set, so it must be mandatory or implicit.',
  ],
  [
    { MAILIT_SMTP_SUBMISSION_ADDR: ":8080" },
    'smtpSubmission.addr is ":8080" and server.httpAddr is ":8080"; each must be an address of its own.',
  ],
])("%p is a mistake", async (env, sentence) => {
  await expect(load(env)).rejects.toThrow(new ConfigFault(sentence));
});

test.each([
  [files],
  [{ MAILIT_TLS_MODE: "acme" }],
  [
    {
      MAILIT_TLS_MODE: "acme",
      MAILIT_DOMAIN: "laptop",
      MAILIT_TLS_ACME_DIRECTORY: "https://ca.internal/acme",
    },
  ],
  [relay("mandatory")],
  [relay("implicit")],
  [relay("off", "127.0.0.1")],
  [{ MAILIT_SMTP_OUTBOUND_RELAY_HOST: "smtp.example.com", MAILIT_SMTP_OUTBOUND_RELAY_TLS: "off" }],
  [{ MAILIT_SMTP_INBOUND_ENABLED: "false", MAILIT_SMTP_SUBMISSION_ADDR: ":25" }],
  [{ MAILIT_SERVER_HTTP_ADDR: ":0", MAILIT_SMTP_INBOUND_ADDR: ":0", MAILIT_SMTP_SUBMISSION_ADDR: ":0" }],
])("%p is none", async (env) => {
  expect(await load(env)).toBeDefined();
});

test("a bad value is one mistake, not also that something is missing", async () => {
  const env = { ...files, MAILIT_TLS_CERT_FILE: "a\nb" };
  await expect(load(env)).rejects.toThrow(
    new ConfigFault('MAILIT_TLS_CERT_FILE is "a\\nb"; it must be a path.'),
  );
});
