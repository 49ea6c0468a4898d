import { expect, test } from "bun:test";
import { account, type Page, scene } from "./browser.ts";

const { mailit, stranger } = await scene();

interface Focus {
  name: string;
  /** Whether one sees that it has the focus, and it is on the screen. */
  isSeen: boolean;
}

/** What has the focus: by its label, its text, or what it says of itself. */
function focusOf(page: Page): Promise<Focus> {
  return page.evaluate(() => {
    const element = document.activeElement as HTMLElement & { labels?: NodeListOf<HTMLLabelElement> };
    const label =
      element.getAttribute("aria-label") ?? element.labels?.[0]?.textContent ?? element.textContent;
    const { outlineStyle, outlineWidth } = getComputedStyle(element);
    const box = element.getBoundingClientRect();
    const isOnScreen = box.bottom > 0 && box.top < innerHeight && box.width > 0 && box.height > 0;
    return {
      name: label?.trim() ?? "",
      isSeen: isOnScreen && outlineStyle !== "none" && Number.parseFloat(outlineWidth) >= 1,
    };
  });
}

/** Goes on with the Tab key until something of that name has the focus; on the way the focus is always seen. */
async function tabTo(page: Page, name: string): Promise<void> {
  const passed: string[] = [];
  for (let n = 0; n < 80; n++) {
    await page.keyboard.press("Tab");
    const focus = await focusOf(page);
    const isInPage = await page.evaluate(() => document.activeElement !== document.body);
    if (isInPage) expect(focus).toEqual({ name: focus.name, isSeen: true });
    if (focus.name === name) return;
    passed.push(focus.name);
  }
  throw new Error(`Tab does not come to “${name}”, but to ${passed.join(", ")}`);
}

async function write(page: Page, label: string, text: string): Promise<void> {
  await tabTo(page, label);
  await page.keyboard.press("Control+a");
  await page.keyboard.type(text);
}

async function press(page: Page, name: string): Promise<void> {
  await tabTo(page, name);
  await page.keyboard.press("Enter");
}

test("from signing in to a delivered email nobody needs a mouse, and always sees where they are", async () => {
  const page = await (await stranger()).newPage();
  await page.goto(`${mailit.url}/admin`);
  await write(page, "Email", account.email);
  await write(page, "Password", account.password);
  await press(page, "Sign in");
  await page.waitForURL(`${mailit.url}/admin`);

  await page.keyboard.press("Tab");
  expect(await focusOf(page)).toEqual({ name: "Skip to the content", isSeen: true });
  await page.keyboard.press("Enter");
  expect(await page.evaluate(() => document.activeElement?.id)).toBe("main");
  await page.keyboard.press("Tab");
  expect(await page.evaluate(() => document.activeElement?.closest("main")?.id)).toBe("main");

  await page.goto(`${mailit.url}/admin`);
  await press(page, "Domains");
  await page.waitForURL(`${mailit.url}/admin/domains`);
  await press(page, "Add a domain");
  await page.waitForURL(`${mailit.url}/admin/domains/new`);
  await write(page, "Domain", "keys.example");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "keys.example" }).waitFor();
  await press(page, "Look up the records");
  await page.getByText("You can send from it.").waitFor();

  await page.keyboard.press("Control+k");
  await page.waitForFunction(() => document.activeElement?.getAttribute("name") === "q");
  await page.keyboard.type("emails");
  await page.getByRole("dialog").getByRole("link", { name: "Overview" }).waitFor({ state: "detached" });
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/admin\/emails$/);
  await press(page, "New email");
  await page.waitForURL(/\/admin\/emails\/new$/);
  await write(page, "To", "bob@example.net");
  await write(page, "Subject", "By keyboard");
  await write(page, "HTML", "<p>Hello</p>");
  await press(page, "Send");
  await page.getByRole("heading", { name: "By keyboard" }).waitFor();
  await page.getByText("delivered").first().waitFor();
});
