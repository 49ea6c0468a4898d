import { expect, test } from "bun:test";
import { scene, see } from "./browser.ts";

const { open, api } = await scene();
const evil = "<script>alert(1)</script><img src=x onerror=alert(1)>";

test("an empty page says what to do, and fills by itself", async () => {
  const page = await open("/admin/receiving");
  await page.getByText("Turn on receiving").waitFor();
  await see(page, "receiving-empty");
  const routes = await open("/admin/receiving/routes");
  await routes.getByText("No domain yet").waitFor();
  await see(routes, "routes-no-domain");

  const { id } = await api("POST", "/domains", {
    name: "acme.test",
    capabilities: { sending: "enabled", receiving: "enabled" },
  });
  await api("POST", `/domains/${id}/verify`);
  const inject = () =>
    api("POST", "/sandbox/inbound", { from: "a@b.test", to: "c@acme.test", subject: "First" });
  while (
    await inject().then(
      () => false,
      () => true,
    )
  );
  await page.getByRole("link", { name: "First" }).waitFor();
});

test("a message is read in every way, found, and deleted", async () => {
  await api("POST", "/sandbox/inbound", {
    from: `"${evil}" <eve@elsewhere.test>`,
    to: "support@acme.test",
    subject: `Help ${evil}`,
    html: `<h1>Please help</h1>${evil}<img src="https://tracker.test/p.png" alt="">`,
    text: `Please help ${evil}`,
  });
  const page = await open("/admin/receiving");
  const subject = `Help ${evil}`;
  await page.getByRole("link", { name: subject }).waitFor();
  await see(page, "receiving");
  await page.getByRole("searchbox").fill("no such thing");
  await page.getByText("Nothing found").waitFor();
  await see(page, "receiving-nothing-found");
  await page.getByRole("searchbox").fill("EVE@");
  await page.getByRole("link", { name: subject }).click();

  await page.frameLocator("iframe.mail").getByRole("heading", { name: "Please help" }).waitFor();
  await page.getByText("Pictures from other hosts are not loaded.").waitFor();
  await see(page, "received-message");
  const tabs = page.getByRole("navigation", { name: "The message" });
  await tabs.getByText("Origin").click();
  await page.getByText("The message is not signed.").waitFor();
  await page.getByText("support@acme.test is stored: no route is for it.").waitFor();
  await see(page, "received-origin");
  for (const [name, seen] of [
    ["Text", `Please help ${evil}`],
    ["Headers", "Received"],
    ["Raw", "Return-Path: <eve@elsewhere.test>"],
    ["Attachments", "Nothing is attached"],
  ] as const) {
    await tabs.getByText(name).click();
    await page.getByText(seen).first().waitFor();
    await see(page, `received-${name.toLowerCase()}`);
  }
  await page.getByRole("button", { name: "Delete" }).click();
  await see(page, "received-delete");
  await page.getByRole("button", { name: "Delete the message" }).click();
  await page.getByText("The message is deleted.").waitFor();
  expect(await page.getByRole("link", { name: subject }).count()).toBe(0);
});

test("what endpoints were told of a message stands with it", async () => {
  const hook = await api("POST", "/webhooks", {
    endpoint: "https://hooks.elsewhere.test/in",
    events: ["email.received"],
  });
  await api("POST", "/sandbox/inbound", { from: "a@b.test", to: "told@acme.test", subject: "Told" });
  const page = await open("/admin/receiving");
  await page.getByRole("link", { name: "Told" }).click();
  await page.getByText("Origin").click();
  await page.getByRole("link", { name: "https://hooks.elsewhere.test/in" }).waitFor();
  await api("DELETE", `/webhooks/${hook.id}`);
});

test("routes are added, tried, put into order, changed and removed", async () => {
  const page = await open("/admin/receiving/routes");
  await page.getByText("No route for acme.test").waitFor();
  await see(page, "routes-empty");
  const add = async (match: string, value: string, action: string, reply = "") => {
    await page.getByLabel("Mail to").selectOption(match);
    await page.getByLabel("Address, pattern or name").fill(value);
    await page.getByLabel("What is done").selectOption(action);
    await page.getByLabel("What the sender is told").fill(reply);
    await page.getByRole("button", { name: "Add route" }).click();
  };
  await add("address", "bob@elsewhere.test", "store");
  await page.locator("#value-mistake").waitFor();
  await see(page, "routes-mistake");
  await add("pattern", "ad*", "drop");
  await page.getByText("The route is added").waitFor();
  await add("catch_all", "", "reject", `550 5.1.1 Nobody ${evil}`);
  await page.getByRole("row", { name: /every address of acme\.test/ }).waitFor();
  await page.getByRole("row", { name: /addresses like ad\* @acme\.test/ }).waitFor();

  await page.getByLabel("Try an address").fill("adverts@acme.test");
  await page.getByRole("button", { name: "Try", exact: true }).click();
  await page.getByText("is taken and thrown away by the route for addresses like ad*").waitFor();
  await see(page, "routes");
  await page.getByRole("button", { name: /Move the route for every address of acme\.test up/ }).click();
  await page.getByText("another order").waitFor();
  await page.getByLabel("Try an address").fill("adverts@acme.test");
  await page.getByRole("button", { name: "Try", exact: true }).click();
  await page.getByText(/is refused by the route for every address/).waitFor();
  await page.getByLabel("Try an address").fill("a@elsewhere.test");
  await page.getByRole("button", { name: "Try", exact: true }).click();
  await page.getByText("none of this team's domains").waitFor();

  const move = (way: string) =>
    page.getByRole("button", { name: `Move the route for every address of acme.test ${way}` });
  await move("down").click();
  await move("up").click();
  await move("down").waitFor();

  await page.getByRole("link", { name: /Change the route for every address/ }).click();
  await see(page, "route-change");
  await page.getByLabel("What is done").selectOption("store");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("The route is changed.").waitFor();
  await page
    .getByRole("row", { name: /every address/ })
    .getByRole("button", { name: "Remove" })
    .click();
  await see(page, "routes-remove");
  await page.getByRole("button", { name: "Remove the route" }).first().click();
  await page.getByText("The route is removed.").waitFor();
  expect(await page.getByRole("row").count()).toBe(2);
});
