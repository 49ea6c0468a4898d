import { expect, test } from "bun:test";
import { domainRecords, registeredDomainOf } from "./domain-records.ts";

const input = {
  domain: "example.com",
  returnPathLabel: "send",
  hostname: "mail.mailit.test",
  dkim: [
    { selector: "s1", algorithm: "rsa", publicKey: "MIIBIjAN", state: "active", retireAt: null },
    { selector: "s2", algorithm: "ed25519", publicKey: "11qYAYKx", state: "active", retireAt: null },
  ],
  receiving: false,
} satisfies Parameters<typeof domainRecords>[0];

test("a sending domain publishes its return path, its keys and a policy, and can receive", () => {
  expect(domainRecords(input)).toEqual([
    {
      purpose: "SPF",
      type: "MX",
      name: "send",
      host: "send.example.com",
      value: "mail.mailit.test",
      priority: 10,
      required: true,
    },
    {
      purpose: "SPF",
      type: "TXT",
      name: "send",
      host: "send.example.com",
      value: "v=spf1 a:mail.mailit.test ~all",
      required: true,
    },
    {
      purpose: "DKIM",
      type: "TXT",
      name: "s1._domainkey",
      host: "s1._domainkey.example.com",
      value: "v=DKIM1; k=rsa; p=MIIBIjAN",
      required: true,
    },
    {
      purpose: "DKIM",
      type: "TXT",
      name: "s2._domainkey",
      host: "s2._domainkey.example.com",
      value: "v=DKIM1; k=ed25519; p=11qYAYKx",
      required: true,
    },
    {
      purpose: "DMARC",
      type: "TXT",
      name: "_dmarc",
      host: "_dmarc.example.com",
      value: "v=DMARC1; p=none;",
      required: false,
    },
    {
      purpose: "Receiving",
      type: "MX",
      name: "@",
      host: "example.com",
      value: "mail.mailit.test",
      priority: 10,
      required: false,
    },
  ]);
});

test.each([
  ["example.com", "send", "@", "example.com"],
  ["sub.example.com", "send.sub", "sub", "example.com"],
  ["a.b.example.co.uk", "send.a.b", "a.b", "example.co.uk"],
  ["me.github.io", "send", "@", "me.github.io"],
  ["Bücher.Example.", "send", "@", "xn--bcher-kva.example"],
  ["news.mailit.test", "send.news", "news", "mailit.test"],
  ["co.uk", "send", "@", "co.uk"],
])("the names of %s are relative to the registered domain", (domain, returnPath, receiving, registered) => {
  const records = domainRecords({ ...input, domain });
  expect(records[0]?.name).toBe(returnPath);
  expect(records.at(-1)?.name).toBe(receiving);
  for (const record of records) expect(registeredDomainOf(record)).toBe(registered);
});

test("the receiving record is required once the domain receives", () => {
  expect(domainRecords({ ...input, receiving: true }).at(-1)).toMatchObject({
    purpose: "Receiving",
    required: true,
  });
});
