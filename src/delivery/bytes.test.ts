// What arrives is what was composed, byte for byte.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { simpleParser } from "mailparser";
import { deliveryScene } from "../../test/support/delivery-scene.ts";
import { verifyMessage } from "../mail/dkim-verify.ts";

test("random bytes in attachments come out unchanged", async () => {
  const here = await deliveryScene();
  const file = fc.uint8Array({ maxLength: 4_000 });
  await fc.assert(
    fc.asyncProperty(fc.array(file, { minLength: 1, maxLength: 3 }), async (contents) => {
      here.host.received.length = 0;
      await here.send({
        attachments: contents.map((content, n) => ({
          filename: `${n}.bin`,
          content: new Uint8Array(content),
        })),
      });
      const { attachments } = await simpleParser(Buffer.from(here.host.received[0]!.message));
      expect(attachments.map(({ content }) => new Uint8Array(content))).toEqual(
        contents.map((content) => new Uint8Array(content)),
      );
    }),
    { numRuns: 25 },
  );
});

describe("text", () => {
  test.each([
    ["lines that begin with dots", ".\r\n..\r\n.x\r\n\r\n.\r\n"],
    ["a line of 998 octets", `${"x".repeat(998)}\r\n`],
    ["a line of 5,000 octets", "y".repeat(5_000)],
    ["bare line feeds and carriage returns", "one\ntwo\rthree\r\nfour"],
    ["what ends a message elsewhere", "before\n.\nafter\r.\rend"],
  ])("with %s arrives whole, and its signatures are good", async (_name, text) => {
    const here = await deliveryScene();
    await here.send({ html: undefined, text });
    const [received] = here.host.received;
    expect(here.host.received).toHaveLength(1);
    const parsed = await simpleParser(Buffer.from(received!.message));
    const lines = (value: string) =>
      value
        .split(/\r\n|\r|\n/)
        .join("\n")
        .trimEnd();
    expect(lines(parsed.text ?? "")).toBe(lines(text));
    const keys: Record<string, string> = {
      "mailit._domainkey.example.com": `v=DKIM1; k=rsa; p=${here.domainKeys.rsa.publicKey}`,
      "mailit-ed25519._domainkey.example.com": `v=DKIM1; k=ed25519; p=${here.domainKeys.ed25519.publicKey}`,
    };
    const verdicts = await verifyMessage(received!.message, async (name) => [keys[name]!]);
    expect(verdicts.map(({ result }) => result)).toEqual(["pass", "pass"]);
  });
});
