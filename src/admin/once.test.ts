import { expect, test } from "bun:test";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { testDomain } from "../../test/support/test-domain.ts";
import { signIn } from "../accounts/sign-ins.ts";
import { getEmails } from "../emails/read.ts";
import { listTeamKeys } from "../keys/service.ts";
import { getSuppressions } from "../suppressions/read.ts";
import { adminRoutes } from "./routes.ts";

const app = await testApp();
const { teamId, user } = await testTeam(app);
const server = adminRoutes(app);
const cookie = `mailit_session=${await signIn(app, user, teamId, { address: "192.0.2.1", userAgent: "" })}`;

/** A page's token, as its forms carry it. */
async function load(): Promise<string> {
  const page = await server.handle(new Request("http://mailit.test/admin/api-keys", { headers: { cookie } }));
  return /name="csrf" value="([^"]+)"/.exec(await page.text())![1]!;
}

function send(path: string, fields: Record<string, string>, node = server) {
  const body = new URLSearchParams(fields).toString();
  const headers = {
    ...{ cookie, "content-type": "application/x-www-form-urlencoded", "content-length": String(body.length) },
  };
  return node.handle(new Request(`http://mailit.test${path}`, { method: "POST", headers, body }));
}

const makeKey = (csrf: string, name: string) =>
  send("/admin/api-keys", { csrf, name, permission: "sending_access" });
const tokenIn = async (answer: Response) => /re_\w+/.exec(await answer.text())?.[0];
const keysNamed = async (name: string) =>
  (await listTeamKeys(app, teamId, { limit: 1000 })).filter((key) => key.name === name).length;

test("a form that is sent twice at once acts once, and both are answered what it made", async () => {
  const csrf = await load();
  const answers = await Promise.all([1, 2, 3].map(() => makeKey(csrf, "At once")));
  expect(answers.map(({ status }) => status)).toEqual([201, 201, 201]);
  const tokens = await Promise.all(answers.map(tokenIn));
  expect(new Set(tokens).size).toBe(1);
  expect(tokens[0]).toBeString();
  expect(await keysNamed("At once")).toBe(1);
});

test("a form that is sent again later leads where the first led, with what was said there", async () => {
  const csrf = await load();
  const first = await send("/admin/topics", {
    csrf,
    name: "News",
    default_subscription: "opt_in",
    visibility: "public",
  });
  const again = await send("/admin/topics", {
    csrf,
    name: "News",
    default_subscription: "opt_in",
    visibility: "public",
  });
  expect(first.status).toBe(303);
  for (const name of ["location", "set-cookie"])
    expect(again.headers.get(name)).toBe(first.headers.get(name));
});

test("the same words on a page that was loaded anew are another act, and so are others on the same page", async () => {
  await makeKey(await load(), "Two of it");
  const csrf = await load();
  await makeKey(csrf, "Two of it");
  await makeKey(csrf, "One of it");
  expect([await keysNamed("Two of it"), await keysNamed("One of it")]).toEqual([2, 1]);
});

test("what was refused may be sent again", async () => {
  const csrf = await load();
  for (const _ of [1, 2]) expect((await makeKey(csrf, "")).status).toBe(422);
  const held = await Promise.all([makeKey(csrf, ""), makeKey(csrf, "")]);
  expect(held.map(({ status }) => status)).toEqual([422, 422]);
});

test("what was undone by something else one has sent is done again", async () => {
  const csrf = await load();
  const suppress = () => send("/admin/suppressions", { csrf, email: "again@example.org", reason: "manual" });
  await suppress();
  const [row] = await getSuppressions(app, teamId, undefined, { limit: 10 });
  await send(`/admin/suppressions/${row!.id}/remove`, { csrf });
  expect(await getSuppressions(app, teamId, undefined, { limit: 10 })).toHaveLength(0);
  await suppress();
  expect(await getSuppressions(app, teamId, undefined, { limit: 10 })).toHaveLength(1);
});

test("who comes back to an old page after a while means it", async () => {
  const csrf = await load();
  await makeKey(csrf, "Later");
  app.clock.advance(11 * 60_000);
  await makeKey(csrf, "Later");
  expect(await keysNamed("Later")).toBe(2);
});

test("an email that is sent twice is one email, also where its forms come to two nodes", async () => {
  await testDomain(app, teamId, "example.com");
  const another = adminRoutes({ ...app }); // it remembers nothing of what this one was sent
  const fields = {
    csrf: await load(),
    from: "ada@example.com",
    to: "grace@example.org",
    subject: "Once",
    text: "Hi",
  };
  const answers = [
    await send("/admin/emails/new", fields),
    await send("/admin/emails/new", fields, another),
    await send("/admin/emails/new", { ...fields, subject: "Another" }, another),
  ];
  const [first, again, other] = answers.map(({ headers }) => headers.get("location"));
  expect(first).toStartWith("/admin/emails/");
  expect([again === first, other === first]).toEqual([true, false]);
  const resent = { csrf: fields.csrf };
  const twice = [await send(`${first}/resend`, resent), await send(`${first}/resend`, resent, another)];
  expect(twice[1]!.headers.get("location")).toBe(twice[0]!.headers.get("location")!);
  expect(await getEmails(app, teamId, { limit: 10 })).toHaveLength(3);
});

test("a form with a corrected file of the same name and size is another email", async () => {
  await testDomain(app, teamId, "files.example");
  const csrf = await load();
  const sendFile = async (content: string) => {
    const form = new FormData();
    const fields = {
      csrf,
      from: "ada@example.com",
      to: "grace@example.org",
      subject: "Report",
      text: "Here",
    };
    for (const [name, value] of Object.entries(fields)) form.set(name, value);
    form.set("attachments", new File([content], "report.csv"));
    const encoded = new Response(form);
    const type = encoded.headers.get("content-type")!; // before it is read
    const body = await encoded.bytes();
    const headers = { cookie, "content-type": type, "content-length": String(body.length) };
    return server.handle(
      new Request("http://mailit.test/admin/emails/new", { method: "POST", headers, body }),
    );
  };
  const [wrong, right] = [await sendFile("abc"), await sendFile("abd")];
  expect(wrong.headers.get("location")).toStartWith("/admin/emails/");
  expect(right.headers.get("location")).not.toBe(wrong.headers.get("location"));
});
