import { expect, test } from "bun:test";
import { scene, see } from "./browser.ts";
import { addDomain } from "./sending.ts";

const here = await scene();
const { open, sdk, api } = here;
const hostile = '<img src=x onerror="document.title=1"><script>alert(1)</script>';

test("with no domain yet, one is told what to do first", async () => {
  const page = await open("/admin/emails");
  await page.getByRole("heading", { name: "No email yet" }).waitFor();
  await see(page, "emails-empty");
  await page.getByRole("link", { name: "New email" }).first().click();
  await page.getByRole("heading", { name: "No domain to send from" }).waitFor();
  await see(page, "emails-new-no-domain");
});

test("an email is written, refused with what is wrong beside its field, and sent", async () => {
  await haveDomain();
  const page = await open("/admin/emails/new");
  await see(page, "emails-new");
  await page.getByLabel("To", { exact: true }).fill("nobody");
  await page.getByLabel("Subject").fill("From the admin");
  await page.getByLabel("HTML").fill("<p>Hello</p>");
  await page.getByText("Template, topic, tags, headers").click();
  await page.getByLabel("Tags", { exact: true }).fill("a b: c");
  await page.getByRole("button", { name: "Send" }).click();
  await page.locator("#to-mistake").waitFor();
  await page.locator("#tags-mistake").waitFor();
  expect(await page.getByLabel("HTML").inputValue()).toBe("<p>Hello</p>");
  await see(page, "emails-new-mistake");
  await page
    .getByLabel("To", { exact: true })
    .fill('"Lovelace, Ada" <delivered@example.org>, bob@example.org');
  await page.getByLabel("Tags", { exact: true }).fill("");
  await page.getByRole("button", { name: "Send" }).click();
  await page.waitForURL(/\/admin\/emails\/[0-9a-f-]{36}$/);
  const { data } = await api("GET", "/emails?q=from%3Ahello+admin");
  expect(data[0]).toMatchObject({
    subject: "From the admin",
    to: ['"Lovelace, Ada" <delivered@example.org>', "bob@example.org"],
  });
});

test("an email is made from a template, with a topic, tags, headers and files of one's own", async () => {
  await haveDomain();
  const topic = await api("POST", "/topics", { name: "Offers", default_subscription: "opt_in" });
  const template = await api("POST", "/templates", {
    ...{ name: "Order", subject: "Your order", html: "<p>{{{COUNT}}} chairs for {{{NAME}}}</p>" },
    variables: [{ key: "COUNT", type: "number" }],
  });
  await api("POST", `/templates/${template.id}/publish`, {});
  const page = await open("/admin/emails/new");
  await page.getByLabel("To", { exact: true }).fill("delivered@example.org");
  await page.getByText("Template, topic, tags, headers").click();
  await page.getByLabel("Template", { exact: true }).selectOption("Order");
  await page.getByLabel("Variables of the template").fill("COUNT: 4\nNAME: Ada");
  await page.getByLabel("Topic", { exact: true }).selectOption("Offers");
  await page.getByLabel("Tags", { exact: true }).fill("category: order");
  await page.getByLabel("Headers", { exact: true }).fill("X-Entity-Ref-ID 42");
  await see(page, "emails-new-all");
  await page.getByRole("button", { name: "Send" }).click();
  await page.locator("#headers-mistake").waitFor();
  await page.getByLabel("Headers", { exact: true }).fill("X-Entity-Ref-ID: 42");
  await page.getByLabel("Attachments").setInputFiles([
    { name: "order.txt", mimeType: "text/plain", buffer: Buffer.from("4 chairs") },
    { name: "terms.txt", mimeType: "text/plain", buffer: Buffer.from("none") },
  ]);
  await page.getByRole("button", { name: "Send" }).click();
  await page.waitForURL(/\/admin\/emails\/[0-9a-f-]{36}$/);
  const id = page.url().split("/").at(-1);
  expect(await api("GET", `/emails/${id}`)).toMatchObject({
    ...{ subject: "Your order", html: "<p>4 chairs for Ada</p>", topic_id: topic.id },
    tags: [{ name: "category", value: "order" }],
  });
  expect(await api("GET", `/emails/${id}/origin`)).toMatchObject({ from_template: true, api_key_id: null });
  const { data: files } = await api("GET", `/emails/${id}/attachments`);
  expect(files.map((file: { filename: string; size: number }) => [file.filename, file.size])).toEqual([
    ["order.txt", 8],
    ["terms.txt", 4],
  ]);
  await page.getByRole("link", { name: "Headers" }).click();
  await page.getByText("X-Entity-Ref-ID", { exact: true }).waitFor();
});

test("an email is sent once, though one clicks again while it is on its way", async () => {
  const page = await open("/admin/emails/new");
  await page.getByLabel("To", { exact: true }).fill("delivered@example.org");
  await page.getByLabel("Subject").fill("Clicked twice");
  await page.getByLabel("Text", { exact: true }).fill("Hi");
  const [asked, again] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let posts = 0;
  await page.route("**/admin/emails/new", async (route) => {
    posts += 1;
    asked.resolve();
    await again.promise;
    await route.continue();
  });
  const button = page.getByRole("button", { name: "Send" });
  await button.scrollIntoViewIfNeeded();
  const { x, y } = (await button.boundingBox())!;
  await page.mouse.click(x + 5, y + 5);
  await asked.promise;
  await page.mouse.click(x + 5, y + 5); // as a person does: nothing waits for the page that is to come
  again.resolve();
  await page.waitForURL(/\/admin\/emails\/[0-9a-f-]{36}$/);
  expect(posts).toBe(1);
});

test("without scripts, a form that is clicked twice acts once, and leads where the first click would have", async () => {
  await haveDomain();
  const plain = await here.elsewhere({ javaScriptEnabled: false });
  await plain.goto("/admin/emails/new");
  await plain.getByLabel("To", { exact: true }).fill("delivered@example.org");
  await plain.getByLabel("Subject").fill("Without scripts");
  await plain.getByLabel("Text", { exact: true }).fill("Hi");
  await plain.getByRole("button", { name: "Send" }).dblclick(); // the second gives up the page the first waits for
  await plain.getByText("The email is on its way.").waitFor();
  await plain.goto("/admin/api-keys");
  await plain.getByLabel("Name").fill("Without scripts");
  await plain.getByRole("button", { name: "Create key" }).dblclick();
  await plain.getByRole("heading", { name: "Copy the key now" }).waitFor();
  const token = await plain.getByText(/^re_/).first().textContent();
  await plain.reload();
  expect(await plain.getByText(/^re_/).first().textContent()).toBe(token);
  await plain.context().close();
  const emails: { subject: string }[] = (await api("GET", "/emails?limit=100")).data;
  expect(emails.filter(({ subject }) => subject === "Without scripts")).toHaveLength(1);
  const keys: { name: string }[] = (await api("GET", "/api-keys")).data;
  expect(keys.filter(({ name }) => name === "Without scripts")).toHaveLength(1);
});

test("the list shows emails as they come and as they change, and strangers' words as words", async () => {
  await haveDomain();
  await send("before", "delivered@example.org");
  const page = await open("/admin/emails");
  await page.getByRole("row", { name: "before" }).waitFor();
  await send(hostile, "bounced@example.org");
  const row = page.getByRole("row", { name: hostile });
  await row.getByText("bounced", { exact: true }).waitFor();
  expect(await page.title()).toBe("Emails · MailIt");
  await see(page, "emails");
});

test("emails are searched as one types, and the address of a search is the search", async () => {
  await haveDomain();
  await send("Second reminder", "grace@example.org");
  await send("Other", "delivered@example.org");
  const page = await open("/admin/emails");
  await page.getByRole("searchbox", { name: "Search" }).fill("to:grac");
  await page.getByRole("row", { name: "Other" }).waitFor({ state: "detached" });
  await page.getByRole("row", { name: "Second reminder" }).waitFor();
  await page.waitForURL(/q=to%3Agrac/);
  await page.reload();
  await page.getByRole("row", { name: "Second reminder" }).waitFor();
  expect(await page.getByRole("searchbox", { name: "Search" }).inputValue()).toBe("to:grac");
  await page.getByLabel("State").selectOption("bounced");
  await page.getByRole("heading", { name: "Nothing found" }).waitFor();
  await see(page, "emails-nothing-found");
});

test("a long list goes on by itself when its end comes into sight", async () => {
  await haveDomain();
  const one = (n: number) => ({
    from: "hello@example.com",
    to: "delivered@example.org",
    subject: `Number ${n}`,
    html: "x",
  });
  await sdk.batch.send(Array.from({ length: 60 }, (_, n) => one(n)));
  const page = await open("/admin/emails");
  await page.getByRole("row", { name: "Number 59" }).waitFor();
  const oldest = page.getByRole("row", { name: "Number 0 " });
  expect(await oldest.count()).toBe(0);
  await page.getByRole("link", { name: "More" }).scrollIntoViewIfNeeded();
  await oldest.waitFor();
  expect(await page.getByRole("row", { name: "Number" }).count()).toBe(60);
});

async function send(subject: string, to: string): Promise<void> {
  const { error } = await sdk.emails.send({ from: "hello@example.com", to, subject, html: "<p>x</p>" });
  if (error) throw new Error(error.message);
}

/** Every story can be told alone. */
async function haveDomain(): Promise<void> {
  const { data } = await api("GET", "/domains");
  if (data.length === 0) await addDomain(here);
}
