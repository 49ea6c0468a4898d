import { expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { testDomain } from "../../test/support/test-domain.ts";
import { eachTransport } from "../../test/support/transports.ts";
import { atomically } from "../app.ts";
import type { Transport } from "../db/transport.ts";
import { Refusal } from "../errors.ts";
import { type Address, parseAddress } from "../mail/address.ts";
import { IncomingMessage } from "./incoming.ts";
import { getEmail, getEmails, getEmailWithText } from "./read.ts";
import { emails } from "./schema.ts";
import { findSource, listDeliveries } from "./store.ts";
import { submitEmail } from "./submit.ts";

const bob = [parseAddress("bob@recipient.test")!];
const text = (more = "", body = "Hello") =>
  `From: ada@example.com\nTo: bob@recipient.test\nSubject: Hi\n${more}\n${body}\n`;

async function scene(transport?: Transport) {
  const app = await testApp({ transport });
  const { teamId } = await testTeam(app);
  await testDomain(app, teamId);
  const submit = async (message: string, recipients: Address[] = bob) => {
    const incoming = new IncomingMessage(app.blobs);
    // as it comes over the wire: in pieces
    const bytes = Buffer.from(message.replaceAll("\n", "\r\n"), "latin1");
    for (let at = 0; at < bytes.length; at += 1_400) await incoming.write(bytes.subarray(at, at + 1_400));
    try {
      return await submitEmail(app, { teamId }, recipients, incoming);
    } finally {
      await incoming.discard();
    }
  };
  return { app, teamId, submit };
}

eachTransport((_name, open) => {
  test("a message is kept as it came, and goes when its email goes", async () => {
    const { app, submit } = await scene(await open());
    const message = text(
      "X-Mailit-Tag: a=b\nBcc: eve@recipient.test\n",
      "Gr\xfc\xdfe \0".replace("\0", "\x01"),
    );
    const { id } = await submit(message);
    const source = await findSource(app.db, id);
    expect(Buffer.from(source!.raw!).toString("latin1")).toBe(message.replaceAll("\n", "\r\n"));
    expect(source!.size).toBe(source!.raw!.length);
    await atomically(app, [app.db.delete(emails).where(eq(emails.id, id))]);
    expect(await findSource(app.db, id)).toBeUndefined();
  });

  test("the text of a message without one is not made: it was sent as it came", async () => {
    const { app, teamId, submit } = await scene(await open());
    const { id } = await submit(text("Content-Type: text/html\n", "<p>Hello</p>"));
    const { isTextMade, text: shown, html } = await getEmailWithText(app, teamId, id);
    expect([isTextMade, shown, html?.trim()]).toEqual([false, "", "<p>Hello</p>"]);
  });

  test("a large message is named by its blob", async () => {
    const { app, submit } = await scene(await open());
    const message = text("", "a line of forty characters, more or less\n".repeat(3_000));
    const { id } = await submit(message);
    const { raw, blobHash, size } = (await findSource(app.db, id))!;
    expect({ raw, size }).toEqual({ raw: null, size: message.replaceAll("\n", "\r\n").length });
    expect(Buffer.from((await app.blobs.get(blobHash!))!).toString()).toBe(message.replaceAll("\n", "\r\n"));
  });

  test("the same key with the same message is one email, whoever of two is first", async () => {
    const { app, teamId, submit } = await scene(await open());
    const message = text("Resend-Idempotency-Key: once\n");
    const first = await submit(message);
    expect(await submit(message)).toEqual(first);
    expect(await listDeliveries(app.db, teamId, first.id)).toHaveLength(1);
    const other = await submit(text("Resend-Idempotency-Key: once\n", "Other")).catch((error) => error);
    expect(other).toBeInstanceOf(Refusal);
    expect(other.code).toBe("invalid_idempotent_request");
  });
});

test("the same with a key, twice at once, is one email: the other gets its id or is told to come again", async () => {
  const { app, teamId, submit } = await scene();
  const message = text("Resend-Idempotency-Key: once\n");
  const outcomes = await Promise.allSettled([submit(message), submit(message), submit(message)]);
  const ids = outcomes.flatMap((each) => (each.status === "fulfilled" ? each.value.id : []));
  const [only, ...others] = await getEmails(app, teamId, { limit: 10 });
  expect(others).toEqual([]);
  expect(new Set(ids)).toEqual(new Set([only!.id]));
  for (const each of outcomes) {
    if (each.status === "rejected") expect(each.reason.code).toBe("concurrent_idempotent_requests");
  }
});

test("two spellings of one mailbox are one delivery, shown as the header has it", async () => {
  const { app, teamId, submit } = await scene();
  const twice = ["BOB@recipient.test", "bob@recipient.test"].map((address) => parseAddress(address)!);
  const { id } = await submit(text(), twice);
  expect((await listDeliveries(app.db, teamId, id)).map(({ recipient }) => recipient)).toEqual([
    "BOB@recipient.test",
  ]);
  expect(await getEmail(app, teamId, id)).toMatchObject({ recipients: ["bob@recipient.test"], bcc: [] });
});

test("the name of a sender is read out of encoded words, and a message without an id gets one", async () => {
  const { app, teamId, submit } = await scene();
  const message = text()
    .replace("From: ada@", "From: =?utf-8?q?J=C3=BCrgen?= <ada@")
    .replace(".com\n", ".com>\n");
  const { id } = await submit(message);
  expect(await getEmail(app, teamId, id)).toMatchObject({
    sender: "Jürgen <ada@example.com>",
    messageId: `<${id}@example.com>`,
  });
});
