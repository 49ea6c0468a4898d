/** Who may make the first account in a browser, by the executable as it runs in earnest. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { startMailit } from "./mailit.ts";
import { storyMs } from "./story.ts";

setDefaultTimeout(storyMs);

const fields = {
  name: "Ada",
  email: "ada@example.com",
  password: "correct horse battery",
  team_name: "Engines",
};

/** Asks through a proxy on this machine, as a stranger on the internet comes. */
const fromAfar = { "x-forwarded-for": "203.0.113.9" };

const register = (url: string, headers: Record<string, string>, more: Record<string, string> = {}) =>
  fetch(`${url}/admin/first-run`, {
    method: "POST",
    headers,
    body: new URLSearchParams({ ...fields, ...more }),
    redirect: "manual",
  });

test("a server that others can reach is claimed by whoever started it, and by nobody else", async () => {
  await using mailit = await startMailit({ args: ["serve"] });
  const [, link] = await mailit.printed(/make the first one at (\S+)/);
  const token = new URL(link!).searchParams.get("token")!;
  expect(token).toMatch(/^[\w-]{32}$/);

  const shown = await fetch(`${mailit.url}/admin/first-run`, { headers: fromAfar });
  expect(await shown.text()).toContain("Setup token");
  for (const headers of [fromAfar, { host: "rebound.example" }]) {
    for (const guess of ["", "guessed", token.slice(1)]) {
      expect((await register(mailit.url, headers, { token: guess })).status).toBe(403);
    }
  }
  const followed = await fetch(`${mailit.url}/admin/first-run?token=${token}`, { headers: fromAfar });
  expect(await followed.text()).toContain("Create the account");
  const claimed = await register(mailit.url, fromAfar, { token });
  expect(claimed.status).toBe(303);
  expect(claimed.headers.get("location")).toBe("/admin/first-run/domain");

  // From then on the token opens nothing.
  const late = await register(mailit.url, fromAfar, { token, email: "eve@example.com" });
  expect(late.headers.get("location")).toBe("/admin/sign-in");
});

test("who sits at the machine needs no token, and the next start asks for none", async () => {
  await using mailit = await startMailit({ args: ["serve"] });
  expect((await register(mailit.url, {})).status).toBe(303);
  expect(await mailit.stop()).toBe(0);
  await using again = await startMailit({ args: ["serve"], folder: mailit.folder });
  expect((await fetch(`${again.url}/healthz`)).status).toBe(200);
  expect(again.stdout()).not.toContain("make the first one");
});

test("where registration is closed the first account is made on the command line alone", async () => {
  await using mailit = await startMailit({
    args: ["serve"],
    env: { MAILIT_AUTH_REGISTRATION: "closed" },
  });
  expect(mailit.stdout()).not.toContain("make the first one");
  const page = await fetch(`${mailit.url}/admin/first-run`);
  expect(new URL(page.url).pathname).toBe("/admin/sign-in");
  expect(await page.text()).toContain("mailit setup");
  expect((await register(mailit.url, {})).headers.get("location")).toBe("/admin/sign-in");
});
