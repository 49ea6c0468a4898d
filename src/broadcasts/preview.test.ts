import { expect, test } from "bun:test";
import { testContact, testSegment } from "../../test/support/audience-rows.ts";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { testDomain } from "../../test/support/test-domain.ts";
import { createProperty } from "../contacts/properties.ts";
import { getEmail } from "../emails/read.ts";
import { createBroadcast } from "./change.ts";
import { hasLeavingLink, type PreviewFor, previewBroadcast, testBroadcast } from "./preview.ts";
import { getBroadcast, getBroadcasts } from "./read.ts";
import { sendBroadcast } from "./send.ts";

async function scene() {
  const app = await testApp();
  const { teamId } = await testTeam(app);
  await testDomain(app, teamId);
  await createProperty(app, teamId, { key: "plan", type: "string", fallbackValue: "free" });
  const ada = await testContact(app, teamId, "ada@recipient.test", { firstName: "Ada" });
  const bob = await testContact(app, teamId, "bob@recipient.test", { properties: { plan: "pro" } });
  const segment = await testSegment(app, teamId, [ada, bob]);
  const { id } = await createBroadcast(app, teamId, {
    ...{ name: "News", segmentId: segment.id, from: "News <news@example.com>" },
    ...{ subject: "For {{{contact.first_name|you}}}", previewText: "In short" },
    html: "<p>{{{contact.plan}}}</p>",
  });
  const preview = (whose: PreviewFor = {}, edit = {}) => previewBroadcast(app, teamId, id, edit, whose);
  return { app, teamId, id, segment, preview };
}

test("a contact's copy has what is known of them, and fallbacks for what is not", async () => {
  const { preview } = await scene();
  expect(await preview({ contact: "ada@recipient.test" })).toMatchObject({
    ...{ subject: "For Ada", html: expect.stringContaining("<p>free</p>"), hasLeavingLink: false },
    text: expect.stringContaining("free"),
  });
  const { html, subject } = await preview({ contact: "BOB@recipient.test" });
  expect(subject).toBe("For you");
  expect(html).toContain("<p>pro</p>");
  expect(html).toContain("In short");
});

test("without a name it is the newest contact's; the next and the previous are asked for, and the ends stay", async () => {
  const { preview } = await scene();
  const whose = async (wish: PreviewFor) => (await preview(wish)).contact?.email;
  const [ada, bob] = ["ada@recipient.test", "bob@recipient.test"];
  expect(await whose({})).toBe(bob);
  expect(await whose({ contact: bob, step: "next" })).toBe(ada);
  expect(await whose({ contact: ada, step: "next" })).toBe(ada);
  expect(await whose({ contact: ada, step: "previous" })).toBe(bob);
  await expect(preview({ contact: "nobody@recipient.test" })).rejects.toThrow("Contact not found");
});

test("an edit that is not saved is shown in place of what is, and nothing is changed by it", async () => {
  const { app, teamId, id, preview } = await scene();
  const made = await preview(
    {},
    { html: "<a href='{{{RESEND_UNSUBSCRIBE_URL}}}'>Leave</a>", subject: "New" },
  );
  expect(made).toMatchObject({ subject: "New", hasLeavingLink: true });
  expect(made.html).toContain("/unsubscribe'>Leave</a>");
  expect(await getBroadcast(app, teamId, id)).toMatchObject({ html: "<p>{{{contact.plan}}}</p>" });
});

test("each body must lead out, because a reader sees one of them", () => {
  const link = "{{{UNSUBSCRIBE_URL}}}";
  expect(hasLeavingLink({ html: link, text: null })).toBeTrue();
  expect(hasLeavingLink({ html: link, text: "none" })).toBeFalse();
  expect(hasLeavingLink({ html: null, text: null })).toBeFalse();
});

test("a test is one email with a contact's copy, and the broadcast stays a draft", async () => {
  const { app, teamId, id } = await scene();
  const wish = { to: ["me@elsewhere.test"], contact: "ada@recipient.test" };
  const email = await getEmail(app, teamId, (await testBroadcast(app, { teamId }, id, wish)).id);
  expect(email).toMatchObject({ subject: "For Ada", recipients: ["me@elsewhere.test"], broadcastId: null });
  expect(await getBroadcast(app, teamId, id)).toMatchObject({ status: "draft", recipients: 0 });
});

test("broadcasts are listed by their statuses", async () => {
  const { app, teamId, id, segment } = await scene();
  const fields = { segmentId: segment.id, from: "news@example.com", subject: "Second", text: "Text" };
  const second = await createBroadcast(app, teamId, fields);
  await sendBroadcast(app, { teamId }, second.id);
  const list = async (statuses?: ("draft" | "queued")[]) =>
    (await getBroadcasts(app, teamId, { limit: 10 }, { statuses })).map((each) => each.id);
  expect(await list()).toEqual([second.id, id]);
  expect(await list(["draft"])).toEqual([id]);
  expect(await list(["queued"])).toEqual([second.id]);
});
