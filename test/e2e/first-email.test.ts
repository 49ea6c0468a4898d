import { expect, setDefaultTimeout, test } from "bun:test";
import { Resend } from "resend";
import { startMailit } from "./mailit.ts";
import {
  apiOf,
  everythingOf,
  firstEmail,
  folderOfTest,
  lastEventOf,
  setUp,
  startSandbox,
  storyMs,
  type TakenMessage,
  until,
} from "./story.ts";

setDefaultTimeout(storyMs);

test("from an empty folder to a delivered email that carries two good signatures", async () => {
  const folder = await folderOfTest();
  const setup = await setUp(folder);
  expect(setup).toMatchObject({ user: { email: "ada@example.net" }, domain: { name: "example.net" } });
  expect(setup.api_key).toStartWith("re_");
  await using mailit = await startMailit({ folder });
  const api = apiOf(mailit, setup.api_key);

  const tooEarly = await api.post("/emails", firstEmail);
  expect(tooEarly).toMatchObject({ status: 403, body: { name: "validation_error" } });

  expect((await api.post(`/domains/${setup.domain.id}/verify`)).status).toBe(200);
  const sent = await until("the domain may send", async () => {
    const answer = await api.post("/emails", firstEmail);
    return answer.status === 200 ? answer : undefined;
  });
  await lastEventOf(api, sent.body.id, "delivered");

  const { body } = await api.get("/sandbox/messages");
  expect(body.data).toHaveLength(1);
  const message: TakenMessage = body.data[0];
  expect(message).toMatchObject({
    email_id: sent.body.id,
    to: ["delivered@example.com"],
    subject: "Hello from MailIt",
    tls: true,
  });
  expect(message.mail_from).toEndWith("@send.example.net");
  expect(
    message.dkim.map(({ algorithm, domain, result }) => `${algorithm} ${domain} ${result}`).sort(),
  ).toEqual(["ed25519-sha256 example.net pass", "rsa-sha256 example.net pass"]);
});

test("the official SDK works when nothing but its base URL is changed", async () => {
  await using story = await startSandbox();
  const resend = new Resend(story.setup.api_key, { baseUrl: story.mailit.url });
  const ok = <T>({ data, error }: { data: T | null; error: unknown }): T => {
    expect(error).toBeNull();
    return data!;
  };

  const { id } = ok(await resend.emails.send({ ...firstEmail, text: "It works." }));
  await lastEventOf(story.api, id, "delivered");
  expect(ok(await resend.emails.get(id))).toMatchObject({
    id,
    from: firstEmail.from,
    to: firstEmail.to,
    html: firstEmail.html,
    text: "It works.",
    last_event: "delivered",
  });
  expect(ok(await resend.emails.list()).data.map((email) => email.id)).toEqual([id]);

  const domain = ok(await resend.domains.create({ name: "example.org" }));
  expect(domain.records.map(({ record }) => record)).toContain("DKIM");
  ok(await resend.domains.verify(domain.id));
  await until("the second domain is verified", async () =>
    ok(await resend.domains.get(domain.id)).status === "verified" ? true : undefined,
  );
  expect(ok(await resend.domains.list()).data.map(({ name }) => name)).toEqual([
    "example.org",
    "example.net",
  ]);

  const key = ok(await resend.apiKeys.create({ name: "Sending", permission: "sending_access" }));
  expect(ok(await resend.apiKeys.list()).data.map(({ name }) => name)).toEqual(["Sending", "Setup"]);
  const sender = new Resend(key.token, { baseUrl: story.mailit.url });
  ok(await sender.emails.send({ ...firstEmail, from: "hello@example.org" }));
  expect((await sender.domains.list()).error).toMatchObject({ name: "restricted_api_key" });

  ok(await resend.apiKeys.remove(key.id));
  expect((await sender.emails.send(firstEmail)).error).toMatchObject({ name: "invalid_api_key" });
  ok(await resend.domains.remove(domain.id));
  expect((await resend.domains.get(domain.id)).error).toMatchObject({ name: "not_found" });
});

test("the recipient's local part steers what becomes of an email in the sandbox", async () => {
  await using story = await startSandbox();
  const { api } = story;
  const send = async (to: string): Promise<string> => {
    const { status, body } = await api.post("/emails", { ...firstEmail, to });
    expect(status).toBe(200);
    return body.id;
  };
  const fates = {
    delivered: "delivered",
    bounced: "bounced",
    "bounced-later": "bounced",
    deferred: "delivery_delayed",
    complained: "complained",
    suppressed: "suppressed",
  };

  const sent = await Promise.all(
    Object.entries(fates).map(async ([who, fate]) => ({ id: await send(`${who}@example.com`), fate })),
  );
  for (const { id, fate } of sent) await lastEventOf(api, id, fate);

  // Who bounced or complained is not written to again, and nobody else is spared.
  await lastEventOf(api, await send("bounced@example.com"), "suppressed");
  await lastEventOf(api, await send("bounced-later@example.com"), "suppressed");
  await lastEventOf(api, await send("complained@example.com"), "suppressed");
  await lastEventOf(api, await send("delivered@example.com"), "delivered");
  const taken = await everythingOf<TakenMessage>(api, "/sandbox/messages");
  expect(taken.flatMap(({ to }) => to).sort()).toEqual([
    "bounced-later@example.com",
    "complained@example.com",
    "delivered@example.com",
    "delivered@example.com",
  ]);
});
