import { expect, test } from "bun:test";
import { receivingDomain } from "../../test/support/inbound-scene.ts";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { testDomain } from "../../test/support/test-domain.ts";
import { atomically } from "../app.ts";
import { newId } from "../ids.ts";
import { readingInbound } from "../inbound/read.ts";
import { getReceivedEmails } from "../inbound/received.ts";
import { createRoute } from "../inbound/routes.ts";
import { startDispatcher } from "../jobs/dispatcher.ts";
import { injectMail } from "./inject.ts";
import { clearSandbox, getSandboxInbox } from "./read.ts";
import { insertSandboxMessage } from "./store.ts";

const app = await testApp({ sandbox: true });
const { teamId } = await testTeam(app);
const { id: domainId } = await receivingDomain(app, teamId, "example.com");
await testDomain(app, teamId, "sends.test");
const other = await testTeam(app, "Another team");
await createRoute(app, teamId, domainId, { match: "address", value: "ads", action: "drop" });

const mail = { from: "Ada <ada@sender.test>", to: "bob@example.com", subject: "Grüße", text: "Hello" };
const received = () => getReceivedEmails(app, teamId, "email", { limit: 10 });

test("a message from nowhere is received as one from port 25 is", async () => {
  const dispatcher = await startDispatcher(app, [readingInbound], { node: "test" });
  expect(await injectMail(app, teamId, mail)).toEqual({ isDropped: false });
  expect(await injectMail(app, teamId, { ...mail, to: "ads@example.com" })).toEqual({ isDropped: true });
  expect(await injectMail(app, teamId, { ...mail, subject: "", text: undefined })).toEqual({
    isDropped: false,
  });
  await dispatcher.drained();
  await dispatcher.stop();
  expect(await received()).toMatchObject([
    { subject: "", receivedFor: ["bob@example.com"] },
    { sender: "Ada <ada@sender.test>", subject: "Grüße", mailFrom: "ada@sender.test" },
  ]);
});

test("one that nobody here would get is refused, and says at which field", async () => {
  const refused = (changes: object) => expect(injectMail(app, teamId, { ...mail, ...changes })).rejects;
  await refused({ from: "nobody" }).toThrow("`from`");
  await refused({ to: "nobody" }).toThrow("`to`");
  await refused({ to: "a@elsewhere.test" }).toThrow("`to` field. elsewhere.test is none of this team's");
  await refused({ to: "a@sends.test" }).toThrow("`to` field. The sender would be told: 550 5.7.1");
  await refused({ subject: "a\nb" }).toThrow("`subject`");
});

test("the inbox shows heads, decoded, and is cleared for one team alone", async () => {
  const raw = Buffer.from("Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nFrom: Ada <ada@example.com>\r\n\r\nbody");
  const row = {
    emailId: newId(),
    deliveryId: newId(),
    mailFrom: "b@example.com",
    rcptTo: "bob@recipient.test",
  };
  const about = { ...row, isEncrypted: true, raw, createdAt: app.now() };
  await atomically(app, [
    insertSandboxMessage(app.db, { ...about, id: newId(), teamId }),
    insertSandboxMessage(app.db, { ...about, id: newId(), teamId: other.teamId }),
  ]);
  const inbox = (team: string) => getSandboxInbox(app, team, { limit: 10 });
  expect(await inbox(teamId)).toMatchObject([
    { subject: "Grüße", from: '"Ada" <ada@example.com>', rcptTo: "bob@recipient.test", size: raw.length },
  ]);
  expect(await clearSandbox(app, teamId)).toBe(1);
  expect(await inbox(teamId)).toEqual([]);
  expect(await inbox(other.teamId)).toHaveLength(1);
});
