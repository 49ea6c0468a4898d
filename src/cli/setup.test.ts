import { expect, test } from "bun:test";
import { type CommandLine, commandLine } from "../../test/support/command-line.ts";
import { keyCommand } from "./key.ts";
import { setupCommand } from "./setup.ts";
import { userCommand } from "./user.ts";

const flags = ["--email", "Ada@example.org", "--password", "correct horse", "--domain", "Demo.example.org"];
const prepare = () => commandLine(setupCommand, keyCommand, userCommand);

async function setUp({ call }: CommandLine, ...more: string[]) {
  const { code, stdout, stderr } = await call("setup", "--json", ...flags, ...more);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return JSON.parse(stdout);
}

test("setup makes an account, a team, a domain and a key, and says which records to publish", async () => {
  const line = await prepare();
  const answer = await setUp(line);
  expect(answer).toEqual({
    api_key: expect.stringMatching(/^re_[0-9a-f]{64}$/),
    user: { id: expect.any(String), email: "ada@example.org", name: "Ada" },
    team: { id: expect.any(String), name: "Default Team" },
    domain: { id: expect.any(String), name: "demo.example.org", records: expect.any(Array) },
  });
  expect(answer.domain.records).toEqual([
    { type: "MX", name: "send.demo.example.org", value: "mail.example.net", priority: 10 },
    { type: "TXT", name: "send.demo.example.org", value: expect.stringMatching(/^v=spf1 /) },
    {
      type: "TXT",
      name: "mailit._domainkey.demo.example.org",
      value: expect.stringMatching(/^v=DKIM1; k=rsa; p=/),
    },
    {
      type: "TXT",
      name: "mailit-ed25519._domainkey.demo.example.org",
      value: expect.stringMatching(/k=ed25519/),
    },
    { type: "TXT", name: "_dmarc.demo.example.org", value: expect.stringMatching(/^v=DMARC1;/) },
  ]);
});

test("setup again adds only what is missing, and shows no secret twice", async () => {
  const line = await prepare();
  const first = await setUp(line);
  expect(await setUp(line)).toEqual({ ...first, api_key: null });

  const text = await line.call("setup", ...flags);
  expect(text.stdout).toContain("The team has an API key already");
  expect(text.stdout).not.toContain(first.api_key);

  const [keyId] = /^[0-9a-f-]{36}/m.exec((await line.call("key", "list")).stdout)!;
  await line.call("key", "revoke", keyId);
  const again = await setUp(line);
  expect(again.api_key).toMatch(/^re_/);
  expect({ ...again, api_key: first.api_key }).toEqual(first);
});

test("setup goes on for nobody but the account's owner", async () => {
  const line = await prepare();
  await setUp(line);
  for (const [flag, value] of [
    ["--password", "wrong horse"],
    ["--email", "eve@example.org"],
  ] as const) {
    const { code, stdout, stderr } = await line.call("setup", "--json", ...flags, flag, value);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/^MailIt is already set up here, .*\n$/);
  }
  expect((await line.call("user", "list")).stdout.trim().split("\n")).toHaveLength(2);
});

test.each([
  ["a missing address", ["--password", "correct horse", "--domain", "example.org"], /^Give --email: .*\n$/],
  [
    "a missing password",
    ["--email", "a@example.org", "--domain", "example.org"],
    /^Give --password-stdin .*\n$/,
  ],
  ["a missing domain", ["--email", "a@example.org", "--password", "correct horse"], /^Give --domain: .*\n$/],
  ["a short password", [...flags, "--password", "short"], /^Invalid `password` field\..*\n$/],
  ["a domain that is none", [...flags, "--domain", "https://example.org"], /^Invalid `name` field\..*\n$/],
])("setup with %s says so in one sentence and makes nothing", async (_, args, sentence) => {
  const { call } = await prepare();
  const { code, stdout, stderr } = await call("setup", "--json", ...args);
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr).toMatch(sentence);
  expect((await call("user", "list")).stdout.trim().split("\n")).toHaveLength(1);
});
