import { expect, test } from "bun:test";
import { scene, see } from "./browser.ts";
import { until } from "./sending.ts";

const { open, api } = await scene();
const evil = "<script>alert(1)</script><img src=x onerror=alert(1)>";

const { id: domainId } = await api("POST", "/domains", {
  name: "acme.test",
  capabilities: { sending: "enabled", receiving: "enabled" },
});
await api("POST", `/domains/${domainId}/verify`);
await until(async () => (await api("GET", `/domains/${domainId}`)).status === "verified");

test("what is sent appears in the inbox by itself, is read in every way, and cleared", async () => {
  const page = await open("/admin/sandbox");
  await page.getByText("Nothing here yet").waitFor();
  expect(await page.getByRole("button", { name: "Clear all" }).count()).toBe(0);
  await see(page, "sandbox-empty");
  const send = (subject: string) =>
    api("POST", "/emails", {
      from: `Ada <ada@acme.test>`,
      to: "bob@elsewhere.test",
      subject,
      html: `<h1>Welcome</h1>${evil}`,
      text: "Welcome",
      attachments: [{ filename: "a.txt", content: Buffer.from("file").toString("base64") }],
    });
  await send(`First ${evil}`);
  await page.getByRole("link", { name: `First ${evil}` }).waitFor(); // live, into an empty list
  await page.reload();
  await send("Second");
  await page.getByRole("link", { name: "Second" }).waitFor(); // live, before those that are there
  await see(page, "sandbox");

  await page.getByRole("link", { name: `First ${evil}` }).click();
  await page.frameLocator("iframe.mail").getByRole("heading", { name: "Welcome" }).waitFor();
  expect(await page.getByText("DKIM pass").count()).toBe(2);
  await see(page, "sandbox-message");
  const tabs = page.getByRole("navigation", { name: "The message" });
  for (const [name, seen] of [
    ["Text", "Welcome"],
    ["Headers", "DKIM-Signature"],
    ["Raw", "MIME-Version"],
    ["Attachments", "a.txt"],
  ] as const) {
    await tabs.getByText(name).click();
    await page.getByText(seen).first().waitFor();
    await see(page, `sandbox-${name.toLowerCase()}`);
  }
  const [file] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("link", { name: "Download a.txt" }).click(),
  ]);
  expect(await Bun.file(await file.path()).text()).toBe("file");
  await tabs.getByText("Raw").click();
  const [whole] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("link", { name: "Download .eml" }).click(),
  ]);
  expect(await Bun.file(await whole.path()).text()).toContain("MIME-Version");
  await page.getByRole("link", { name: "Its email" }).click();
  await page.waitForURL(/\/admin\/emails\//);

  await page.goto(`${new URL(page.url()).origin}/admin/sandbox`);
  await page.getByRole("button", { name: "Clear all" }).click();
  await see(page, "sandbox-clear");
  await page.getByRole("button", { name: "Clear the inbox" }).click();
  await page.getByText("2 messages are removed.").waitFor();
  expect(await page.getByRole("button", { name: "Clear all" }).count()).toBe(0);
  await page.getByText("Nothing here yet").waitFor();
});

test("a message from nowhere is received; what is wrong in it is said beside its field", async () => {
  const page = await open("/admin/sandbox/receive");
  await see(page, "sandbox-receive");
  await page.getByLabel("To").fill("somebody@elsewhere.test");
  await page.getByLabel("Subject").fill(`Kept ${evil}`);
  await page.getByRole("button", { name: "Receive it" }).click();
  await page.locator("#to-mistake").waitFor();
  expect(await page.getByLabel("Subject").inputValue()).toBe(`Kept ${evil}`);
  await see(page, "sandbox-receive-mistake");
  await page.getByLabel("To").fill("somebody@acme.test");
  await page.getByRole("button", { name: "Receive it" }).click();
  await page.getByText("The message is received.").waitFor();
  await page.getByRole("link", { name: `Kept ${evil}` }).waitFor();
});
