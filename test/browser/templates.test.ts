import { expect, test } from "bun:test";
import { type Page, scene, see } from "./browser.ts";
import { until } from "./sending.ts";

const { open, elsewhere, api, sdk } = await scene();
const hostile = '<script>alert(1)</script><img src=x onerror="alert(2)">';

const domain = await api("POST", "/domains", { name: "example.com" });
await api("POST", `/domains/${domain.id}/verify`);
await until(async () => (await api("GET", `/domains/${domain.id}`)).status === "verified");

/** The code that is in the editor, and a way to write another. */
const editor = (page: Page) => page.locator("#html-editor .cm-content");
async function write(page: Page, html: string): Promise<void> {
  await editor(page).click();
  await page.keyboard.press("ControlOrMeta+a");
  await page.keyboard.insertText(html);
}

const preview = (page: Page) => page.frameLocator(".preview iframe:not(.coming)");

test("a template is written with its preview beside it", async () => {
  const page = await open("/admin/templates");
  await page.getByText("No template yet").waitFor();
  await see(page, "templates-empty");
  await page.getByRole("link", { name: "Write the first one" }).click();
  await see(page, "templates-new");
  await page.getByLabel("Name", { exact: true }).fill("Order confirmation");
  await page.getByLabel("Alias").fill("order");
  await page.getByRole("button", { name: "Create and write it" }).click();
  await page.getByRole("heading", { level: 1, name: "Order confirmation" }).waitFor();
  await editor(page).waitFor();
  await preview(page).getByText("Hello there").waitFor();
  await see(page, "templates-edit");

  await page.getByLabel("Subject").fill("Your {{{COUNT}}} chairs, {{{NAME|dear}}}");
  await page.getByLabel("From", { exact: true }).fill("Shop <shop@example.com>");
  await write(page, "<p>Thanks, {{{NAME|dear}}}, for {{{COUNT}}} chairs.</p>");
  await preview(page).getByText("Thanks, dear, for chairs.").waitFor();
  await page.getByText("COUNT has no value here").waitFor();
  await page.getByLabel("Name of variable 1").fill("COUNT");
  await page.getByLabel("Type of variable 1").selectOption("number");
  await page.getByRole("button", { name: "Add a variable" }).click();
  await page.getByLabel("Name of variable 2").fill("NAME");
  await page.getByLabel("Fallback of variable 2").fill(hostile);
  await page.getByLabel("Value to try of variable 1").fill("4");
  await preview(page).getByText("Thanks, dear, for 4 chairs.").waitFor();
  await page.locator("#preview-head").getByText("Your 4 chairs, dear").waitFor();
  await page.getByText("Phone", { exact: true }).click();
  await see(page, "templates-phone-width");
  await page.getByText("Text", { exact: true }).click();
  await page.locator(".preview-text").getByText("Thanks, dear, for 4 chairs.").waitFor();

  await page.keyboard.press("ControlOrMeta+s");
  await page.getByRole("status").getByText("Saved.").waitFor();
  expect(await page.getByLabel("Value to try of variable 1").inputValue()).toBe("4");
  expect(await page.getByLabel("Fallback of variable 2").inputValue()).toBe(hostile);
});

test("a long one scrolls in its editor, which is reached by keyboard", async () => {
  const html = Array.from({ length: 200 }, (_, n) => `<p>Line ${n}</p>`).join("\n");
  const { id } = await api("POST", "/templates", { name: "Long", html });
  const page = await open(`/admin/templates/${id}`);
  await preview(page).getByText("Line 199").waitFor();
  await see(page, "templates-long");
});

test("two who write at once don't write over each other unasked", async () => {
  const { id } = await api("POST", "/templates", { name: "Shared", html: "<p>First</p>" });
  const [mine, theirs] = [await open(`/admin/templates/${id}`), await open(`/admin/templates/${id}`)];
  for (const [page, html] of [[theirs, "<p>Theirs</p>"] as const, [mine, "<p>Mine</p>"] as const]) {
    await editor(page).waitFor();
    await write(page, html);
    await page.getByRole("button", { name: "Save", exact: true }).click();
    if (page === theirs) await page.getByRole("status").getByText("Saved.").waitFor();
  }
  await mine.getByText("saved by somebody else").waitFor();
  await editor(mine).getByText("Mine").waitFor();
  await see(mine, "templates-saved-meanwhile");
  await mine.getByRole("button", { name: "Save", exact: true }).click();
  await mine.getByRole("status").getByText("Saved.").waitFor();
});

test("a template is published, sent by its name, and tried", async () => {
  const variables = [{ key: "COUNT", type: "number" }];
  const { id } = await api("POST", "/templates", {
    ...{ name: "Chairs", alias: "chairs", from: "Shop <shop@example.com>", variables },
    ...{ subject: "Your {{{COUNT}}} chairs", html: "<p>Thanks for {{{COUNT}}} chairs.</p>" },
  });
  const page = await open(`/admin/templates/${id}`);
  await page.getByRole("button", { name: "Save and publish" }).click();
  await page.getByRole("status").getByText("Saved and published").waitFor();
  const { data } = await sdk.emails.send({
    from: "shop@example.com",
    to: "delivered@recipient.test",
    template: { id: "chairs", variables: { COUNT: 2 } },
  });
  expect((await sdk.emails.get(data!.id)).data?.html).toContain("for 2 chairs");

  await page.getByLabel("Value to try of variable 1").fill("4");
  await page.getByLabel("To", { exact: true }).fill("delivered@recipient.test");
  await page.getByRole("button", { name: "Save and send a test" }).click();
  const link = page.getByRole("link", { name: "see what becomes of it" });
  const emailId = (await link.getAttribute("href"))!.split("/").at(-1)!;
  expect((await sdk.emails.get(emailId)).data).toMatchObject({ subject: "Your 4 chairs" });
  await see(page, "templates-tested");
});

test("templates are searched by name and alias as one types, and without scripts", async () => {
  for (const name of ["Invoice of March", "Invoice of April"]) {
    await api("POST", "/templates", { name, html: "<p>Hi</p>" });
  }
  const page = await open("/admin/templates");
  await page.getByRole("searchbox").fill("invoice of m");
  await page.getByRole("link", { name: "Invoice of April" }).waitFor({ state: "detached" });
  await page.getByRole("link", { name: "Invoice of March" }).waitFor();
  expect(new URL(page.url()).searchParams.get("q")).toBe("invoice of m");
  await see(page, "templates-search");
  await page.getByRole("searchbox").fill("<nothing>");
  await page.getByText("No template has “<nothing>” in its name or alias.").waitFor();
  await see(page, "templates-search-nothing");
  const plain = await elsewhere({ javaScriptEnabled: false });
  await plain.goto("/admin/templates");
  await plain.getByRole("searchbox").fill("APRIL");
  await plain.getByRole("button", { name: "Search", exact: true }).last().click();
  await plain.getByRole("link", { name: "Invoice of April" }).waitFor();
  expect(await plain.getByRole("link", { name: "Invoice of March" }).count()).toBe(0);
  await plain.context().close();
});

test("an earlier version is looked at and restored; a copy is made, and a template deleted", async () => {
  const { id } = await api("POST", "/templates", { name: hostile, html: "<p>First</p>", subject: hostile });
  await api("POST", `/templates/${id}/publish`);
  await api("PATCH", `/templates/${id}`, { html: "<p>Second</p>" });
  const page = await open("/admin/templates");
  await see(page, "templates");
  await page.getByRole("link", { name: hostile }).click();
  await page.getByText("unpublished changes").waitFor();
  await page.getByRole("link", { name: "Versions" }).click();
  await see(page, "template-versions");
  await page.getByRole("link", { name: "Version 1" }).click();
  await page.frameLocator(".preview iframe").getByText("First").waitFor();
  await see(page, "template-version");
  await page.getByRole("button", { name: "Restore" }).click();
  await page.getByRole("button", { name: "Restore the version" }).click();
  await page.getByRole("status").getByText("what version 1 said").waitFor();
  expect(await api("GET", `/templates/${id}`)).toMatchObject({ html: "<p>First</p>" });

  await page.getByRole("button", { name: "Duplicate" }).click();
  await page.getByRole("status").getByText("This is the copy").waitFor();
  await page.getByRole("button", { name: "Delete" }).click();
  await see(page, "template-delete");
  await page.getByRole("button", { name: "Delete the template" }).click();
  await page.getByRole("status").getByText("is deleted").waitFor();
  expect(await page.getByText("(copy)").count()).toBe(1); // in the notice alone
});

test("what is wrong is said beside its field, and not a second time in the preview", async () => {
  const { id } = await api("POST", "/templates", { name: "Wrong from", html: "<p>Kept</p>" });
  const page = await open(`/admin/templates/${id}`);
  await page.getByRole("textbox", { name: "From" }).fill("nobody");
  await page.locator(".preview").getByText("The email address needs to follow").waitFor();
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.locator("#from-mistake").waitFor();
  await page.locator(".preview [data-problem]").waitFor({ state: "hidden" });
  expect(await page.getByText("The email address needs to follow").filter({ visible: true }).count()).toBe(1);
});

test("what is wrong is said beside its field, and what was written stays", async () => {
  const { id } = await api("POST", "/templates", { name: "Wrong", html: "<p>Kept</p>" });
  const page = await open(`/admin/templates/${id}`);
  await write(page, "<p>Written</p>");
  await page.getByLabel("From", { exact: true }).fill("nobody");
  await page.locator("#preview-head [data-problem]").waitFor();
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.locator("#from-mistake").waitFor();
  expect(await editor(page).textContent()).toBe("<p>Written</p>");
  expect(await api("GET", `/templates/${id}`)).toMatchObject({ html: "<p>Kept</p>" });
  await see(page, "template-mistake");
});

test("scripts in a template stay without effect in its preview, and pictures are fetched only when asked for", async () => {
  const html = `<p>Shown</p><script>parent.document.title = "broken"</script>${hostile}<img src="http://192.0.2.1/a.png">`;
  const { id } = await api("POST", "/templates", { name: "Hostile", html });
  // In a browser of its own: what is blocked there is in its console.
  const page = await elsewhere();
  await page.goto(`/admin/templates/${id}`);
  const answered: string[] = [];
  page.on("requestfinished", (request) => answered.push(new URL(request.url()).host));
  await preview(page).getByText("Shown").waitFor();
  expect(await page.title()).toBe("Hostile · MailIt");
  expect(new Set(answered)).toEqual(new Set([new URL(page.url()).host]));
  const frame = await page.request.get(new URL(`/admin/templates/${id}/frame`, page.url()).href);
  expect(frame.headers()["content-security-policy"]).toMatch(
    /^sandbox .*default-src 'none'.*img-src data: 'self';/,
  );
  await page.context().close();
});

test("by keyboard alone: into the editor, out of it by Escape and Tab, and saved", async () => {
  const { id } = await api("POST", "/templates", { name: "Keys", html: "" });
  const page = await open(`/admin/templates/${id}`);
  await editor(page).waitFor();
  await page.getByLabel("Reply to").focus();
  await page.keyboard.press("Tab");
  await page.keyboard.type("<b>Bold");
  await page.keyboard.press("Escape");
  await page.keyboard.press("Tab");
  expect(await page.evaluate(() => document.activeElement?.getAttribute("aria-label"))).toBe("Variables");
  await page.keyboard.press("Control+s");
  await page.getByRole("status").getByText("Saved.").waitFor();
  expect(await api("GET", `/templates/${id}`)).toMatchObject({ html: "<b>Bold</b>" });
});

test("without scripts there is a text area, and a preview by a button", async () => {
  const { id } = await api("POST", "/templates", { name: "Plain", html: "<p>Plain</p>" });
  const plain = await elsewhere({ javaScriptEnabled: false });
  await plain.goto(`/admin/templates/${id}`);
  await plain.getByLabel("HTML").fill("<p>By hand</p>");
  await plain.getByRole("button", { name: "Refresh" }).click();
  await plain.frameLocator("iframe").getByText("By hand").waitFor();
  await plain.getByRole("button", { name: "Save", exact: true }).click();
  await plain.getByRole("status").getByText("Saved.").waitFor();
  expect(await api("GET", `/templates/${id}`)).toMatchObject({ html: "<p>By hand</p>" });
  await plain.context().close();
});
