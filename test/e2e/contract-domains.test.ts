/** Section 5 of the contract by the official SDK against the executable: every method, success and refusal. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { newId } from "../../src/ids.ts";
import {
  differences,
  each,
  filled,
  flag,
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
  uuid,
} from "./contract.ts";
import { firstEmail, storyMs, until } from "./story.ts";

setDefaultTimeout(storyMs);

const server = await startContractServer();
const { resend, stranger } = server;
const absent = newId();

const reference = { object: is("domain"), id: uuid };
const capability = is("enabled", "disabled");
const item: Shape = {
  id: uuid,
  name: filled,
  status: is("not_started", "pending", "verified", "failed", "partially_verified", "partially_failed"),
  created_at: time,
  region: is("us-east-1", "eu-west-1", "sa-east-1", "ap-northeast-1"),
  open_tracking: flag,
  click_tracking: flag,
  tracking_subdomain: filled,
  capabilities: like({ sending: capability, receiving: capability }),
};
const itemSuperset = ["tls"];
const record = (value: unknown): boolean => {
  const shape: Shape = {
    record: is("SPF", "DKIM", "Receiving", "Tracking"),
    name: filled,
    type: is("MX", "TXT", "CNAME"),
    ttl: is("Auto"),
    status: is("not_started", "pending", "verified", "failed", "temporary_failure"),
    value: filled,
  };
  return differences(value, shape, ["priority", "host", "reason", "found"]).length === 0;
};
const created: Shape = { ...item, records: each(record) };
const createdSuperset = [...itemSuperset, "recommended_records", "checked_at", "checked_until"];

const verified = (id: string) =>
  until(`${id} is verified`, async () => {
    const domain = ok(await resend.domains.get(id));
    return domain.status === "verified" ? domain : undefined;
  });

test("domains.create answers the domain with the records to publish", async () => {
  const domain = ok(
    await resend.domains.create({
      name: "Created.Example.org",
      region: "eu-west-1",
      customReturnPath: "bounces",
      openTracking: true,
      trackingSubdomain: "go",
    }),
  );
  expect(differences(domain, created, createdSuperset)).toEqual([]);
  expect(domain).toMatchObject({ name: "created.example.org", status: "not_started", region: "eu-west-1" });
  const shown = domain.records.map(({ record, type, name }) => `${record} ${type} ${name}`);
  expect(shown).toEqual([
    "SPF MX bounces.created",
    "SPF TXT bounces.created",
    "DKIM TXT mailit._domainkey.created",
    "DKIM TXT mailit-ed25519._domainkey.created",
    "Tracking CNAME go.created",
  ]);
  const receiving = ok(
    await resend.domains.create({
      name: "receiving.example.org",
      capabilities: { sending: "disabled", receiving: "enabled" },
    }),
  );
  expect(receiving.records.map(({ record, type }) => `${record} ${type}`)).toEqual(["Receiving MX"]);
});

test("domains.create refuses what can't be a domain of the team's", async () => {
  const create = async (options: Parameters<typeof resend.domains.create>[0]) =>
    refused(await resend.domains.create(options));
  expect(await create({ name: "" })).toBe("422 missing_required_field: Missing `name` field.");
  expect(await create({ name: "not a domain" })).toMatch(/^422 validation_error: Invalid `name` field\./);
  expect(await create({ name: "com" })).toMatch(/^422 validation_error: /);
  expect(await create({ name: "a.example.org", customReturnPath: "-x" })).toMatch(
    /^422 .*custom_return_path/,
  );
  expect(await create({ name: "a.example.org", region: "moon-1" as "us-east-1" })).toMatch(
    /^422 invalid_region: /,
  );
  const off = { sending: "disabled", receiving: "disabled" } as const;
  expect(await create({ name: "a.example.org", capabilities: off })).toMatch(/^422 .*capabilities/);
  expect(await create({ name: "example.net" })).toMatch(/^409 validation_error: .*already added/);
});

test("domains.list and domains.get, page by page and key by key", async () => {
  const made = ok(await resend.domains.create({ name: "listed.example.org" }));
  const list = ok(await resend.domains.list());
  expect(listDifferences(list, item, itemSuperset)).toEqual([]);
  expect(list.data[0]!.id).toBe(made.id);
  const page = ok(await resend.domains.list({ limit: 1, after: made.id }));
  expect([page.data[0]!.id, page.has_more]).toEqual([list.data[1]!.id, true]);
  expect(ok(await stranger.domains.list()).data).toEqual([]);

  const got = ok(await resend.domains.get(made.id));
  expect(differences(got, { object: is("domain"), ...created }, createdSuperset)).toEqual([]);
  expect(refused(await resend.domains.get(absent))).toBe("404 not_found: Domain not found");
  expect(refused(await stranger.domains.get(made.id))).toBe("404 not_found: Domain not found");
});

test("domains.update changes what may change", async () => {
  const { id } = ok(await resend.domains.create({ name: "updated.example.org" }));
  const changes = {
    id,
    openTracking: true,
    clickTracking: true,
    tls: "enforced",
    trackingSubdomain: "track",
    capabilities: { receiving: "enabled" },
  } as const;
  expect(differences(ok(await resend.domains.update(changes)), reference)).toEqual([]);
  expect(ok(await resend.domains.get(id))).toMatchObject({
    open_tracking: true,
    click_tracking: true,
    tls: "enforced",
    tracking_subdomain: "track",
    capabilities: { sending: "enabled", receiving: "enabled" },
  });
  const off = { sending: "disabled", receiving: "disabled" } as const;
  expect(refused(await resend.domains.update({ id, capabilities: off }))).toMatch(/^422 /);
  expect(refused(await resend.domains.update({ id: absent, openTracking: true }))).toMatch(/^404 /);
  expect(refused(await stranger.domains.update({ id, openTracking: false }))).toMatch(/^404 /);
});

test("domains.verify and domains.remove", async () => {
  const { id } = ok(await resend.domains.create({ name: "verified.example.org" }));
  const from = "ada@verified.example.org";
  expect(refused(await resend.emails.send({ ...firstEmail, from }))).toMatch(/^403 .*not verified/);
  expect(differences(ok(await resend.domains.verify(id)), reference)).toEqual([]);
  const domain = await verified(id);
  expect(domain.records.map(({ status }) => status)).toEqual(domain.records.map(() => "verified"));
  ok(await resend.emails.send({ ...firstEmail, from }));

  expect(refused(await stranger.domains.verify(id))).toMatch(/^404 /);
  expect(refused(await stranger.domains.remove(id))).toMatch(/^404 /);
  const removed = ok(await resend.domains.remove(id));
  expect(differences(removed, { ...reference, deleted: is(true) })).toEqual([]);
  expect(refused(await resend.domains.remove(id))).toBe("404 not_found: Domain not found");
  expect(refused(await resend.domains.verify(id))).toBe("404 not_found: Domain not found");
  expect(refused(await resend.emails.send({ ...firstEmail, from }))).toMatch(/^403 .*not verified/);
});

const claim: Shape = {
  object: is("domain_claim"),
  id: uuid,
  name: filled,
  status: is("pending", "verified", "completed", "blocked", "expired", "superseded", "canceled", "failed"),
  domain_id: orNull(uuid),
  region: orNull(filled),
  record: (value) =>
    differences(
      value,
      { type: is("TXT"), name: text, value: (v) => /=\S{16,}$/.test(String(v)), ttl: is("Auto") },
      ["host"],
    ).length === 0,
  blocked_reason: orNull(is("grace_period", "recent_owner_activity", "pending_scheduled_emails")),
  failure_reason: orNull(filled),
  created_at: time,
  expires_at: time,
};

test("domains.claims: another team that owns the name takes the domain over", async () => {
  const held = ok(await stranger.domains.create({ name: "claimed.example.org" }));
  const made = ok(await resend.domains.claims.create({ name: "claimed.example.org", region: "eu-west-1" }));
  expect(differences(made, claim)).toEqual([]);
  expect([made.status, made.region]).toEqual(["pending", "eu-west-1"]);
  expect(
    ok(await resend.domains.claims.create({ name: "claimed.example.org", region: "eu-west-1" })).id,
  ).toBe(made.id);
  expect(differences(ok(await resend.domains.claims.get(made.id)), claim)).toEqual([]);
  expect(refused(await stranger.domains.claims.get(made.id))).toMatch(/^404 not_found: /);

  expect(differences(ok(await resend.domains.claims.verify(made.id)), claim)).toEqual([]);
  const done = await until("the claim is completed", async () => {
    const now = ok(await resend.domains.claims.get(made.id));
    return now.status === "completed" ? now : undefined;
  });
  expect(ok(await resend.domains.get(done.domain_id!))).toMatchObject({
    name: "claimed.example.org",
    region: "eu-west-1",
  });
  expect(refused(await stranger.domains.get(held.id))).toBe("404 not_found: Domain not found");
});

test("domains.claims: what nobody else holds is not claimed", async () => {
  expect(refused(await resend.domains.claims.create({ name: "free.example.org" }))).toMatch(/^4\d\d /);
  expect(refused(await resend.domains.claims.create({ name: "example.net" }))).toMatch(/^4\d\d /);
  expect(refused(await resend.domains.claims.get(absent))).toMatch(/^404 not_found: /);
  expect(refused(await resend.domains.claims.verify(absent))).toMatch(/^404 not_found: /);
});

test("DKIM keys are rotated: the new ones sign once DNS has them, the old ones stay published", async () => {
  const { id } = ok(await resend.domains.create({ name: "rotated.example.org" }));
  ok(await resend.domains.verify(id));
  const before = await verified(id);
  const selectors = (records: { record: string; name: string }[]) =>
    records.filter(({ record }) => record === "DKIM").map(({ name }) => name.replace(/\._domainkey.*/, ""));
  const { status } = await server.api.post(`/domains/${id}/dkim/rotate`);
  expect(status).toBe(200);
  const rotated = await until("the new keys are seen", async () => {
    const { body } = await server.api.get(`/domains/${id}`);
    const names = selectors([...body.records, ...body.recommended_records]);
    return body.status === "verified" && names.length > 2 ? names : undefined;
  });
  expect(rotated).toEqual(expect.arrayContaining(selectors(before.records)));

  const from = "ada@rotated.example.org";
  const fresh = rotated.filter((name) => !selectors(before.records).includes(name));
  await until("a message is signed by the new keys", async () => {
    const { id: sent } = ok(await resend.emails.send({ ...firstEmail, from }));
    return until(`${sent} is taken`, async () => {
      const { body } = await server.api.get("/sandbox/messages?limit=100");
      const taken = body.data.find((message: { email_id: string }) => message.email_id === sent);
      if (!taken) return undefined;
      const good = taken.dkim.filter(({ result }: { result: string }) => result === "pass");
      const names = good.map(({ selector }: { selector: string }) => selector);
      return names.every((name: string) => fresh.includes(name)) ? true : undefined;
    }).catch(() => undefined);
  });
  expect((await server.api.post(`/domains/${absent}/dkim/rotate`)).status).toBe(404);
});
