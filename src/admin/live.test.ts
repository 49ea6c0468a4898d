import { expect, test } from "bun:test";
import { h } from "preact";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { signIn } from "../accounts/sign-ins.ts";
import { insertMembership } from "../accounts/store.ts";
import { atomically } from "../app.ts";
import { closeLive, liveAnswer } from "./live.ts";
import { adminRoutes } from "./routes.ts";

const app = await testApp();
const browser = { address: "192.0.2.1", userAgent: "test" };
const stays = { whose: "ada", isStillThere: async () => true };
const asking = () => new Request("http://mailit.test/admin/live");

/** Reads to the end of what comes, which there must be. */
async function readToEnd(answer: Response): Promise<string> {
  expect(answer.status).toBe(200);
  return answer.text();
}

test("a live page ends when its person looks at another team in that browser", async () => {
  const [one, other] = [await testTeam(app), await testTeam(app)];
  await atomically(app, [
    insertMembership(app.db, {
      ...{ teamId: other.teamId, userId: one.userId, role: "viewer" },
      createdAt: app.now(),
    }),
  ]);
  const token = await signIn(app, one.user, one.teamId, browser);
  const admin = adminRoutes(app);
  const ask = (path: string, init: RequestInit = {}) =>
    admin.handle(
      new Request(`http://mailit.test${path}`, {
        ...init,
        headers: { cookie: `mailit_session=${token}`, ...init.headers },
      }),
    );
  const csrf = /name="csrf" value="([^"]+)"/.exec(await (await ask("/admin/settings")).text())![1]!;
  const live = await ask("/admin/emails/live");
  const body = new URLSearchParams({ csrf, team: other.teamId }).toString();
  const headers = { "content-type": "application/x-www-form-urlencoded", "content-length": `${body.length}` };
  expect((await ask("/admin/team", { method: "POST", body, headers })).status).toBe(303);
  expect(await readToEnd(live)).toStartWith(": connected");
});

test("one person's open pages leave connections for others", () => {
  const open = (whose: string) => liveAnswer(app, asking(), async () => ({}), { ...stays, whose });
  const answers = Array.from({ length: 30 }, () => open("ada"));
  try {
    expect(() => open("ada")).toThrow("Too many pages are open");
    answers.push(open("grace"));
  } finally {
    closeLive(app);
  }
  expect(answers).toHaveLength(31);
});

test("for a browser that does not read, no more than a few pieces are kept", async () => {
  const asked = Promise.withResolvers<void>();
  let [made, looks] = [0, 0];
  const live = async () => ({ count: h("p", { id: "count" }, String(made++)) });
  const isStillThere = async () => {
    if (++looks === 11) asked.resolve();
    return looks < 11;
  };
  const answer = liveAnswer(app, asking(), live, { whose: "ada", isStillThere }, 1);
  await asked.promise;
  expect(made).toBeLessThan(9);
  expect(await readToEnd(answer)).toContain('<p id="count">0</p>');
});
