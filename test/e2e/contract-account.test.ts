/** Sections 6, 12 and 14 of the contract by the official SDK against the executable: every method, success and refusal. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { newId } from "../../src/ids.ts";
import {
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
  time,
  uuid,
} from "./contract.ts";
import { firstEmail, lastEventOf, storyMs, until } from "./story.ts";

setDefaultTimeout(storyMs);

const server = await startContractServer();
const { resend, stranger } = server;
const absent = newId();

const key: Shape = { id: uuid, name: filled, created_at: time, last_used_at: orNull(time) };
const keySuperset = ["permission", "domain_id", "allowed_ips", "token_start"];

test("apiKeys: made, listed, renamed and revoked", async () => {
  const made = ok(await resend.apiKeys.create({ name: "Contract", permission: "sending_access" }));
  expect(differences(made, { id: uuid, token: (value) => /^re_\w+$/.test(String(value)) })).toEqual([]);

  const list = ok(await resend.apiKeys.list());
  expect(listDifferences(list, key, keySuperset)).toEqual([]);
  expect(list.data[0]).toMatchObject({ id: made.id, name: "Contract", last_used_at: null });
  expect(ok(await resend.apiKeys.list({ limit: 1 }))).toMatchObject({
    has_more: true,
    data: [{ id: made.id }],
  });
  expect(ok(await stranger.apiKeys.list()).data).toEqual([]);

  const renamed = ok(await resend.apiKeys.update(made.id, { name: "Renamed" }));
  expect(differences(renamed, { object: is("api_key"), id: is(made.id) })).toEqual([]);
  expect(ok(await resend.apiKeys.list()).data[0]!.name).toBe("Renamed");

  const removed = ok(await resend.apiKeys.remove(made.id));
  const gone = { object: is("api_key"), id: is(made.id), deleted: is(true) };
  expect(differences(removed, gone)).toEqual([]);
  expect(refused(await server.sdk(made.token).emails.send(firstEmail))).toMatch(/^403 invalid_api_key: /);
});

test("apiKeys: what is refused", async () => {
  expect(refused(await resend.apiKeys.create({ name: "" }))).toMatch(/^422 validation_error: /);
  expect(refused(await resend.apiKeys.create({ name: "x".repeat(51) }))).toMatch(/^422 validation_error: /);
  const wrong = await server.api.post("/api-keys", { name: "x", permission: "root" });
  expect(wrong.body).toEqual({
    statusCode: 422,
    name: "invalid_access",
    message: 'Access must be "full_access" | "sending_access"',
  });
  const nowhere = { name: "x", permission: "sending_access", domain_id: absent } as const;
  expect(refused(await resend.apiKeys.create(nowhere))).toBe("404 not_found: Domain not found");
  expect(refused(await resend.apiKeys.update(absent, { name: "x" }))).toBe(
    "404 not_found: API key not found",
  );
  expect(refused(await resend.apiKeys.remove(absent))).toBe("404 not_found: API key not found");
});

test("apiKeys: a key to send with does nothing else, and from no other domain than its own", async () => {
  const { id: domain_id } = ok(await resend.domains.list()).data[0]!;
  const { token } = ok(
    await resend.apiKeys.create({ name: "Bound", permission: "sending_access", domain_id }),
  );
  const sender = server.sdk(token);
  ok(await sender.emails.send(firstEmail));
  ok(await sender.batch.send([firstEmail]));
  for (const answer of [
    await sender.emails.list(),
    await sender.domains.list(),
    await sender.apiKeys.list(),
    await sender.suppressions.list(),
    await sender.logs.list(),
  ]) {
    expect(refused(answer)).toBe("401 restricted_api_key: This API key is restricted to only send emails");
  }
  const other = ok(await resend.domains.create({ name: "bound.example.org" }));
  ok(await resend.domains.verify(other.id));
  await until("the other domain is verified", async () =>
    ok(await resend.domains.get(other.id)).status === "verified" ? true : undefined,
  );
  expect(refused(await sender.emails.send({ ...firstEmail, from: "ada@bound.example.org" }))).toBe(
    "403 validation_error: This API key is not authorized to send emails from bound.example.org",
  );
});

test("oauthGrants: there are none here", async () => {
  expect(ok(await resend.oauthGrants.list())).toEqual({ object: "list", has_more: false, data: [] });
  expect(refused(await resend.oauthGrants.revoke(absent))).toBe(
    "404 not_found: OAuth grant not found. Perhaps it was already revoked?",
  );
});

const suppression: Shape = {
  id: uuid,
  email: filled,
  origin: is("bounce", "complaint", "manual"),
  source_id: orNull(uuid),
  created_at: time,
};
const suppressionSuperset = ["expires_at", "reason"];
const reference = { object: is("suppression"), id: uuid };

test("suppressions: added, listed, told and removed, by id and by address", async () => {
  const added = ok(await resend.suppressions.add({ email: "Ada+List@Example.org" }));
  expect(differences(added, reference)).toEqual([]);
  expect(ok(await resend.suppressions.add({ email: "ada+list@example.org" })).id).toBe(added.id);

  const list = ok(await resend.suppressions.list());
  expect(listDifferences(list, suppression, suppressionSuperset)).toEqual([]);
  expect(list.data[0]).toMatchObject({ id: added.id, email: "ada+list@example.org", origin: "manual" });
  expect(ok(await resend.suppressions.list({ origin: "complaint" })).data).toEqual([]);
  expect(ok(await stranger.suppressions.list()).data).toEqual([]);

  for (const name of [added.id, "ada+list@example.org"]) {
    const got = ok(await resend.suppressions.get(name));
    expect(differences(got, { object: is("suppression"), ...suppression }, suppressionSuperset)).toEqual([]);
    expect(got.id).toBe(added.id);
    expect(refused(await stranger.suppressions.get(name))).toBe("404 not_found: Suppression not found");
  }
  const { id: suppressed } = ok(await resend.emails.send({ ...firstEmail, to: "ada+list@example.org" }));
  expect(ok(await resend.emails.get(suppressed)).last_event).toBe("suppressed");

  const removed = ok(await resend.suppressions.remove("ada+list@example.org"));
  expect(differences(removed, { ...reference, deleted: is(true) })).toEqual([]);
  expect(refused(await resend.suppressions.remove(added.id))).toBe("404 not_found: Suppression not found");
  const { id: sent } = ok(await resend.emails.send({ ...firstEmail, to: "ada+list@example.org" }));
  await lastEventOf(server.api, sent, "delivered");
});

test("suppressions: a bounce names the email that caused it", async () => {
  const { id } = ok(await resend.emails.send({ ...firstEmail, to: "bounced@example.org" }));
  await lastEventOf(server.api, id, "bounced");
  const got = ok(await resend.suppressions.get("bounced@example.org"));
  expect(differences(got, { object: is("suppression"), ...suppression }, suppressionSuperset)).toEqual([]);
  expect(got).toMatchObject({ origin: "bounce", source_id: id });
  expect(ok(await resend.suppressions.list({ origin: "bounce" })).data).toMatchObject([{ source_id: id }]);
});

test("suppressions: in batches", async () => {
  const emails = ["one@example.org", "two@example.org", "three@example.org"];
  const added = ok(await resend.suppressions.batch.add({ emails }));
  expect(differences(added, { data: each(like(reference)) })).toEqual([]);
  expect(added.data).toHaveLength(3);
  const gone = { data: each(like({ ...reference, deleted: is(true) })) };
  const byEmail = ok(await resend.suppressions.batch.remove({ emails: emails.slice(0, 1) }));
  expect(differences(byEmail, gone)).toEqual([]);
  const ids = added.data.slice(1).map(({ id }) => id);
  const byId = ok(await resend.suppressions.batch.remove({ ids }));
  expect(byId.data.map(({ id }) => id)).toEqual(ids);

  expect(refused(await resend.suppressions.batch.add({ emails: [] }))).toMatch(/^422 validation_error: /);
  expect(refused(await resend.suppressions.batch.add({ emails: Array(101).fill("a@example.org") }))).toMatch(
    /^422 validation_error: .*100/,
  );
  expect((await server.api.post("/suppressions/batch/remove", { emails, ids })).status).toBe(422);
  expect(refused(await resend.suppressions.add({ email: "nobody" }))).toMatch(
    /^422 validation_error: Invalid/,
  );
});

const log: Shape = {
  id: uuid,
  created_at: time,
  endpoint: (value) => typeof value === "string" && value.startsWith("/"),
  method: filled,
  response_status: count,
  user_agent: orNull(filled),
};
const logSuperset = ["duration_ms", "api_key_id", "address"];

test("logs: requests are told with their bodies, secrets masked", async () => {
  const { token } = ok(await resend.apiKeys.create({ name: "Logged" }));
  ok(await resend.emails.send({ ...firstEmail, subject: "To be logged" }));
  refused(await resend.emails.send({ ...firstEmail, to: "nobody" }));
  const list = await until("the requests are written", async () => {
    const page = ok(await resend.logs.list({ limit: 100 }));
    return page.data.some((each) => each.response_status === 422 && each.endpoint === "/emails")
      ? page
      : undefined;
  });
  expect(listDifferences(list, log, logSuperset)).toEqual([]);
  const of = (endpoint: string, status: number) =>
    list.data.find((each) => each.endpoint === endpoint && each.response_status === status)!;
  expect(of("/emails", 200).user_agent).toBe("resend-node:6.38.0");

  const full = { object: is("log"), ...log, request_body: () => true, response_body: () => true };
  const sent = ok(await resend.logs.get(of("/emails", 200).id));
  expect(differences(sent, full, logSuperset)).toEqual([]);
  expect(sent).toMatchObject({
    request_body: { subject: "To be logged" },
    response_body: { id: expect.stringMatching(/./) },
  });
  const wrong = ok(await resend.logs.get(of("/emails", 422).id));
  expect(wrong).toMatchObject({ response_body: { statusCode: 422, name: "validation_error" } });
  const made = ok(await resend.logs.get(list.data.find(({ endpoint }) => endpoint === "/api-keys")!.id));
  expect(JSON.stringify(made)).not.toContain(token.slice(10));

  expect(refused(await resend.logs.get(absent))).toBe("404 not_found: Log not found");
  expect(refused(await stranger.logs.get(sent.id))).toBe("404 not_found: Log not found");
});
