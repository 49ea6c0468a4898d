import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import fc from "fast-check";
import records from "../../test/fixtures/inbound/signed-records.json" with { type: "json" };
import { type Ask, authenticateMessage } from "./authenticate.ts";

const fixtures = join(import.meta.dir, "../../test/fixtures/inbound");
const read = async (name: string) => Bun.file(join(fixtures, name)).bytes();
const absent = () => Object.assign(new Error("no such name"), { code: "ENOTFOUND" });

// Keys and records of the fixtures, which an implementation that is not ours signed (python3-dkim).
const texts = new Map(Object.entries(records));
const ask: Ask = async (name, type) => {
  const text = type === "TXT" ? texts.get(name) : undefined;
  if (text === undefined) throw absent();
  return [[text]];
};
const author = {
  ip: "192.0.2.10",
  helo: "mail.author.example",
  mailFrom: "author@author.example",
  host: "mx.inbound.example",
};

test.each(["signed-relaxed.eml", "signed-simple.eml"])("%s passes SPF, DKIM and DMARC", async (name) => {
  const { verdicts, header } = await authenticateMessage(await read(name), author, ask);
  expect(verdicts).toMatchObject({
    spf: { result: "pass", domain: "author.example" },
    dkim: [{ result: "pass", domain: "author.example", selector: "sel", isAligned: true }],
    dmarc: { result: "pass", domain: "author.example", policy: "reject" },
    arc: { result: "none" },
  });
  expect(header).toStartWith("Authentication-Results: mx.inbound.example;");
  expect(
    header
      .replaceAll(/\r\n[ \t]/g, " ")
      .split("\r\n")
      .filter(Boolean),
  ).toHaveLength(2);
});

test("a changed body fails its signature, and DMARC fails with it when SPF does not hold", async () => {
  const stranger = { ...author, ip: "198.51.100.7" };
  const { verdicts } = await authenticateMessage(await read("signed-tampered.eml"), stranger, ask);
  expect(verdicts).toMatchObject({
    spf: { result: "fail" },
    dkim: [{ result: "fail", domain: "author.example" }],
    dmarc: { result: "fail", policy: "reject" },
  });
});

test("a seal that another host put on is checked", async () => {
  const { verdicts } = await authenticateMessage(await read("sealed.eml"), author, ask);
  expect(verdicts.arc.result).toBe("pass");
  expect(verdicts.dkim).toMatchObject([{ result: "pass" }]);
});

test("a DNS that doesn't answer is no verdict on the message", async () => {
  const mute: Ask = async () => {
    throw Object.assign(new Error("timed out"), { code: "ETIMEOUT" });
  };
  const { verdicts } = await authenticateMessage(await read("signed-relaxed.eml"), author, mute);
  expect(verdicts).toMatchObject({
    spf: { result: "temperror" },
    dkim: [{ result: "temperror" }],
    dmarc: { result: "temperror" },
  });
});

test("a head of very many lines is not checked, which would take minutes, and says so", async () => {
  const asked: string[] = [];
  const noting: Ask = async (name) => {
    asked.push(name);
    return [];
  };
  const raw = new TextEncoder().encode("X: y\r\n".repeat(50_000));
  const { verdicts } = await authenticateMessage(raw, author, noting);
  expect(verdicts.dmarc).toEqual({
    result: "temperror",
    reason: "the head of the message has too many lines",
  });
  expect(asked).toEqual([]);
});

describe("signatures are checked", () => {
  const signed = (count: number, more: (n: number) => string) => {
    const field = (_: unknown, n: number) =>
      `DKIM-Signature: v=1; a=rsa-sha256; d=a.test; s=s; h=from;${more(n)}\r\n\tbh=AAAA; b=AAAA\r\n`;
    return Buffer.from(`${Array.from({ length: count }, field).join("")}From: a@a.test\r\n\r\nhi\r\n`);
  };

  test("as many as any honest message has", async () => {
    const { verdicts } = await authenticateMessage(
      signed(20, () => ""),
      author,
      ask,
    );
    expect(verdicts.dkim).toHaveLength(20);
    const partial = await authenticateMessage(
      signed(2, (n) => ` l=${n};`),
      author,
      ask,
    );
    expect(partial.verdicts.dkim).toHaveLength(2);
  });

  test.each([
    ["hundreds of them", signed(21, () => "")],
    ["many that each cover another part of the body", signed(3, (n) => ` l=${n};`)],
    ["many whose part stands on a line of its own", signed(3, (n) => `\r\n\tl = ${n};`)],
  ])("but not %s, which would take minutes", async (_what, message) => {
    const { verdicts } = await authenticateMessage(message, author, ask);
    const reason = "the head of the message has too many signatures";
    expect(verdicts).toMatchObject({ dkim: [], dmarc: { result: "temperror", reason } });
  });
});

test("a bounce has no sender, so its SPF is that of the host's own name", async () => {
  const { verdicts } = await authenticateMessage(
    await read("signed-relaxed.eml"),
    { ...author, mailFrom: "", helo: "author.example" },
    ask,
  );
  expect(verdicts.spf).toMatchObject({ result: "pass" });
});

test("no bytes and no envelope make it throw", async () => {
  const text = fc.string({ unit: "binary", maxLength: 60 });
  const field = fc.constantFrom(
    "DKIM-Signature: v=1; a=rsa-sha256; d=;",
    "ARC-Seal: i=0",
    "From: a@b, c@d",
    "From:",
    "",
  );
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(field, text)), text, text, async (lines, helo, mailFrom) => {
      const raw = new TextEncoder().encode(lines.join("\r\n"));
      const { verdicts, header } = await authenticateMessage(raw, { ...author, helo, mailFrom }, ask);
      expect(typeof verdicts.spf.result).toBe("string");
      expect(header).toEndWith("\r\n");
    }),
    { numRuns: 200 },
  );
});
