import { expect, test } from "bun:test";
import { simpleParser } from "mailparser";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { testDomain } from "../../test/support/test-domain.ts";
import { listMembers } from "../accounts/members.ts";
import { logIn } from "../accounts/service.ts";
import { atomically } from "../app.ts";
import { listAudit } from "../audit/service.ts";
import { rawWrite } from "../db/write.ts";
import { getMessage } from "../delivery/composed.ts";
import { getEmail } from "../emails/read.ts";
import { resendEmail } from "../emails/resend.ts";
import { findSharedEmail, shareEmail } from "../emails/share.ts";
import { findEmail, listDeliveries } from "../emails/store.ts";
import { Refusal } from "../errors.ts";
import { newId } from "../ids.ts";
import type { Role } from "../roles.ts";
import { getSandboxMessage } from "../sandbox/read.ts";
import type { SandboxMessage } from "../sandbox/schema.ts";
import { insertSandboxMessage } from "../sandbox/store.ts";
import { addSuppression } from "../suppressions/add.ts";
import {
  findInvitation,
  type Inviting,
  invite,
  inviteAgain,
  joinAs,
  joinByPassword,
  listInvitations,
  takeBack,
} from "./service.ts";

const address = "192.0.2.1";

const app = await testApp();
const grace = { email: "Grace@example.org", role: "developer", invitedBy: "ada@example.com" };
const person = { name: "Grace", password: "correct horse", address: "192.0.2.1" };
const as = (role: Role, work: () => Promise<unknown>) => app.acting.run({ role }, work);

const refusalOf = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => (error instanceof Refusal ? `${error.code}: ${error.message}` : error),
  );

async function invitedTo(teamId: string, who = grace): Promise<string> {
  const { handing } = await invite(app, teamId, who);
  if (handing.kind !== "link") throw new Error("it was mailed");
  return tokenIn(handing.link);
}

const tokenIn = (text: string) => /\/admin\/invitation\?token=([\w-]{43})/.exec(text)![1]!;

test("without a domain to send from the link is given to whoever invites, and lets its person in once", async () => {
  const { teamId } = await testTeam(app);
  const { handing } = await invite(app, teamId, grace);
  expect(handing).toMatchObject({ kind: "link", why: "no_domain" });
  const token = tokenIn((handing as { link: string }).link);
  const found = (await findInvitation(app, token))!;
  expect(found).toMatchObject({
    invitation: { email: "grace@example.org", role: "developer" },
    hasAccount: false,
  });

  const user = await joinByPassword(app, found, person);
  expect(await listMembers(app, teamId, { limit: 10 })).toContainEqual(
    expect.objectContaining({ id: user.id, email: "grace@example.org", role: "developer" }),
  );
  expect((await logIn(app, { address, email: grace.email, password: person.password })).team.id).toBe(teamId);
  expect(await findInvitation(app, token)).toBeUndefined();
  expect(await refusalOf(joinAs(app, found, user, "192.0.2.1"))).toStartWith("not_found");
  expect((await listAudit(app, teamId, { limit: 1 }))[0]).toMatchObject({
    act: "Joined the team as developer",
    email: "grace@example.org",
    address: "192.0.2.1",
  });
});

test("from a verified domain it is mailed, in the same batch; only its recipient reads the link", async () => {
  const { teamId } = await testTeam(app, 'Engines "&" <Co>');
  await testDomain(app, teamId, "engines.example", { clickTracking: true, openTracking: true });
  const { handing, invitation } = await invite(app, teamId, { ...grace, email: "g1@example.org" });
  if (handing.kind !== "mailed") throw new Error("it was not mailed");
  const stored = (await findEmail(app.db, teamId, handing.emailId))!;
  expect(stored).toMatchObject({
    sender: '"Engines \\"&\\" <Co>" <invitations@engines.example>',
    recipients: ["g1@example.org"],
    replyTo: ["ada@example.com"],
    tracking: null,
    lastEvent: "queued",
  });
  expect(stored.html).toContain("Engines &quot;&amp;&quot; &lt;Co&gt;");
  const token = tokenIn(stored.text!);
  expect(tokenIn(stored.html!)).toBe(token);
  expect((await findInvitation(app, token))?.invitation.id).toBe(invitation.id);

  const shared = await shareEmail(app, teamId, handing.emailId);
  const shown = [
    await getEmail(app, teamId, handing.emailId),
    (await findSharedEmail(app, new URL(shared.url).searchParams.get("token")!))!.email,
  ];
  for (const { html, text } of shown) {
    expect(`${html}${text}`).not.toContain(token);
    expect(text).toContain("/admin/invitation?token=[hidden]");
  }

  const [delivery] = await listDeliveries(app.db, teamId, handing.emailId);
  const message = await simpleParser(
    Buffer.from(await getMessage(app, teamId, handing.emailId, delivery!.id)),
  );
  expect(`${message.html}${message.text}`).not.toContain(token);
  expect(message.text).toContain("/admin/invitation?token=[hidden]");
  // Sent as any other email it would be tracked, and the link told with each click.
  expect(await refusalOf(resendEmail(app, { teamId }, handing.emailId))).toStartWith(
    "validation_error: This email is an invitation",
  );
});

test("what the sandbox took of an invitation is read by who may invite", async () => {
  const app = await testApp({ sandbox: true });
  const { teamId } = await testTeam(app);
  await testDomain(app, teamId, "sand.example");
  const { handing } = await invite(app, teamId, grace);
  if (handing.kind !== "mailed") throw new Error("it was not mailed");
  const row: SandboxMessage = {
    ...{ id: newId(), teamId, emailId: handing.emailId, deliveryId: newId(), isEncrypted: true },
    ...{ mailFrom: "bounce@sand.example", rcptTo: "grace@example.org", createdAt: app.now() },
    raw: Buffer.from("Subject: You are invited\r\n\r\nthe link\r\n"),
  };
  await atomically(app, [insertSandboxMessage(app.db, row)]);
  const readAs = (role: Role) => app.acting.run({ role }, () => getSandboxMessage(app, teamId, row.id));
  for (const role of ["viewer", "developer"] as const) {
    expect(await refusalOf(readAs(role))).toStartWith("not_permitted");
  }
  expect((await readAs("admin")).parsed.text).toContain("the link");
  expect((await getSandboxMessage(app, teamId, row.id)).id).toBe(row.id); // a key with full access
});

test("a link whose mail has come back leads nowhere, until it is sent again", async () => {
  const { teamId } = await testTeam(app);
  await testDomain(app, teamId, "boats.example");
  const tokenOf = async ({ handing }: Inviting) => {
    if (handing.kind !== "mailed") throw new Error("it was not mailed");
    return {
      emailId: handing.emailId,
      token: tokenIn((await findEmail(app.db, teamId, handing.emailId))!.text!),
    };
  };
  const first = await invite(app, teamId, { ...grace, email: "g2@example.org" });
  const { emailId, token } = await tokenOf(first);
  expect(await listInvitations(app, teamId)).toMatchObject([{ emailId, hasComeBack: false }]);
  expect(await findInvitation(app, token)).toBeDefined();

  await atomically(app, [rawWrite("update deliveries set state = 'bounced' where email_id = ?", [emailId])]);
  expect(await findInvitation(app, token)).toBeUndefined();
  expect(await listInvitations(app, teamId)).toMatchObject([{ hasComeBack: true }]);

  const again = await tokenOf(await inviteAgain(app, teamId, first.invitation.id));
  expect(await findInvitation(app, again.token)).toBeDefined();
  expect(await listInvitations(app, teamId)).toMatchObject([{ emailId: again.emailId, hasComeBack: false }]);
});

test("an invitation is not mailed to where everybody in a team would read it", async () => {
  const { teamId } = await testTeam(app);
  await testDomain(app, teamId, "inbox.example", { receiving: true, receivingVerifiedAt: app.now() });
  const { handing } = await invite(app, teamId, { ...grace, email: "grace@inbox.example" });
  expect(handing).toMatchObject({ kind: "link", why: "received_here" });
  expect(await findInvitation(app, tokenIn((handing as { link: string }).link))).toBeDefined();
});

test("an address that is suppressed gets no mail, and its link is given to whoever invites", async () => {
  const { teamId } = await testTeam(app);
  await testDomain(app, teamId, "wheels.example");
  await addSuppression(app, teamId, "gone@example.org", {});
  expect((await invite(app, teamId, { ...grace, email: "gone@example.org" })).handing).toMatchObject({
    kind: "link",
    why: "suppressed",
  });
});

test("a link ends after a week, and makes way for a new one", async () => {
  const app = await testApp();
  const { teamId } = await testTeam(app);
  const { handing } = await invite(app, teamId, grace);
  const token = tokenIn((handing as { link: string }).link);
  app.clock.advance(7 * 86_400_000 - 1);
  expect(await findInvitation(app, token)).toBeDefined();
  app.clock.advance(1);
  expect(await findInvitation(app, token)).toBeUndefined();
  expect(await listInvitations(app, teamId)).toEqual([]);
  await invite(app, teamId, grace);
  expect(await listInvitations(app, teamId)).toHaveLength(1);
});

test("sent again it has a new link, and the old one leads nowhere; taken back, none does", async () => {
  const { teamId } = await testTeam(app);
  const first = await invitedTo(teamId, { ...grace, email: "again@example.org" });
  const { id } = (await listInvitations(app, teamId))[0]!;
  const { handing } = await inviteAgain(app, teamId, id);
  const second = tokenIn((handing as { link: string }).link);
  expect(await findInvitation(app, first)).toBeUndefined();
  expect(await findInvitation(app, second)).toBeDefined();
  await takeBack(app, teamId, id);
  expect(await findInvitation(app, second)).toBeUndefined();
  expect(await refusalOf(takeBack(app, teamId, id))).toStartWith("not_found");
  expect(await refusalOf(inviteAgain(app, teamId, id))).toStartWith("not_found");
});

test("somebody who has an account joins with it, and nobody else does", async () => {
  const { teamId } = await testTeam(app);
  const other = await testTeam(app);
  const token = await invitedTo(teamId, { ...grace, email: other.email });
  const found = (await findInvitation(app, token))!;
  expect(found.hasAccount).toBe(true);
  const eve = await testTeam(app);
  expect(await refusalOf(joinAs(app, found, { id: eve.userId, email: eve.email }, ""))).toStartWith(
    "not_permitted",
  );
  expect(await refusalOf(joinByPassword(app, found, person))).toStartWith("invalid_credentials");
  // Their account was made meanwhile.
  const before = { ...found, hasAccount: false };
  expect(await refusalOf(joinByPassword(app, before, person))).toStartWith("already_exists");
  await joinAs(app, found, { id: other.userId, email: other.email }, "");
  expect((await listMembers(app, teamId, { limit: 10 })).map(({ id }) => id)).toContain(other.userId);
});

test("who may not look after people invites nobody, and nobody is invited as an owner", async () => {
  const { teamId } = await testTeam(app);
  await invitedTo(teamId, { ...grace, email: "kept@example.org" });
  const { id } = (await listInvitations(app, teamId))[0]!;
  for (const role of ["viewer", "developer"] as const) {
    for (const attempt of [
      () => invite(app, teamId, grace),
      () => inviteAgain(app, teamId, id),
      () => takeBack(app, teamId, id),
    ]) {
      expect(await refusalOf(as(role, attempt))).toStartWith(
        `not_permitted: Your role in this team is ${role}`,
      );
    }
  }
  expect(await refusalOf(as("owner", () => invite(app, teamId, { ...grace, role: "owner" })))).toStartWith(
    "validation_error: Invalid `role` field.",
  );
  expect(await listInvitations(app, teamId)).toHaveLength(1);
});

test("who is in the team, is invited already, or has no address is not invited", async () => {
  const { teamId, email } = await testTeam(app);
  await invitedTo(teamId, { ...grace, email: "twice@example.org" });
  for (const [address, code] of [
    [email.toUpperCase(), "already_exists"],
    ["Twice@example.org", "already_exists"],
    ["nobody", "validation_error"],
    ["Eve <eve@example.org>", "validation_error"],
    ["eve@example.org\r\nBcc: x@example.org", "validation_error"],
  ] as const) {
    expect(await refusalOf(invite(app, teamId, { ...grace, email: address }))).toStartWith(
      `${code}: Invalid \`email\``,
    );
  }
});

test("another team's invitations are not there", async () => {
  const { teamId } = await testTeam(app);
  const other = await testTeam(app);
  await invitedTo(teamId, { ...grace, email: "theirs@example.org" });
  const { id } = (await listInvitations(app, teamId))[0]!;
  expect(await listInvitations(app, other.teamId)).toEqual([]);
  expect(await refusalOf(takeBack(app, other.teamId, id))).toStartWith("not_found");
  expect(await refusalOf(inviteAgain(app, other.teamId, id))).toStartWith("not_found");
});
