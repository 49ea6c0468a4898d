import { expect, test } from "bun:test";
import { scene } from "./browser.ts";
import { addDomain } from "./sending.ts";

const stage = await scene();
const { open, api } = stage;
const domainId = await addDomain(stage);
await api("POST", "/contact-properties", { key: "a".repeat(50), type: "string" });
const contact = await api("POST", "/contacts", { email: "ada@example.org" });
const template = await api("POST", "/templates", { name: "Order", html: "<p>Hello</p>" });
const email = await api("POST", "/emails", {
  ...{ from: "ada@example.com", to: "delivered@example.org", subject: "Hello", text: "Hello" },
});

const paths = [
  ...["", "/emails", `/emails/${email.id}`, "/emails/new", "/broadcasts", "/templates", "/queue", "/metrics"],
  ...[
    `/templates/${template.id}`,
    "/suppressions",
    "/suppressions/import",
    "/receiving",
    "/receiving/routes",
  ],
  ...["/contacts", `/contacts/${contact.id}`, "/contacts/new", "/contacts/imports/new", "/segments"],
  ...["/segments/new", "/topics", "/properties", "/domains", `/domains/${domainId}`, "/domains/new"],
  ...["/api-keys", "/webhooks", "/webhooks/new", "/logs", "/docs", "/settings", "/settings/members"],
  ...["/settings/invitations", "/settings/sending", "/settings/audit-log", "/settings/account", "/sandbox"],
];

// WCAG 1.4.10: as a page is seen at four times its size on a usual screen.
test("at 320 pixels nothing of a page sticks out, and the account's menu is in reach", async () => {
  const page = await open("/admin");
  await page.setViewportSize({ width: 320, height: 640 });
  const wide: Record<string, number> = {};
  for (const path of paths) {
    await page.goto(new URL(`/admin${path}`, page.url()).href);
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    if (width > 320) wide[path] = width;
  }
  expect(wide).toEqual({});
  await page.getByRole("button", { name: /^Account of/ }).click();
  await page.getByRole("button", { name: "Sign out" }).waitFor();
});
