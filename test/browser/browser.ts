/** Chromium before the compiled executable: what every story of test/browser is told with. */
import { afterAll, afterEach, expect } from "bun:test";
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { source as axeSource } from "axe-core";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { Resend } from "resend";
import { type Mailit, startMailit } from "../e2e/mailit.ts";
import { noteVisits } from "./visits.ts";

export type { Page } from "playwright-core";

/** A running sandbox with one account in it, and a browser signed in to its admin. */
export interface Scene {
  mailit: Mailit;
  /** A key with full access. */
  key: string;
  sdk: Resend;
  /** Asks the API with that key; bodies are JSON, and so are answers. */
  // biome-ignore lint/suspicious/noExplicitAny: what an answer holds is for each story to say
  api(method: string, path: string, body?: unknown): Promise<any>;
  /** A page of the signed-in browser, at a path of the admin. */
  open(path: string): Promise<Page>;
  /** The same person in another browser, which may complain of what it likes. */
  elsewhere(options?: { javaScriptEnabled?: boolean; timezoneId?: string }): Promise<Page>;
  /** A browser that nobody is signed in to. */
  stranger(): Promise<BrowserContext>;
  /** The path of the database file, for rows that no API makes. */
  database: string;
}

export const account = { email: "ada@example.com", password: "correct horse battery staple", name: "Ada" };

interface Start {
  env?: Record<string, string>;
  /** Instead of `serve --sandbox`. */
  args?: string[];
}

/** A server in which nobody has an account yet. What a page logs as an error, or asks of another host, fails its stories. */
export async function emptyScene({
  env = {},
  args,
}: Start = {}): Promise<Pick<Scene, "mailit" | "stranger" | "database">> {
  const mailit = await startMailit({ env: { MAILIT_LOGGING_LEVEL: "warn", ...env }, args });
  const browser = await launch();
  const complaints: string[] = [];
  const watched = async (context: BrowserContext) => {
    context.on("console", (message) => {
      // The browser's own line about an answer of 4xx: the page then says what was refused.
      const isStatus = /^Failed to load resource: the server responded with a status of 4\d\d/.test(
        message.text(),
      );
      if (message.type() === "error" && !isStatus)
        complaints.push(`${message.page()?.url()}: ${message.text()}`);
    });
    context.on("weberror", (fault) => complaints.push(String(fault.error())));
    context.on("request", (request) => {
      const { protocol, origin } = new URL(request.url());
      if (/^https?:$/.test(protocol) && origin !== mailit.url) complaints.push(`asked for ${request.url()}`);
    });
    noteVisits(context, mailit.url);
    context.setDefaultTimeout(15_000);
    return context;
  };
  afterAll(async () => {
    await browser.close();
    await mailit[Symbol.asyncDispose]();
    expect(complaints).toEqual([]);
    expect(mailit.stderr()).not.toMatch(/a page of the admin failed/);
  });
  return {
    mailit,
    stranger: async () => watched(await browser.newContext({ viewport: desktop, reducedMotion: "reduce" })),
    database: join(mailit.folder, "data/mailit.db"),
  };
}

/** Starts everything for one file of stories. */
export async function scene(start: Start = {}): Promise<Scene> {
  const { mailit, stranger, database } = await emptyScene(start);
  const registered = await post(mailit, "/auth/register", { ...account, team_name: "Engines" });
  const made = await post(mailit, "/api-keys", { name: "Stories" }, registered.token);
  const context = await stranger();
  await signIn(context, mailit.url);
  // Each live page holds a connection while it is seen, and a browser has six for a host: what a story has opened is
  // closed with it, as a person's browser lets go of pages in the background.
  afterEach(async () => {
    await Promise.all(context.pages().map((page) => page.close()));
  });
  return {
    mailit,
    key: made.token,
    sdk: new Resend(made.token, { baseUrl: mailit.url }),
    async api(method, path, body) {
      const answer = await fetch(`${mailit.url}${path}`, {
        method,
        headers: { authorization: `Bearer ${made.token}`, "content-type": "application/json" },
        body: body === undefined ? undefined : JSON.stringify(body),
      });
      const text = await answer.text();
      if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
      return text === "" ? undefined : JSON.parse(text);
    },
    async open(path) {
      const page = await context.newPage();
      await page.bringToFront(); // a page in the background is not kept live
      await page.goto(`${mailit.url}${path}`);
      return page;
    },
    async elsewhere(options = {}) {
      const other = await context.browser()!.newContext({ ...options, baseURL: mailit.url });
      await other.addCookies(await context.cookies());
      return other.newPage();
    },
    stranger,
    database,
  };
}

async function post(mailit: Mailit, path: string, body: unknown, token?: string) {
  const answer = await fetch(`${mailit.url}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...(token && { authorization: `Bearer ${token}` }) },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as { token: string };
}

/** Signs a browser in as a person does. */
export async function signIn(context: BrowserContext, url: string, who = account): Promise<void> {
  const page = await context.newPage();
  await page.goto(`${url}/admin/sign-in`);
  await page.getByLabel("Email").fill(who.email);
  await page.getByLabel("Password").fill(who.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL((at) => !at.pathname.endsWith("/sign-in"));
  await page.close();
}

export const desktop = { width: 1280, height: 860 };
export const phone = { width: 390, height: 844 };

const looks = [
  { look: "light", viewport: desktop, colorScheme: "light" },
  { look: "dark", viewport: desktop, colorScheme: "dark" },
  { look: "phone", viewport: phone, colorScheme: "light" },
] as const;

/**
 * Looks at a page as it stands, light and dark and on a phone: axe finds nothing (WCAG 2.2 AA and its good practice),
 * and nothing sticks out sideways. With `MAILIT_SCREENSHOTS` it leaves a picture of each in that folder.
 */
export async function see(page: Page, name: string): Promise<void> {
  const folder = process.env.MAILIT_SCREENSHOTS;
  if (folder) await mkdir(folder, { recursive: true });
  for (const { look, viewport, colorScheme } of looks) {
    await page.setViewportSize(viewport);
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    if (folder) await page.evaluate(() => window.scrollTo(0, 0));
    if (folder) await page.screenshot({ path: join(folder, `${name}-${look}.png`), fullPage: true });
    expect({ name, look, findings: await axeFindings(page, look === "dark") }).toEqual({
      name,
      look,
      findings: [],
    });
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    expect({ name, look, sticksOutBy: Math.max(0, overflow) }).toEqual({ name, look, sticksOutBy: 0 });
  }
  await page.setViewportSize(desktop);
  await page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
}

interface Finding {
  rule: string;
  help: string;
  nodes: string[];
}

/** In the dark only colours differ from the light. */
async function axeFindings(page: Page, isDark: boolean): Promise<Finding[]> {
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(axeSource);
  return page.evaluate(async (isDark) => {
    // What a stranger's email is made of is not ours to mend: its frame is looked at from outside.
    const { violations } = await (window as unknown as { axe: typeof import("axe-core") }).axe.run(document, {
      iframes: false,
      ...(isDark && { runOnly: ["color-contrast"] }),
    });
    // It leaves these behind where it looked; htmx would copy them into what it swaps in, against the policy.
    for (const each of document.querySelectorAll('[style=""]')) each.removeAttribute("style");
    return violations.map(({ id, help, nodes }) => ({
      rule: id,
      help,
      nodes: nodes.map(({ html, failureSummary }) => `${html.slice(0, 200)} ${failureSummary ?? ""}`),
    }));
  }, isDark);
}

async function launch(): Promise<Browser> {
  const executablePath = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(
    (path) => existsSync(path),
  );
  if (!executablePath) throw new Error("There is no Chromium: install it with `apt-get install chromium`.");
  // As root, as in a container, Chromium's own sandbox does not start; what it opens here is ours alone.
  return chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
}
