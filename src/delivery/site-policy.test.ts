import { describe, expect, test } from "bun:test";
import { loadConfig } from "../config/load.ts";
import type { WrittenSite } from "../config/sites.ts";
import { defaultLimits, presets } from "./presets.ts";
import { providerOf, sitePolicy } from "./site-policy.ts";

const configWith = (sites: WrittenSite[]) =>
  loadConfig({
    env: { MAILIT_SMTP_OUTBOUND_SITES: JSON.stringify(sites) },
    cwd: import.meta.dir,
    sandbox: true,
    isRoot: false,
  });
const plain = await configWith([]);

const gmailHosts = ["aspmx.l.google.com", "alt1.aspmx.l.google.com"];

test.each([
  ["gmail", "gmail-smtp-in.l.google.com"],
  ["yahoo", "mta5.am0.yahoodns.net"],
  ["yahoo-japan", "mx1.mail.yahoo.co.jp"],
  ["microsoft", "outlook-com.olc.protection.outlook.com"],
  ["microsoft365", "example-com.mail.protection.outlook.com"],
  ["microsoft365", "example-com.o-v1.mx.microsoft"],
  ["apple", "mx01.mail.icloud.com"],
  ["gmx", "mx-ha02.web.de"],
  ["orange", "smtp-in.orange.fr"],
  ["comcast", "mx1h1.comcast.net"],
  ["yahoo", "mx-comcast.mail.am0.yahoodns.net"],
  ["qq", "mxbiz1.qq.com"],
  ["netease", "163mx01.mxmail.netease.com"],
  ["proofpoint", "mxa-00112233.gslb.pphosted.com"],
  ["default", "mx.example.com"],
  ["default", "google.com.example.com"],
  ["default", "notgoogle.com"],
])("%s has the host %s", (provider, host) => {
  expect(sitePolicy(plain, { hosts: [host], domain: "example.com" }).provider).toBe(provider);
  expect(providerOf(host.toUpperCase()) ?? "default").toBe(provider);
});

test("who has no preset has the default's limits", () => {
  expect(sitePolicy(plain, { hosts: ["mx.example.com"], domain: "example.com" })).toEqual({
    provider: "default",
    ...defaultLimits,
  });
});

test("a preset is found by any of the hosts, and not by the domain", () => {
  const among = sitePolicy(plain, { hosts: ["mx.example.com", ...gmailHosts], domain: "example.com" });
  expect(among.provider).toBe("gmail");
  const filtered = sitePolicy(plain, { hosts: ["mx.example.com"], domain: "www.google.com" });
  expect(filtered.provider).toBe("default");
});

describe("the configuration", () => {
  test("wins over the preset field by field", async () => {
    const config = await configWith([{ match: "*.google.com", connections: 40, rate: "5/1s", idle: "1m" }]);
    const preset = sitePolicy(plain, { hosts: gmailHosts, domain: "example.com" });
    expect(sitePolicy(config, { hosts: gmailHosts, domain: "example.com" })).toEqual({
      ...preset,
      connections: 40,
      rate: { messages: 5, perMs: 1_000 },
      idleMs: 60_000,
    });
  });

  test("names a recipient's domain as well as a host", async () => {
    const config = await configWith([{ match: "Example.com", tls: "mandatory" }]);
    const hosts = ["mx.elsewhere.net"];
    expect(sitePolicy(config, { hosts, domain: "example.com" }).tls).toBe("mandatory");
    expect(sitePolicy(config, { hosts, domain: "sub.example.com" }).tls).toBeUndefined();
  });

  test("counts by its first match", async () => {
    const config = await configWith([
      { match: "example.com", connections: 1 },
      { match: "*", connections: 2 },
    ]);
    expect(sitePolicy(config, { hosts: ["mx.a.net"], domain: "example.com" }).connections).toBe(1);
    expect(sitePolicy(config, { hosts: ["mx.a.net"], domain: "example.org" }).connections).toBe(2);
  });
});

test("every preset has a name of its own, patterns in lower case and modest limits", () => {
  expect(new Set(presets.map(({ name }) => name)).size).toBe(presets.length);
  for (const { name, mx, connections = 1, messagesPerConnection = 1, rate } of presets) {
    expect(name).toMatch(/^[a-z0-9-]+$/);
    for (const pattern of mx) expect(pattern).toMatch(/^\*(\.[a-z0-9-]+)+$/);
    expect(connections).toBeWithin(1, 26);
    expect(messagesPerConnection).toBeWithin(1, 1_001);
    expect((rate?.messages ?? 1) / (rate?.perMs ?? 1)).toBeLessThanOrEqual(1);
  }
});
