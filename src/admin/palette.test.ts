import { expect, test } from "bun:test";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { signIn } from "../accounts/sign-ins.ts";
import { createSegment } from "../contacts/segments.ts";
import { createTopic } from "../contacts/topics.ts";
import { createWebhook } from "../webhooks/service.ts";
import { adminRoutes } from "./routes.ts";

const app = await testApp({ sandbox: true });
const { teamId, user } = await testTeam(app);
const server = adminRoutes(app);
const cookie = `mailit_session=${await signIn(app, user, teamId, { address: "192.0.2.1", userAgent: "" })}`;

const ask = (path: string) =>
  server.handle(new Request(`http://mailit.test${path}`, { headers: { cookie, "hx-request": "true" } }));
async function found(text: string): Promise<Map<string, string>> {
  const html = await (await ask(`/admin/palette/find?${new URLSearchParams({ q: text })}`)).text();
  const links = html.matchAll(/<a href="([^"]+)">.*?<span class="cut">([^<]*)<\/span>/gs);
  return new Map([...links].map(([, path, name]) => [name!, path!]));
}

test("whatever the palette leads to is there", async () => {
  const unasked = await (await ask("/admin/palette")).text();
  const paths = new Set([...unasked.matchAll(/href="([^"]+)"/g)].map(([, path]) => path!));
  for (const letter of "aeiou") for (const path of (await found(letter)).values()) paths.add(path);
  expect(paths.size).toBeGreaterThan(35);
  for (const path of paths)
    expect({ path, status: (await ask(path.split("#")[0]!)).status }).toEqual({ path, status: 200 });
});

test("pages and commands are found by the words people know them by", async () => {
  const words = ["audit", "smtp", "invite", "members", "sign out", "new template", "pause", "csv", "gdpr"];
  const first = await Promise.all(words.map(async (text) => [...(await found(text)).keys()][0]));
  expect(first).toEqual([
    ...["Audit log", "Documentation", "Invitations", "Members", "Your account", "Write a template", "Queue"],
    ...["Imports of contacts", "Personal data"],
  ]);
});

test("what a team has is found by a part of its name, whatever it is", async () => {
  await createSegment(app, teamId, { name: "Quiet customers" });
  await createTopic(app, teamId, { name: "Quiet news", defaultSubscription: "opt_in", visibility: "public" });
  await createWebhook(app, teamId, { endpoint: "https://quiet.example/hook", events: ["email.sent"] });
  expect([...(await found("QUIET")).keys()]).toEqual([
    ...["Quiet customers", "Quiet news", "https://quiet.example/hook"],
  ]);
});
