import { expect, onTestFinished, setDefaultTimeout, test } from "bun:test";
import { readHead } from "../../src/mail/fields.ts";
import { startHttpsHost } from "../support/https-host.ts";
import type { ReceivedMessage } from "../support/mx-host.ts";
import { handIn, inboundOf } from "./hand-in.ts";
import { startInternet } from "./internet.ts";
import { startMailit } from "./mailit.ts";
import { apiOf, firstEmail, folderOfTest, lastEventOf, setUp, storyMs, until, verify } from "./story.ts";

setDefaultTimeout(storyMs);

const fixtures = new URL("../fixtures/inbound/", import.meta.url);
const fixture = (name: string) => Bun.file(new URL(name, fixtures)).text();
const lines = (text: string) => text.replace(/\r?\n/g, "\r\n");

/** A server on the internet, with a domain that may send and an endpoint that hears of what comes back. */
async function startStory() {
  const internet = await startInternet("example.com", { tls: "works" });
  const receiver = await startHttpsHost({ isPlain: true });
  onTestFinished(() => receiver[Symbol.asyncDispose]());
  receiver.answer((_request, response) => void response.end());
  const env = { ...internet.env, MAILIT_WEBHOOKS_ALLOW_PRIVATE_ADDRESSES: "true" };
  const folder = await folderOfTest();
  const { api_key, domain } = await setUp(folder, env);
  internet.publish(domain.records);
  const mailit = await startMailit({ folder, args: ["serve"], env });
  onTestFinished(() => mailit[Symbol.asyncDispose]());
  const api = apiOf(mailit, api_key);
  await verify(api, domain.id);
  const endpoint = `http://127.0.0.1:${receiver.port}/`;
  await api.post("/webhooks", {
    endpoint,
    events: ["email.bounced", "email.complained", "suppression.added"],
  });
  const inbound = await inboundOf(mailit);

  return {
    ...{ api, inbound },
    /** Sends one email and waits until the far side has taken it. */
    async send(to: string) {
      const { body } = await api.post("/emails", { ...firstEmail, to });
      await lastEventOf(api, body.id, "delivered");
      const taken = internet.mx.received.find((message) => message.to.includes(to));
      return { id: body.id as string, taken: taken! };
    },
    /** Hands a report in as another mail server does: from nobody. */
    report: (to: string, raw: string) => handIn(inbound, { envelope: { from: "", to }, raw: lines(raw) }),
    told: (type: string) =>
      until(`the endpoint is told of ${type}`, async () =>
        receiver.requests.map(({ body }) => JSON.parse(body)).find((call) => call.type === type),
      ),
    everythingTold: () => receiver.requests.map(({ body }) => JSON.parse(body).type as string),
    /** Waits until the newest of a list of received mail is this one. */
    received: (id: string, kind: "email" | "report") =>
      until(`${id} has been read as ${kind}`, async () => {
        const { body } = await api.get(`/emails/receiving?kind=${kind}`);
        return body.data.find((row: { id: string }) => row.id === id);
      }),
  };
}

const idOf = (reply: string) => /^250 2\.0\.0 Taken as (\S+)$/.exec(reply)![1]!;
const feedbackIdOf = ({ message }: ReceivedMessage) =>
  readHead(Buffer.from(message).toString("latin1")).get("feedback-id")!;

test("a domain takes an email and returns a DSN later: it bounced, the address is suppressed, the endpoint is told", async () => {
  const { api, send, report, told, received } = await startStory();
  const { id, taken } = await send("ada@example.com");
  expect((await api.get("/suppressions")).body.data).toEqual([]);

  const dsn = (await fixture("dsn-failed.eml")).replaceAll("ada@example.net", "ada@example.com");
  const reply = await report(taken.from, dsn.replace("RETURN-PATH", taken.from));
  await received(idOf(reply), "report");

  await lastEventOf(api, id, "bounced");
  const { data: call } = await told("email.bounced");
  expect(call).toMatchObject({
    ...{ email_id: id, to: ["ada@example.com"], code: 550 },
    bounce: { type: "Permanent", message: expect.stringContaining("User unknown in virtual mailbox table") },
  });
  expect((await told("suppression.added")).data).toMatchObject({ email: "ada@example.com" });
  const { body } = await api.get("/suppressions");
  expect(body.data).toMatchObject([{ email: "ada@example.com" }]);
  const again = await api.post("/emails", { ...firstEmail, to: "ada@example.com" });
  await lastEventOf(api, again.body.id, "suppressed");
});

test("a complaint at fbl@ that quotes what we sent stops the mail to who complained", async () => {
  const { api, send, report, told } = await startStory();
  const { id, taken } = await send("ada@example.com");
  const arf = (await fixture("arf-abuse.eml"))
    .replace("Feedback-ID: 1:2:3:mailit", `Feedback-ID: ${feedbackIdOf(taken)}`)
    .replace("<RETURN-PATH>", "<hidden@example.com>");
  await report("fbl@example.net", arf);
  await lastEventOf(api, id, "complained");
  expect((await told("email.complained")).data).toMatchObject({ email_id: id, to: ["ada@example.com"] });
  expect((await api.get("/suppressions")).body.data).toMatchObject([{ email: "ada@example.com" }]);
});

test("what proves nothing changes nothing, and can be read: a forged token, a quote, a machine's answer, a challenge", async () => {
  const { api, send, report, received, everythingTold } = await startStory();
  const { id, taken } = await send("ada@example.com");
  const dsn = (await fixture("dsn-failed.eml")).replaceAll("ada@example.net", "ada@example.com");
  const forged = taken.from.replace(/.@/, (end) => (end === "0@" ? "1@" : "0@"));
  await expect(report(forged, dsn)).rejects.toMatchObject({ responseCode: 550 });
  for (const name of ["bounce-quoted.eml", "auto-reply.eml", "challenge.eml"])
    await received(idOf(await report(taken.from, await fixture(name))), "email");
  await received(idOf(await report("postmaster@example.net", dsn)), "email");
  await lastEventOf(api, id, "delivered");
  expect((await api.get("/suppressions")).body.data).toEqual([]);
  expect(everythingTold()).toEqual([]);
});
