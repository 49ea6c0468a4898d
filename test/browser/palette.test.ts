import { expect, test } from "bun:test";
import { scene, see } from "./browser.ts";

const { open, api } = await scene();

test("the palette leads anywhere by keyboard alone", async () => {
  await api("POST", "/domains", { name: "engines.example" });
  const page = await open("/admin/api-keys");
  await page.keyboard.press("Control+k");
  const input = page.getByRole("searchbox", { name: "Search and commands" });
  await input.waitFor();
  await page.waitForFunction(() => document.activeElement?.getAttribute("name") === "q");
  await see(page, "palette");
  await page.keyboard.type("engines");
  await page.getByRole("link", { name: "engines.example" }).waitFor();
  await see(page, "palette-found");
  await page.keyboard.press("ArrowDown");
  expect(await page.evaluate(() => document.activeElement?.textContent)).toBe("engines.example");
  await page.keyboard.press("ArrowUp");
  await input.fill("nothing of this name");
  await page.getByText("Nothing of that name is here.").waitFor();
  await input.fill("emails");
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/admin\/emails$/);
});

test("the palette closes with Escape, and opens from the bar", async () => {
  const page = await open("/admin/api-keys");
  await page.getByRole("button", { name: "Search Ctrl K" }).click();
  await page.getByRole("dialog").waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "hidden" });
});
