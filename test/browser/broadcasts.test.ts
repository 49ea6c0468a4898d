import { expect, test } from "bun:test";
import { type Page, scene, see } from "./browser.ts";
import { until } from "./sending.ts";

const { open, elsewhere, api, mailit } = await scene();
const hostile = '<script>alert(1)</script><img src=x onerror="alert(2)">';

/** Rows the stories are about; made when the first of them needs them, so that the empty pages come before. */
async function audience() {
  const domain = await api("POST", "/domains", { name: "example.com", click_tracking: true });
  await api("POST", `/domains/${domain.id}/verify`);
  await until(async () => (await api("GET", `/domains/${domain.id}`)).status === "verified");
  const segment = await api("POST", "/segments", { name: hostile });
  const segments = [{ id: segment.id }];
  const person = (email: string, more = {}) => api("POST", "/contacts", { email, segments, ...more });
  await person("bounced@recipient.test");
  await person("suppressed@recipient.test");
  await person("delivered+left@recipient.test", { unsubscribed: true });
  await person("delivered+bob@recipient.test", { first_name: "Bob" });
  await person("delivered+ada@recipient.test", { first_name: hostile });
  return segment.id as string;
}

const editor = (page: Page) => page.locator("#html-editor .cm-content");
const preview = (page: Page) => page.frameLocator(".preview iframe:not(.coming)");
const draft = (segmentId: string, more = {}) =>
  api("POST", "/broadcasts", {
    ...{
      name: "News",
      segment_id: segmentId,
      from: "News <news@example.com>",
      subject: "For {{{contact.first_name|you}}}",
    },
    html: '<p>Hi {{{contact.first_name|there}}}</p><a href="{{{RESEND_UNSUBSCRIBE_URL}}}">Leave</a>',
    ...more,
  });

let segmentId = "";
/** One that was sent by a story. */
let sentId = "";

test("with nobody to write to, the way there is shown", async () => {
  const page = await open("/admin/broadcasts");
  await page.getByText("No broadcast yet").waitFor();
  await see(page, "broadcasts-empty");
  await page.getByRole("link", { name: "Write the first one" }).click();
  await page.getByText("There is nobody to write to yet").waitFor();
  await see(page, "broadcasts-nobody");
  segmentId = await audience();
});

test("a broadcast is begun with a template", async () => {
  const { id } = await api("POST", "/templates", {
    ...{
      name: "Monthly",
      html: "<p>Month of {{{MONTH}}}</p>",
      subject: "The month",
      from: "News <news@example.com>",
    },
    variables: [{ key: "MONTH", type: "string", fallback_value: "March" }],
  });
  await api("POST", `/templates/${id}/publish`);
  const page = await open("/admin/broadcasts/new");
  await page.getByLabel("Name").fill(hostile);
  await see(page, "broadcasts-new");
  await page.getByRole("button", { name: "Create and write it" }).click();
  await page.locator("#from-mistake, .stack > .mistake").first().waitFor();
  expect(await page.getByLabel("Name").inputValue()).toBe(hostile);
  await page.getByLabel("Begin with").selectOption("Monthly");
  await page.getByRole("button", { name: "Create and write it" }).click();
  await preview(page).getByText("Month of March").waitFor();
  await page.getByText("There is no unsubscribe link in it").waitFor();
  await page.locator(".reach").getByText("of 5 contacts").waitFor();
  await see(page, "broadcast-draft");
});

test("what each contact gets is looked at as it is written", async () => {
  const { id } = await draft(segmentId);
  const page = await open(`/admin/broadcasts/${id}`);
  const hi = (name: string) => preview(page).getByText(`Hi ${name}`).waitFor();
  await hi(hostile);
  await page.getByRole("button", { name: "Next" }).click();
  await hi("Bob");
  await page.locator("#preview-head").getByText("For Bob").waitFor();
  await page.getByRole("button", { name: "Previous" }).click();
  await hi(hostile);
  await page.getByLabel("As it is for").fill("bounced@recipient.test");
  await hi("there");
  await editor(page).click();
  await page.keyboard.press("ControlOrMeta+End");
  await page.keyboard.insertText("<p>More of it</p>");
  await preview(page).getByText("More of it").waitFor();
});

test("what is wrong in a draft is said beside its field; a test is one contact's copy", async () => {
  const { id } = await draft(segmentId);
  const page = await open(`/admin/broadcasts/${id}`);
  await editor(page).waitFor();
  await page.getByLabel("Messages a minute at most").fill("none");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.locator("#messages_per_minute-mistake").waitFor();
  await see(page, "broadcast-draft-mistake");
  await page.getByLabel("Messages a minute at most").fill("600");
  await page.getByLabel("As it is for").fill("delivered+bob@recipient.test");
  await page.getByLabel("To", { exact: true }).fill("delivered@recipient.test");
  await page.getByRole("button", { name: "Save and send a test" }).click();
  const link = page.getByRole("link", { name: "see what becomes of it" });
  const emailId = (await link.getAttribute("href"))!.split("/").at(-1)!;
  expect((await api("GET", `/emails/${emailId}`)).html).toContain("Hi Bob");
  expect(await api("GET", `/broadcasts/${id}`)).toMatchObject({ status: "draft", messages_per_minute: 600 });
});

test("whose domain can't send is told so while it is written and before it is sent", async () => {
  const domain = await api("POST", "/domains", { name: "waiting.example" });
  const { id } = await draft(segmentId);
  const page = await open(`/admin/broadcasts/${id}`);
  await editor(page).waitFor();
  await page.getByLabel("From").fill("News <news@waiting.example>");
  await page.locator("#preview-head").getByText("waiting.example, which is not verified").waitFor();
  await see(page, "broadcast-draft-not-sending");
  await page.getByRole("button", { name: "Save and go on to send" }).click();
  await page.waitForURL(/\/send$/);
  await page.getByText("waiting.example, which is not verified").waitFor();
  expect(await page.getByRole("button", { name: /^(Send|Schedule)/ }).count()).toBe(0);
  await see(page, "broadcast-send-not-sending");
  await page.getByRole("link", { name: "Verify it" }).click();
  await page.waitForURL(`**/admin/domains/${domain.id}`);
});

test("it is counted, sent, and followed until everybody is settled", async () => {
  const { id } = await draft(segmentId);
  const page = await open(`/admin/broadcasts/${id}`);
  await editor(page).waitFor();
  await page.getByRole("button", { name: "Save and go on to send" }).click();
  await page.getByRole("button", { name: "Send to 3 contacts" }).first().waitFor();
  await page.getByText("1 unsubscribed from everything, 1 with a suppressed address").waitFor();
  await see(page, "broadcast-send");
  await page.getByRole("button", { name: "Send to 3 contacts" }).first().click();
  await see(page, "broadcast-send-confirm");
  await page.getByRole("alertdialog").getByRole("button", { name: "Send to 3 contacts" }).click();
  await page.getByText("Sent: all 4 are settled.").waitFor();
  await page.locator("#broadcast-state").getByText("sent").waitFor();
  await see(page, "broadcast-results");

  sentId = id;
});

test("its recipients are listed by what became of them, with its links and what each of them got", async () => {
  const page = await open(`/admin/broadcasts/${sentId}`);
  await page.getByRole("link", { name: "Recipients" }).click();
  await page.getByRole("cell", { name: "bounced@recipient.test" }).waitFor();
  await see(page, "broadcast-recipients");
  await page.getByLabel("Who").selectOption("bounced");
  await page.getByText("permanent bounce: 550 5.1.1").waitFor();
  await page.getByRole("cell", { name: "delivered+bob@recipient.test" }).waitFor({ state: "detached" });
  await page.getByLabel("Who").selectOption("Bounced: transient");
  await page.getByText("Nobody is here").waitFor();
  await page.getByLabel("Who").selectOption("all");
  await page.getByLabel("Address").fill("delivered+bob@recipient.test");
  await page.getByRole("cell", { name: "bounced@recipient.test" }).waitFor({ state: "detached" });
  await page.getByRole("cell", { name: "delivered+bob@recipient.test" }).waitFor();

  await page.getByRole("link", { name: "Clicked links" }).click();
  await page.getByText("No link was followed yet").waitFor();
  await see(page, "broadcast-links-empty");
  await page.getByRole("link", { name: "Message" }).click();
  await page.getByRole("button", { name: "Next" }).click();
  await page.frameLocator(".preview iframe").getByText("Hi Bob").waitFor();
  await see(page, "broadcast-message");
});

test("each recipient has a page: why it bounced or waits, the talk with the host, and what one can do", async () => {
  const segment = await api("POST", "/segments", { name: "Three" });
  for (const email of [
    "bounced+why@recipient.test",
    "deferred@recipient.test",
    "delivered+why@recipient.test",
  ]) {
    await api("POST", "/contacts", { email, segments: [{ id: segment.id }] });
  }
  const { id } = await draft(segment.id, { name: "Why", subject: "Why", send: true });
  const page = await open(`/admin/broadcasts/${id}`);
  await page.getByText("1 of 3 are still being tried").waitFor();
  await page.getByRole("link", { name: "Recipients" }).click();
  await page.getByRole("row", { name: /^deferred@recipient\.test deferred 451 4\.3\.0/ }).waitFor();
  await see(page, "broadcast-recipients-replies");

  await page.getByRole("link", { name: "bounced+why@recipient.test" }).click();
  await page.getByText(/^Bounced by mx\.sandbox\.test .*: 550 5\.1\.1/).waitFor();
  await page.locator("summary").getByText("Try 1").click();
  await page.getByText("RCPT TO:<bounced+why@recipient.test>").waitFor();
  await see(page, "broadcast-recipient-bounced");
  await page.getByRole("link", { name: "Raw" }).click();
  await page.getByText("Composed and signed anew as you look").waitFor();
  await page.getByText("To: bounced+why@recipient.test").waitFor();
  await see(page, "broadcast-recipient-raw");
  await page.getByRole("link", { name: "Headers" }).click();
  await page.getByRole("row", { name: /^Message-ID/i }).waitFor();

  await page.goto(`${mailit.url}/admin/broadcasts/${id}/recipients`);
  await page.getByRole("link", { name: "deferred@recipient.test" }).click();
  await page.getByText(/^Waiting for the next try at .* said 451 4\.3\.0 The sandbox asks/).waitFor();
  await see(page, "broadcast-recipient-waiting");
  const path = page.url();
  await page.getByRole("button", { name: "Try now" }).click();
  await page.getByText("It is tried now.").waitFor();
  await page.getByText("Try 2", { exact: true }).waitFor(); // live
  await page.getByRole("link", { name: "More" }).click();
  await page.getByRole("link", { name: "Why" }).click();
  expect(page.url()).toBe(path);
  await page.getByRole("button", { name: "Give up" }).click();
  await page.getByRole("button", { name: "Bounce it" }).click();
  await page.getByText("It is given up and counts as bounced.").waitFor();
  await page.getByText(/^Bounced by an operator at .*: ada@example\.com gave it up\.$/).waitFor();

  // The overview and the contact lead there, too.
  await page.goto(`${mailit.url}/admin`);
  const problem = page.locator("#problems").getByRole("row", { name: /gave it up/ });
  await problem.getByRole("link", { name: "deferred@recipient.test" }).click();
  expect(page.url()).toBe(path);
  await page.getByRole("link", { name: "deferred@recipient.test" }).click();
  const contact = page.url();
  await page.getByRole("table").getByRole("link", { name: "Why" }).click();
  expect(page.url()).toBe(path);

  // And so does whoever looks for the address among the emails, or for the copy's Message-ID.
  await page.goto(contact);
  await page.getByRole("link", { name: "All emails to this address" }).click();
  await page.getByRole("row", { name: /^deferred@recipient\.test in a broadcast Why bounced/ }).waitFor();
  await see(page, "emails-in-a-broadcast");
  expect(await page.getByRole("link", { name: "Metrics of" }).count()).toBe(0); // they would be everybody's
  await page.keyboard.press("ControlOrMeta+k");
  await page.getByRole("searchbox", { name: "Search and commands" }).fill("deferred@recipient.test");
  await page
    .locator("#palette")
    .getByRole("link", { name: /^Why.*deferred@recipient\.test/ })
    .click();
  await page.waitForURL(path);
  await page.goBack();
  await page.getByRole("searchbox").fill("delivered+why");
  await page.getByText("Nothing found").waitFor();
  await see(page, "emails-nothing-found");
  await page.getByRole("searchbox").fill(`<${path.split("/").at(-1)}@example.com>`);
  await page.getByRole("link", { name: "deferred@recipient.test" }).click();
  expect(page.url()).toBe(path);
});

test("it is scheduled in words, canceled, and deleted", async () => {
  const { id } = await draft(segmentId, { name: "Later" });
  const page = await open(`/admin/broadcasts/${id}/send`);
  await page.getByLabel("When").fill("whenever");
  await page.getByText("That is no time yet").waitFor();
  await page.getByRole("button", { name: "Schedule for" }).click();
  await page.locator("#scheduled_at-mistake").waitFor();
  await see(page, "broadcast-send-mistake");
  await page.getByLabel("When").fill("tomorrow at 9am");
  await page.locator("#when").getByText("That is").waitFor();
  await page.getByRole("button", { name: "Schedule for" }).click();
  await page.getByText("It waits for its time").waitFor();
  await see(page, "broadcast-scheduled");
  expect(await api("GET", `/broadcasts/${id}`)).toMatchObject({ status: "scheduled" });
  await page.getByRole("button", { name: "Cancel" }).first().click();
  await page.getByRole("button", { name: "Cancel the broadcast" }).click();
  await page.getByRole("button", { name: "Delete" }).click();
  await page.getByRole("button", { name: "Delete the broadcast" }).click();
  await page.getByRole("status").getByText("Later is deleted").waitFor();
});

test("a time is picked in one's own zone, and without scripts written", async () => {
  const { id } = await draft(segmentId, { name: "Picked" });
  const day = new Date(Date.now() + 3 * 86_400_000).toISOString().slice(0, 10);
  for (const [timezoneId, offset] of [
    ["Asia/Kolkata", "+05:30"],
    ["America/Phoenix", "-07:00"],
  ]) {
    const page = await elsewhere({ timezoneId });
    await page.goto(`/admin/broadcasts/${id}/send`);
    await page.getByLabel("Or pick it").fill(`${day}T09:15`);
    expect(await page.getByLabel("When").inputValue()).toBe(`${day}T09:15${offset}`);
    await page.locator("#when").getByText("9:15").waitFor();
    if (offset === "-07:00") {
      await see(page, "broadcast-send-picked");
      await page.getByRole("button", { name: "Schedule for" }).click();
      await page.getByText("It waits for its time").waitFor();
    }
    await page.context().close();
  }
  expect(await api("GET", `/broadcasts/${id}`)).toMatchObject({ scheduled_at: `${day}T16:15:00.000Z` });
  const plain = await elsewhere({ javaScriptEnabled: false });
  await plain.goto("/admin/emails/new");
  await plain.getByText("Copies, replies, time").click();
  await plain.getByLabel("Send at").waitFor();
  expect(await plain.getByLabel("Or pick it").filter({ visible: true }).count()).toBe(0);
  await plain.context().close();
});

test("one that is being sent is paused, resumed, and ended, and a copy is made of it", async () => {
  const { id } = await draft(segmentId, { name: "Slow", messages_per_minute: 1 });
  await api("POST", `/broadcasts/${id}/send`, {});
  const page = await open(`/admin/broadcasts/${id}`);
  await page.getByRole("button", { name: "Pause" }).click();
  await page.getByText(/Paused: \d of 4 are settled/).waitFor();
  await see(page, "broadcast-paused");
  await page.getByRole("button", { name: "Resume" }).click();
  await page.getByText(/\d of 4 are settled; \d to go/).waitFor();
  await page.getByRole("button", { name: "Pause" }).click();
  await page.getByRole("button", { name: "End it here" }).click();
  await page.getByRole("button", { name: "End the broadcast" }).click();
  await page.getByText("Ended early").waitFor();
  await page.getByRole("button", { name: "Duplicate" }).click();
  await page.getByRole("heading", { level: 1, name: "Slow (copy)" }).waitFor();
});

test("one that is being sent is made slower and faster, and says when it ends", async () => {
  const { id } = await draft(segmentId, { name: "Steady", messages_per_minute: 1 });
  await api("POST", `/broadcasts/${id}/send`, {});
  const page = await open(`/admin/broadcasts/${id}`);
  await page.getByText(/At this rate the last one goes in \d+ (minute|second)/).waitFor();
  await see(page, "broadcast-sending");
  const rate = page.getByLabel("Messages a minute at most");
  const change = page.getByRole("button", { name: "Change the rate" });
  await rate.fill("none");
  await change.click();
  await page.locator("#messages_per_minute-mistake").waitFor();
  await see(page, "broadcast-rate-mistake");
  expect(await rate.inputValue()).toBe("none");
  await rate.fill("2");
  await change.click();
  await page.getByText("From now on it goes at this rate.").waitFor();
  await page.getByText("At most 2 a minute").waitFor();
  // While it is looked at, another changes it.
  await api("PATCH", `/broadcasts/${id}`, { messages_per_minute: null });
  await page.getByText("Sent: all 4 are settled.").waitFor();
  await rate.waitFor({ state: "detached" });
  await page.getByText("As fast as the recipients' hosts take them").waitFor();
  const log = await open("/admin/settings/audit-log");
  await log.getByText("Changed the rate of the broadcast “Steady” to 2 messages a minute").waitFor();
});

test("broadcasts are listed, by their states, and searched by name and subject within one", async () => {
  const page = await open("/admin/broadcasts");
  await see(page, "broadcasts");
  await page.getByRole("link", { name: "Drafts" }).click();
  await page.getByRole("link", { name: "Slow (copy)" }).waitFor();
  expect(await page.getByRole("link", { name: "Slow", exact: true }).count()).toBe(0);
  await page.getByRole("searchbox").fill("no such");
  await page.getByText("No broadcast in this state has “no such” in its name or subject.").waitFor();
  await see(page, "broadcasts-search-nothing");
  await page.getByRole("searchbox").fill("slow (");
  await page.getByRole("link", { name: "Slow (copy)" }).waitFor();
  await page.getByRole("link", { name: "All", exact: true }).click();
  await page.getByRole("searchbox").fill("SLOW");
  await page.getByRole("link", { name: "Slow", exact: true }).waitFor();
  expect(Object.fromEntries(new URL(page.url()).searchParams)).toEqual({ q: "SLOW" });
});
