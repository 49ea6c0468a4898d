/** Sections 2 and 3 of the contract by the official SDK against the executable: every method, success and refusal. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { newId } from "../../src/ids.ts";
import {
  type Check,
  count,
  differences,
  each,
  filled,
  is,
  like,
  listDifferences,
  ok,
  orNull,
  refused,
  type Shape,
  startContractServer,
  text,
  time,
  url,
  uuid,
} from "./contract.ts";
import { firstEmail, lastEventOf, storyMs } from "./story.ts";

setDefaultTimeout(storyMs);

const server = await startContractServer();
const { resend, stranger } = server;
const absent = newId();

const tomorrow = () => new Date(Date.now() + 86_400_000).toISOString();
const reference = { object: is("email"), id: uuid };
const item: Shape = {
  id: uuid,
  message_id: (value) => typeof value === "string" && /^<[^<>]+@[^<>]+>$/.test(value),
  to: each(filled),
  from: filled,
  created_at: time,
  subject: text,
  bcc: orNull(each(filled)),
  cc: orNull(each(filled)),
  reply_to: orNull(each(filled)),
  last_event: is(
    ...["queued", "scheduled", "sent", "delivered", "delivery_delayed", "bounced", "complained"],
    ...["opened", "clicked", "failed", "canceled", "suppressed"],
  ),
  scheduled_at: orNull(time),
  topic_id: orNull(uuid),
};
const email: Shape = {
  object: is("email"),
  ...item,
  html: orNull(text),
  text: orNull(text),
  tags: each(like({ name: filled, value: text })),
};
const attachment: Shape = {
  id: uuid,
  filename: orNull(filled),
  size: count,
  content_type: filled,
  content_disposition: is("inline", "attachment"),
  content_id: orNull(filled),
  download_url: url,
  expires_at: time,
};

test("emails.send answers an id alone, and emails.create is the same", async () => {
  for (const send of [resend.emails.send, resend.emails.create]) {
    const data = ok(await send.call(resend.emails, firstEmail));
    expect(differences(data, { id: uuid })).toEqual([]);
  }
});

test("emails.get tells all that was sent, key by key", async () => {
  const { id } = ok(
    await resend.emails.send({
      from: "Ada <ada@example.net>",
      to: ["Bob <delivered@example.com>", "delivered+2@example.com"],
      cc: "delivered+cc@example.com",
      bcc: ["delivered+bcc@example.com"],
      replyTo: ["reply@example.net", "Second <second@example.net>"],
      subject: "Everything",
      html: "<p>Everything</p>",
      text: "Everything",
      headers: { "X-Entity-Ref-ID": "42" },
      tags: [{ name: "category", value: "welcome" }],
    }),
  );
  const got = ok(await resend.emails.get(id));
  expect(differences(got, email)).toEqual([]);
  expect(got).toMatchObject({
    id,
    from: "Ada <ada@example.net>",
    to: ["Bob <delivered@example.com>", "delivered+2@example.com"],
    cc: ["delivered+cc@example.com"],
    bcc: ["delivered+bcc@example.com"],
    reply_to: ["reply@example.net", "Second <second@example.net>"],
    subject: "Everything",
    html: "<p>Everything</p>",
    text: "Everything",
    scheduled_at: null,
    tags: [{ name: "category", value: "welcome" }],
  });
  await lastEventOf(server.api, id, "delivered");
  const bare = ok(await resend.emails.get(ok(await resend.emails.send(firstEmail)).id));
  expect(differences(bare, email)).toEqual([]);
  expect(bare).toMatchObject({ cc: null, bcc: null, reply_to: null, topic_id: null, tags: [] });
});

test("emails.get knows no email of another team, none that never was, and nothing that is no id", async () => {
  const { id } = ok(await resend.emails.send(firstEmail));
  expect(refused(await stranger.emails.get(id))).toBe("404 not_found: Email not found");
  expect(refused(await resend.emails.get(absent))).toBe("404 not_found: Email not found");
  expect(refused(await resend.emails.get("nonsense"))).toBe("404 not_found: Email not found");
});

const without = <K extends keyof typeof firstEmail>(key: K) => {
  const { [key]: _, ...rest } = firstEmail;
  return rest as typeof firstEmail;
};
test.each([
  [without("to"), "422 missing_required_field: Missing `to` field."],
  [without("from"), "422 missing_required_field: Missing `from` field."],
  [without("subject"), "422 missing_required_field: Missing `subject` field."],
  [without("html"), "422 validation_error: Missing `html` or `text` field."],
  [
    { ...firstEmail, to: ["not an address"] },
    /^422 validation_error: Invalid `to` field\. The email address/,
  ],
  [{ ...firstEmail, from: "nobody" }, /^422 invalid_from_address: Invalid `from` field\./],
  [{ ...firstEmail, from: "ada@elsewhere.org" }, /^403 validation_error: The elsewhere\.org domain is not/],
  [{ ...firstEmail, to: Array<string>(51).fill("a@example.com") }, /^422 validation_error: .*50/],
  [{ ...firstEmail, tags: [{ name: "not ok", value: "x" }] }, /^422 validation_error: Tags should only/],
  [
    { ...firstEmail, attachments: [{ filename: "empty.txt" }] },
    /^422 invalid_attachment: Attachment must have/,
  ],
  [
    { ...firstEmail, attachments: [{ filename: "run.EXE", content: "AA==" }] },
    /^422 invalid_attachment: .*run\.EXE/,
  ],
  [{ ...firstEmail, scheduledAt: "when it suits you" }, /^422 validation_error: .*scheduled_at/],
  [{ ...firstEmail, scheduledAt: "in 60 days" }, /^422 validation_error: .*30 days/],
  [{ ...firstEmail, headers: { "DKIM-Signature": "v=1" } }, /^422 validation_error: .*headers/],
])("emails.send is refused (%#)", async (request, why) => {
  const said = refused(await resend.emails.send(request));
  if (typeof why === "string") expect(said).toBe(why);
  else expect(said).toMatch(why);
});

test("emails.send with a template that is not there is refused", async () => {
  const { from, to } = firstEmail;
  expect(refused(await resend.emails.send({ from, to, template: { id: absent } }))).toBe(
    "404 not_found: Template not found",
  );
});

test("an unknown key, and none at all, are told apart", async () => {
  expect(refused(await server.sdk("re_wrong").emails.send(firstEmail))).toMatch(/^403 invalid_api_key: /);
  const answer = await fetch(`${server.url}/emails`, { method: "POST", body: "{}" });
  expect([answer.status, await answer.json()]).toMatchObject([401, { name: "missing_api_key" }]);
});

test("emails.list gives pages, the newest first, and walks both ways", async () => {
  const sent: string[] = [];
  for (let n = 0; n < 5; n++) sent.unshift(ok(await resend.emails.send(firstEmail)).id);
  const ids = ({ data }: { data: { id: string }[] }) => data.map(({ id }) => id);

  const first = ok(await resend.emails.list({ limit: 2 }));
  expect(listDifferences(first, item)).toEqual([]);
  expect([ids(first), first.has_more]).toEqual([sent.slice(0, 2), true]);
  const second = ok(await resend.emails.list({ limit: 2, after: sent[1]! }));
  expect(ids(second)).toEqual(sent.slice(2, 4));
  const back = ok(await resend.emails.list({ limit: 2, before: sent[2]! }));
  expect([ids(back), back.has_more]).toEqual([sent.slice(0, 2), false]);
  expect(ok(await resend.emails.list()).data.length).toBeLessThanOrEqual(20);
  expect(ok(await stranger.emails.list())).toEqual({ object: "list", has_more: false, data: [] });
});

test("emails.list refuses a limit out of bounds and two cursors", async () => {
  expect(refused(await resend.emails.list({ limit: 101 }))).toMatch(
    /^422 validation_error: The pagination limit must be a number between 1 and 100\./,
  );
  const both = await server.api.get(`/emails?after=${absent}&before=${absent}`);
  expect([both.status, both.body.name]).toEqual([422, "validation_error"]);
});

test("a scheduled email waits, moves and is canceled, once", async () => {
  const { id } = ok(await resend.emails.send({ ...firstEmail, scheduledAt: "tomorrow at 9am" }));
  const scheduled = ok(await resend.emails.get(id));
  expect(differences(scheduled, email)).toEqual([]);
  expect([scheduled.last_event, scheduled.scheduled_at]).toEqual([
    "scheduled",
    expect.stringContaining("T09:00"),
  ]);

  const later = tomorrow();
  expect(differences(ok(await resend.emails.update({ id, scheduledAt: later })), reference)).toEqual([]);
  expect(ok(await resend.emails.get(id)).scheduled_at).toBe(later);

  expect(refused(await stranger.emails.cancel(id))).toBe("404 not_found: Email not found");
  expect(differences(ok(await resend.emails.cancel(id)), reference)).toEqual([]);
  expect(ok(await resend.emails.get(id)).last_event).toBe("canceled");
  expect(refused(await resend.emails.cancel(id))).toMatch(/^422 validation_error: /);
  expect(refused(await resend.emails.update({ id, scheduledAt: later }))).toMatch(/^422 validation_error: /);
});

test("an email is sent when its time is moved to now", async () => {
  const { id } = ok(await resend.emails.send({ ...firstEmail, scheduledAt: tomorrow() }));
  ok(await resend.emails.update({ id, scheduledAt: "in 1 second" }));
  await lastEventOf(server.api, id, "delivered");
  expect(refused(await resend.emails.cancel(id))).toMatch(/^422 validation_error: /);
});

test("emails.update is refused without a time, with one too far, and for an email that is not there", async () => {
  const { id } = ok(await resend.emails.send({ ...firstEmail, scheduledAt: tomorrow() }));
  const nothing = await server.api.patch(`/emails/${id}`, {});
  expect([nothing.status, nothing.body]).toEqual([
    422,
    { statusCode: 422, name: "missing_required_field", message: "Missing `scheduled_at` field." },
  ]);
  expect(refused(await resend.emails.update({ id, scheduledAt: "in 31 days" }))).toMatch(/^422 .*30 days/);
  expect(refused(await resend.emails.update({ id: absent, scheduledAt: tomorrow() }))).toBe(
    "404 not_found: Email not found",
  );
  ok(await resend.emails.cancel(id));
});

test("emails.share gives a link that needs no key, for 48 hours at most", async () => {
  const { id } = ok(await resend.emails.send({ ...firstEmail, html: "<p>To be shared</p>" }));
  const shared = ok(await resend.emails.share(id, { expiresIn: "2 hours" }));
  expect(differences(shared, { ...reference, url })).toEqual([]);
  const { pathname, search } = new URL(shared.url);
  const page = await fetch(server.url + pathname + search);
  expect(page.status).toBe(200);
  expect(await page.text()).toContain("To be shared");
  expect((await fetch(`${server.url}${pathname}?token=forged`)).status).toBe(404);

  ok(await resend.emails.share(id));
  expect(refused(await resend.emails.share(id, { expiresIn: "3 days" }))).toBe(
    "422 validation_error: expires_in must not exceed 48 hours",
  );
  expect(refused(await stranger.emails.share(id))).toBe("404 not_found: Email not found");
});

test("attachments are listed, told and downloaded without a key", async () => {
  const { id } = ok(
    await resend.emails.send({
      ...firstEmail,
      html: '<img src="cid:logo">',
      attachments: [
        { filename: "report.txt", content: Buffer.from("the report") },
        {
          filename: "logo.png",
          content: Buffer.from("a picture"),
          contentId: "logo",
          contentType: "image/png",
        },
      ],
    }),
  );
  const list = ok(await resend.emails.attachments.list({ emailId: id }));
  expect(listDifferences(list, attachment)).toEqual([]);
  expect(list.data).toMatchObject([
    {
      filename: "report.txt",
      size: 10,
      content_type: "text/plain",
      content_disposition: "attachment",
      content_id: null,
    },
    {
      filename: "logo.png",
      size: 9,
      content_type: "image/png",
      content_disposition: "inline",
      content_id: "logo",
    },
  ]);
  const one = ok(await resend.emails.attachments.get({ emailId: id, id: list.data[0]!.id }));
  expect(differences(one, { object: is("attachment"), ...attachment })).toEqual([]);
  const { pathname, search } = new URL(one.download_url);
  const file = await fetch(server.url + pathname + search);
  expect([file.status, await file.text()]).toEqual([200, "the report"]);
  expect((await fetch(server.url + pathname + search.replace(/.$/, "~"))).status).toBe(404);

  expect(refused(await resend.emails.attachments.get({ emailId: id, id: absent }))).toBe(
    "404 not_found: Attachment not found",
  );
  expect(refused(await stranger.emails.attachments.list({ emailId: id }))).toBe(
    "404 not_found: Email not found",
  );
});

const metrics = [
  ...[
    "received",
    "delivered",
    "complained",
    "suppressed",
    "bounced",
    "bounced_transient",
    "bounced_permanent",
  ],
  ...["bounced_undetermined", "opened", "clicked", "unsubscribed", "delivery_delayed", "failed", "sent"],
  ...["unique_opened", "unique_clicked", "delivery_rate", "open_rate", "click_rate", "bounce_rate"],
  ...["complaint_rate", "unsubscribe_rate"],
];
const number: Check = (value) => typeof value === "number" && value >= 0;
const numbers = (...names: string[]): Shape => Object.fromEntries(names.map((name) => [name, number]));
const metricsHead: Shape = {
  object: is("metrics"),
  start_date: time,
  end_date: time,
  metrics: each(is(...metrics)),
  dimensions: Array.isArray,
  granularity: is("hourly", "daily", "weekly", "monthly"),
};

test("emails.metrics counts in all, by period, domain and email", async () => {
  const domain = ok(await resend.domains.list()).data[0]!;
  const { id } = ok(await resend.emails.send(firstEmail));
  await lastEventOf(server.api, id, "delivered");

  const all = ok(await resend.emails.metrics());
  expect(differences(all, { ...metricsHead, totals: like(numbers(...metrics)) })).toEqual([]);
  expect(all.totals.delivered).toBeGreaterThan(0);
  expect([all.granularity, all.dimensions]).toEqual(["daily", []]);

  const byEmail = ok(
    await resend.emails.metrics({ dimensions: ["email"], emailId: [id], metrics: ["delivered", "bounced"] }),
  );
  expect(
    differences(byEmail, {
      ...metricsHead,
      totals: like(numbers("delivered", "bounced")),
      data: each(like({ email_id: is(id), ...numbers("delivered", "bounced") })),
    }),
  ).toEqual([]);
  expect(byEmail.data).toEqual([{ email_id: id, delivered: 1, bounced: 0 }]);

  const byDomain = ok(
    await resend.emails.metrics({
      dimensions: ["period", "domain"],
      granularity: "hourly",
      timezone: "Europe/Berlin",
      domainId: [domain.id],
      metrics: ["sent", "delivery_rate"],
    }),
  );
  const row = {
    period: time,
    domain_id: is(domain.id),
    domain_name: is(domain.name),
    ...numbers("sent", "delivery_rate"),
  };
  expect(
    differences(byDomain, {
      ...metricsHead,
      totals: like(numbers("sent", "delivery_rate")),
      data: each(like(row)),
    }),
  ).toEqual([]);
  expect(byDomain.data!.length).toBeGreaterThan(0);
  expect(ok(await resend.emails.metrics({ dimensions: ["broadcast"] })).data).toEqual([]);
  expect(ok(await stranger.emails.metrics({ metrics: ["sent"] })).totals).toEqual({ sent: 0 });
});

test("emails.metrics refuses what it can't count", async () => {
  const ask = async (query: string) => {
    const { status, body } = await server.api.get(`/emails/metrics?${query}`);
    return `${status} ${body.name}`;
  };
  expect(await ask("metrics=nonsense")).toBe("422 validation_error");
  expect(await ask("timezone=Mars/Olympus")).toBe("422 validation_error");
  expect(await ask("start_date=2026-02-02&end_date=2026-01-01")).toBe("422 validation_error");
  expect(await ask("dimensions=email,broadcast")).toBe("422 validation_error");
});

test("batch.send takes a batch whole, in its order", async () => {
  const batch = [1, 2, 3].map((n) => ({ ...firstEmail, subject: `Batch ${n}` }));
  for (const send of [resend.batch.send, resend.batch.create]) {
    const answer = ok(await send.call(resend.batch, batch));
    expect(differences(answer, { data: each(like({ id: uuid })) })).toEqual([]);
    const subjects = await Promise.all(
      answer.data.map(async ({ id }) => ok(await resend.emails.get(id)).subject),
    );
    expect(subjects).toEqual(["Batch 1", "Batch 2", "Batch 3"]);
  }
});

test("batch.send is strict unless it is told to be permissive", async () => {
  const batch = [firstEmail, { ...firstEmail, to: "nobody" }, firstEmail];
  const before = ok(await resend.emails.list({ limit: 1 })).data[0]!.id;
  expect(refused(await resend.batch.send(batch))).toMatch(/^422 validation_error: /);
  expect(ok(await resend.emails.list({ limit: 1 })).data[0]!.id).toBe(before);

  const some = ok(await resend.batch.send(batch, { batchValidation: "permissive" }));
  const shape = { data: each(like({ id: uuid })), errors: each(like({ index: count, message: filled })) };
  expect(differences(some, shape)).toEqual([]);
  expect([some.data.length, some.errors.map(({ index }) => index)]).toEqual([2, [1]]);
  const none = ok(await resend.batch.send([firstEmail], { batchValidation: "permissive" }));
  expect(none.errors).toEqual([]);

  expect(refused(await resend.batch.send([]))).toMatch(/^422 validation_error: /);
  expect(refused(await resend.batch.send(Array(101).fill(firstEmail)))).toMatch(
    /^422 validation_error: .*100/,
  );
});

test("what is sent twice under one idempotency key is sent once", async () => {
  const options = { idempotencyKey: newId() };
  const first = ok(await resend.emails.send(firstEmail, options));
  expect(ok(await resend.emails.send(firstEmail, options))).toEqual(first);
  expect(refused(await resend.emails.send({ ...firstEmail, subject: "Other" }, options))).toMatch(
    /^409 invalid_idempotent_request: /,
  );
  const batch = ok(await resend.batch.send([firstEmail, firstEmail], options));
  expect(ok(await resend.batch.send([firstEmail, firstEmail], options))).toEqual(batch);
  expect(refused(await resend.batch.send([firstEmail], options))).toMatch(
    /^409 invalid_idempotent_request: /,
  );
  expect(refused(await resend.emails.send(firstEmail, { idempotencyKey: "x".repeat(257) }))).toBe(
    "400 invalid_idempotency_key: The key must be between 1-256 chars.",
  );
});

test("every answer carries the state of the rate limit", async () => {
  const { headers } = await resend.emails.list();
  const shape = { limit: "1000", policy: "1000;w=1", remaining: expect.stringMatching(/^\d+$/), reset: "1" };
  for (const [name, value] of Object.entries(shape)) expect(headers![`ratelimit-${name}`]).toEqual(value);
});
