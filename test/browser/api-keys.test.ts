import { expect, test } from "bun:test";
import { scene, see } from "./browser.ts";

const { open, mailit, api } = await scene();

test("a key is made, shown once, and revoked", async () => {
  const page = await open("/admin/api-keys");
  await see(page, "api-keys");
  await page.getByLabel("Name").fill("<script>alert(1)</script>");
  await page.getByLabel("Permission").selectOption("full_access");
  await page.getByRole("button", { name: "Create key" }).click();
  const token = await page.locator(".copyable code").textContent();
  expect(token).toMatch(/^re_[0-9a-f]{64}$/);
  await see(page, "api-keys-made");
  const asks = () => fetch(`${mailit.url}/domains`, { headers: { authorization: `Bearer ${token}` } });
  expect((await asks()).status).toBe(200);

  await page.getByRole("link", { name: "Done" }).click();
  const row = page.getByRole("row", { name: "<script>alert(1)</script>" });
  expect(await page.content()).not.toContain(token!);
  await row.getByRole("button", { name: "Revoke" }).click();
  await see(page, "api-keys-revoke");
  await page.getByRole("button", { name: "Revoke the key" }).click();
  await page.getByRole("status").getByText("The key is revoked").waitFor();
  expect(await row.count()).toBe(0);
  expect((await asks()).status).toBe(403);
});

test("what is wrong is said beside its field, and what was written stays", async () => {
  const page = await open("/admin/api-keys");
  await page.getByLabel("Name").fill("Office");
  await page.getByLabel("Allowed addresses").fill("nowhere");
  await page.getByRole("button", { name: "Create key" }).click();
  await page.locator("#allowed_ips-mistake").waitFor();
  expect(await page.getByLabel("Name").inputValue()).toBe("Office");
  await see(page, "api-keys-mistake");
});

test("a key is held to a domain that is found by what one types of its name", async () => {
  const { id } = await api("POST", "/domains", { name: "of-many.example" });
  const page = await open("/admin/api-keys");
  expect(
    await page
      .locator("#domain-choices option")
      .evaluateAll((all) => all.map((each) => each.getAttribute("value"))),
  ).toEqual(["of-many.example"]);
  await page.getByLabel("Name").fill("For one");
  await page.getByLabel("Domain").fill("of-nobody.example");
  await page.getByRole("button", { name: "Create key" }).click();
  await page.locator("#domain-mistake").getByText("Your team has no such domain.").waitFor();
  expect(await page.getByLabel("Domain").inputValue()).toBe("of-nobody.example");
  await page.getByLabel("Domain").fill("Of-Many.example");
  await page.getByRole("button", { name: "Create key" }).click();
  await page.getByRole("link", { name: "Done" }).click();
  await page.getByRole("row", { name: "For one" }).getByText("of-many.example").waitFor();
  const keys: { name: string; id: string }[] = (await api("GET", "/api-keys")).data;
  const made = keys.find(({ name }) => name === "For one")!;
  expect(await api("GET", `/api-keys/${made.id}`)).toMatchObject({ domain_id: id });
});

test("a key is renamed and held to addresses, and its last requests are told", async () => {
  const { token } = await api("POST", "/api-keys", { name: "Old name" });
  const asks = () =>
    fetch(`${mailit.url}/domains`, {
      headers: { authorization: `Bearer ${token}`, "user-agent": "<img src=x onerror=alert(1)>" },
    });
  expect((await asks()).status).toBe(200);
  const page = await open("/admin/api-keys");
  await page.getByRole("link", { name: "Old name" }).click();
  await page.getByLabel("Allowed addresses").fill("everywhere");
  await page.getByRole("button", { name: "Save" }).click();
  await page.locator("#allowed_ips-mistake").waitFor();
  await see(page, "api-key-mistake");
  await page.getByLabel("Name", { exact: true }).fill("New name");
  await page.getByLabel("Allowed addresses").fill("192.0.2.0/24");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("status").getByText("The key is changed.").waitFor();
  await page.getByRole("heading", { name: "New name" }).waitFor();
  expect((await asks()).status).toBe(403);
  const request = page.getByRole("row", { name: /GET \/domains 200 .* <img src=x onerror=alert\(1\)>/ });
  while ((await request.count()) === 0) await page.reload(); // the log is written behind the requests
  await see(page, "api-key");
});
