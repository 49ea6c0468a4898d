import { beforeAll, expect, test } from "bun:test";
import { createPrivateKey } from "node:crypto";
import fc from "fast-check";
import { findDkimpy } from "../../test/support/dkimpy.ts";
import { composeMessage, type MessageSource } from "./compose.ts";
import { type DkimKey, signMessage } from "./dkim.ts";
import { makeDkimKeyPairs } from "./dkim-keys.ts";
import { verifyMessage } from "./dkim-verify.ts";

const at = new Date("2026-01-02T03:04:05Z");
const records: Record<string, string> = {};
const txt = async (name: string) => (records[name] === undefined ? [] : [records[name]]);
let keys: DkimKey[];

beforeAll(async () => {
  const pairs = await makeDkimKeyPairs();
  const key = (algorithm: "rsa" | "ed25519"): DkimKey => {
    records[`${algorithm}1._domainkey.example.com`] =
      `v=DKIM1; k=${algorithm}; p=${pairs[algorithm].publicKey}`;
    return {
      domain: "example.com",
      selector: `${algorithm}1`,
      algorithm,
      privateKey: pairs[algorithm].privateKey,
    };
  };
  keys = [key("rsa"), key("ed25519")];
});

const source = (change: Partial<MessageSource> = {}): MessageSource => ({
  messageId: "<1@example.com>",
  date: at,
  from: "Ada <ada@example.com>",
  to: ["bob@example.net"],
  cc: [],
  replyTo: [],
  subject: "Hello",
  text: "Hi\n",
  headers: {},
  attachments: [],
  ...change,
});
const png = {
  filename: "a.png",
  contentType: "image/png",
  content: new Uint8Array(3000).map((_, i) => i * 7),
};
const shapes: Record<string, Partial<MessageSource>> = {
  "plain text": {},
  "an empty body": { text: "" },
  "a body of empty lines": { text: "\n \n\t\n\n" },
  "lines that begin with a dot": { text: ".\n..\n.x\n" },
  "text without a last line end, with spaces at line ends": { text: "a  \t\n  b \t c  " },
  "a Unicode subject, names and text": {
    subject: "Grüße 🎉 из Москвы",
    from: "Ádá <ada@example.com>",
    text: "日本語\n",
  },
  "an address that needs SMTPUTF8": { to: ["Ürsel <ürsel@bücher.example>"] },
  "lines of 5,000 characters": { text: "word ".repeat(1000), html: `<p>${"x".repeat(5000)}</p>` },
  "html with an inline image and an attachment": {
    html: '<img src="cid:logo">',
    text: undefined,
    attachments: [
      { ...png, contentId: "logo" },
      { ...png, filename: "ürsprung.png" },
    ],
  },
  "fields that unsubscribe": {
    replyTo: ["r@example.com"],
    cc: ["c@example.org", "d@example.org"],
    headers: {
      "List-Unsubscribe": `<https://example.com/u/${"t".repeat(300)}>, <mailto:u@example.com>`,
      "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
      "Feedback-ID": `${"0".repeat(32)}-${"1".repeat(24)}:${"k".repeat(36)}:example.com:${"t".repeat(36)}:mailit`,
    },
  },
};

const passes = [
  { domain: "example.com", selector: "rsa1", algorithm: "rsa-sha256", result: "pass" },
  { domain: "example.com", selector: "ed255191", algorithm: "ed25519-sha256", result: "pass" },
];

for (const [shape, change] of Object.entries(shapes)) {
  test(`both signatures verify for ${shape}`, async () => {
    const message = await composeMessage(source(change));
    const signed = await signMessage(message, keys, at);
    expect(await verifyMessage(signed, txt)).toEqual(passes);
    expect(Buffer.from(signed).subarray(-message.byteLength).equals(message)).toBe(true);
  });
}

// Declared only where there is another implementation to ask; the check says so where there is none.
const dkimpy = findDkimpy();
if (dkimpy) {
  test("an implementation that is not ours finds both signatures good for every shape, and a changed body bad", async () => {
    const signed = await Promise.all(
      Object.values(shapes).map(async (change) =>
        signMessage(await composeMessage(source(change)), keys, at),
      ),
    );
    const tampered = Buffer.from(signed[0]!);
    tampered[tampered.length - 3]! ^= 1;
    const verdicts = await dkimpy([...signed, tampered], records);
    expect(verdicts.slice(0, -1)).toEqual(signed.map(() => [true, true]));
    for (const verdict of verdicts.at(-1)!) expect(verdict).not.toBe(true);
  }, 30_000);
}

test("a signature verifies whatever the white space of header and body", async () => {
  const piece = fc.constantFrom(" ", "\t", "\r\n", "a", ".", "é", "\r\n\r\n", "  \r\n", "=", "\0");
  await fc.assert(
    fc.asyncProperty(
      fc.array(piece, { maxLength: 40 }),
      fc.array(piece, { maxLength: 12 }),
      async (body, value) => {
        const subject = value.join("").replace(/\r\n/g, "\r\n ");
        const text = `Subject:${subject}x\r\nFROM:  a@example.com \r\nTo: b@example.net\r\n\r\n${body.join("")}`;
        const signed = await signMessage(Buffer.from(text), keys.slice(1), at);
        expect(await verifyMessage(signed, txt)).toEqual(passes.slice(1));
      },
    ),
    { seed: 1, numRuns: 150 },
  );
});

test("both signatures verify for a body that is hashed in many pieces", async () => {
  const text = `${"word  \t and\tword \n\n".repeat(15_000)}${"x".repeat(998)}\n${" \n".repeat(2_000)}`;
  const attachments = [{ content: new Uint8Array(1_000_000) }];
  for (const change of [{ text }, { text, attachments }, { text: "", attachments }]) {
    const signed = await signMessage(await composeMessage(source(change)), keys, at);
    expect(await verifyMessage(signed, txt)).toEqual(passes);
  }
  // A composed message has its long lines encoded, so these white spaces are put where pieces end by hand.
  for (const length of [2 ** 18 - 2, 2 ** 18 - 1, 2 ** 18, 2 ** 18 + 1]) {
    const body = `${"a".repeat(length)} \t\r\n \r\n${"b ".repeat(2 ** 17)} \t \r\n\r\n`;
    const message = Buffer.from(`From: a@example.com\r\nSubject: x\r\n\r\n${body}`);
    expect(await verifyMessage(await signMessage(message, keys.slice(1), at), txt)).toEqual(passes.slice(1));
  }
});

const tampered: Record<string, (message: string) => string> = {
  "a second From": (message) => `From: eve@example.org\r\n${message}`,
  "a second Subject": (message) => message.replace("\r\n\r\n", "\r\nSubject: pay me\r\n\r\n"),
  "an added Cc": (message) => `Cc: eve@example.org\r\n${message}`,
  "an added Reply-To": (message) => `Reply-To: eve@example.org\r\n${message}`,
  "another unsubscribe link": (message) => `List-Unsubscribe: <https://example.org/>\r\n${message}`,
  "another subject": (message) => message.replace("Subject: Hello", "Subject: Hullo"),
  "text behind the body": (message) => `${message}more\r\n`,
};
for (const [what, change] of Object.entries(tampered)) {
  test(`${what} breaks both signatures`, async () => {
    const headers = { "List-Unsubscribe": "<https://example.com/>" };
    const signed = await signMessage(await composeMessage(source({ headers })), keys, at);
    const verdicts = await verifyMessage(Buffer.from(change(Buffer.from(signed).toString())), txt);
    expect(verdicts.map(({ result }) => result)).toEqual(["fail", "fail"]);
  });
}

test("the message of RFC 8463 appendix A verifies, by Ed25519 and by RSA", async () => {
  const message = await Bun.file(new URL("../../test/fixtures/rfc8463.eml", import.meta.url)).bytes();
  const published: Record<string, string> = {
    "brisbane._domainkey.football.example.com":
      "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
    "test._domainkey.football.example.com":
      "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB",
  };
  const verdicts = await verifyMessage(message, async (name) => [published[name]!]);
  expect(verdicts.map(({ algorithm, result }) => `${algorithm} ${result}`)).toEqual([
    "ed25519-sha256 pass",
    "rsa-sha256 pass",
  ]);
});

test("a signature made with the key of RFC 8463 verifies by the record of RFC 8463", async () => {
  const seed = Buffer.from("nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=", "base64");
  const der = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), seed]);
  const privateKey = createPrivateKey({ key: der, format: "der", type: "pkcs8" })
    .export({ format: "pem", type: "pkcs8" })
    .toString();
  const key: DkimKey = {
    domain: "football.example.com",
    selector: "brisbane",
    algorithm: "ed25519",
    privateKey,
  };
  const signed = await signMessage(await composeMessage(source()), [key], at);
  const record = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
  expect(await verifyMessage(signed, async () => [record])).toMatchObject([{ result: "pass" }]);
});

test("a signature says when a key is missing or DNS is out of reach", async () => {
  const signed = await signMessage(await composeMessage(source()), keys.slice(1), at);
  expect(await verifyMessage(signed, async () => [])).toMatchObject([{ result: "neutral" }]);
  const outOfReach = async () => Promise.reject(Object.assign(new Error("timed out"), { code: "ETIMEOUT" }));
  expect(await verifyMessage(signed, outOfReach)).toMatchObject([{ result: "temperror" }]);
});

test("an unsigned message has no verdicts", async () => {
  expect(await verifyMessage(await composeMessage(source()), txt)).toEqual([]);
});

test("the same message, keys and time give the same bytes", async () => {
  const message = await composeMessage(source());
  expect(await signMessage(message, keys, at)).toEqual(await signMessage(message, keys, at));
});

test("signing throws rather than letting a message go unsigned", async () => {
  const message = Buffer.from("From: a@example.com\r\n\r\nx\r\n");
  const [rsa, ed25519] = keys as [DkimKey, DkimKey];
  await expect(signMessage(message, [], at)).rejects.toThrow("No DKIM key");
  await expect(signMessage(message, [{ ...rsa, privateKey: "nonsense" }], at)).rejects.toThrow();
  await expect(signMessage(message, [{ ...rsa, privateKey: ed25519.privateKey }], at)).rejects.toThrow(
    "not an rsa key",
  );
  await expect(signMessage(message, [{ ...rsa, domain: "example.com; l=0" }], at)).rejects.toThrow(
    "Not a DKIM selector",
  );
  await expect(signMessage(message, [{ ...rsa, selector: "a\r\nX: y" }], at)).rejects.toThrow(
    "Not a DKIM selector",
  );
  await expect(signMessage(message, [rsa], new Date(Number.NaN))).rejects.toThrow("Not a time");
  await expect(signMessage(Buffer.from("To: a@example.com\r\n\r\nx\r\n"), keys, at)).rejects.toThrow(
    "without From",
  );
  await expect(signMessage(Buffer.from("From: a@example.com\n\nx\n"), keys, at)).rejects.toThrow(
    "bare CR or LF",
  );
  await expect(signMessage(Buffer.from("From: a@example.com\r\nno colon\r\n\r\n"), keys, at)).rejects.toThrow(
    "malformed",
  );
});

test("the header a signature adds has short lines", async () => {
  const message = await composeMessage(source(shapes["fields that unsubscribe"]));
  const front = (await signMessage(message, keys, at)).subarray(0, -message.byteLength);
  for (const line of Buffer.from(front).toString().split("\r\n")) expect(line.length).toBeLessThanOrEqual(78);
});
