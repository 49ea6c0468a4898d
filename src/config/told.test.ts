import { expect, test } from "bun:test";
import { testApp } from "../../test/support/test-app.ts";
import { namedKeys } from "./schema.ts";
import { smtpAccess, toldSettings } from "./told.ts";

test("settings are told in the units of the configuration, and no secret is among them", async () => {
  const { config } = await testApp({ config: { smtpOutbound: { retryDelays: [300_000, 90_000] } } });
  const told = toldSettings(config);
  expect(told.find(({ path }) => path === "smtpOutbound.retryDelays")).toMatchObject({
    ...{ env: "MAILIT_SMTP_OUTBOUND_RETRY_DELAYS", value: "5m, 90s" },
  });
  const secrets = namedKeys.filter(({ key }) => key.isSecret).map(({ path }) => path);
  expect(told.filter(({ path }) => secrets.includes(path))).toEqual([]);
});

test("a port that the system chooses is not told; the sandbox's host is the one its pages are reached by", async () => {
  const { config } = await testApp({
    config: {
      server: { publicUrl: "http://localhost:8080" },
      smtpSubmission: { addr: "127.0.0.1:0", tlsAddr: ":465" },
      smtpOutbound: { hostname: "mail.example.com" },
    },
  });
  const ports = { startTls: undefined, tls: 465, isSelfSigned: true };
  expect(smtpAccess(config, false)).toEqual({ host: "mail.example.com", ...ports });
  expect(smtpAccess(config, true)).toEqual({ host: "localhost", ...ports });
});
