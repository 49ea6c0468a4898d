import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { CertificateFlaw } from "../../test/support/authority.ts";
import { dnsTable } from "../../test/support/dns-table.ts";
import { type HttpsHost, startHttpsHost } from "../../test/support/https-host.ts";
import { type TestApp, type TestAppOptions, testApp } from "../../test/support/test-app.ts";
import { atomically } from "../app.ts";
import { openEmbedded } from "../db/embedded.ts";
import { rawWrite } from "../db/write.ts";
import { startDispatcher } from "../jobs/dispatcher.ts";
import { forgettingPolicies, type StsPolicy, stsPolicyFor } from "./mta-sts.ts";
import { StsMemory } from "./mta-sts-memory.ts";
import { findPolicy, upsertPolicy } from "./mta-sts-store.ts";
import type { MtaStsPolicy } from "./schema.ts";

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

const host = await startHttpsHost({ names: ["mta-sts.example.com"] });
afterAll(() => host[Symbol.asyncDispose]());

interface Published {
  mode?: string;
  mx?: string;
  maxAge?: number;
  type?: string;
  status?: number;
  more?: string;
}

/** What the domain's web server has from now on. */
function publish({
  mode = "enforce",
  mx = "mx.example.com",
  maxAge = 604_800,
  ...how
}: Published = {}): void {
  const text = `version: STSv1\nmode: ${mode}\nmx: ${mx}\nmax_age: ${maxAge}\n${how.more ?? ""}`;
  const headers = { "content-type": how.type ?? "text/plain", location: "https://mta-sts.example.com/other" };
  host.answer((_request, response) => response.writeHead(how.status ?? 200, headers).end(text));
}

const breakDown = () => publish({ status: 503 });

beforeEach(() => {
  publish();
  host.requests.length = 0;
});

/** An app in whose DNS example.com has a policy with the id "one". */
async function scene(options: TestAppOptions = {}, at: Pick<HttpsHost, "client"> = host): Promise<TestApp> {
  const dns = dnsTable({
    "_mta-sts.example.com TXT": "v=STSv1; id=one;",
    "mta-sts.example.com A": "127.0.0.1",
  });
  return testApp({
    dns,
    http: at.client,
    config: { smtpOutbound: { allowPrivateAddresses: true } },
    ...options,
  });
}

const ask = (app: TestApp) => stsPolicyFor(app, "example.com");
const setId = (app: TestApp, id: string) => app.dns.set("_mta-sts.example.com TXT", `v=STSv1; id=${id};`);
const enforced: StsPolicy = { mode: "enforce", mx: ["mx.example.com"] };

describe("a domain's policy", () => {
  test("is fetched from its own host and in force at once", async () => {
    const app = await scene();
    expect(await stsPolicyFor(app, "Example.COM")).toEqual(enforced);
    expect(host.requests).toMatchObject([
      { method: "GET", path: "/.well-known/mta-sts.txt", headers: { host: "mta-sts.example.com" } },
    ]);
  });

  test("in testing mode is said to be testing", async () => {
    publish({ mode: "testing" });
    expect(await ask(await scene())).toEqual({ mode: "testing", mx: ["mx.example.com"] });
  });

  test("in mode none is kept and demands nothing", async () => {
    publish({ mode: "none" });
    const app = await scene();
    expect(await ask(app)).toBeUndefined();
    expect(await ask(app)).toBeUndefined();
    expect(host.requests).toHaveLength(1);
    expect(await findPolicy(app.db, "example.com")).toMatchObject({ mode: "none" });
  });

  test("is not looked for where no record announces it", async () => {
    const app = await scene({ dns: dnsTable({ "mta-sts.example.com A": "127.0.0.1" }) });
    expect(await ask(app)).toBeUndefined();
    expect(host.requests).toEqual([]);
  });

  test("is not looked for where the recipient's domain is an address", async () => {
    const app = await scene();
    expect(await stsPolicyFor(app, "[127.0.0.1]")).toBeUndefined();
    expect(app.dns.asked).toEqual([]);
  });

  test("is fetched once for all deliveries that want it at the same time", async () => {
    const app = await scene();
    const all = await Promise.all(Array.from({ length: 20 }, () => ask(app)));
    expect(all).toEqual(Array.from({ length: 20 }, () => enforced));
    expect(host.requests).toHaveLength(1);
  });
});

describe("a policy that is known", () => {
  test("is asked of neither the web server nor the table again", async () => {
    const app = await scene();
    await ask(app);
    await atomically(app, [rawWrite("delete from mta_sts_policies")]);
    expect(await ask(app)).toEqual(enforced);
    expect(host.requests).toHaveLength(1);
  });

  test("outlives a restart", async () => {
    const before = await scene();
    await ask(before);
    breakDown();
    const transport = openEmbedded(join(before.folder, "mailit.db"));
    const after = await scene({ transport });
    expect(await ask(after)).toEqual(enforced);
    expect(host.requests).toHaveLength(1);
    await transport.close();
  });

  test("stays in force for its max_age when it can't be fetched again, and no longer", async () => {
    const app = await scene();
    await ask(app);
    breakDown();
    app.clock.advance(7 * dayMs - 1);
    expect(await ask(app)).toEqual(enforced);
    app.clock.advance(1);
    expect(await ask(app)).toBeUndefined();
  });

  test("is fetched again on its last day, which makes it live longer", async () => {
    const app = await scene();
    await ask(app);
    app.clock.advance(6 * dayMs - 1);
    await ask(app);
    expect(host.requests).toHaveLength(1);
    app.clock.advance(1);
    await ask(app);
    expect(host.requests).toHaveLength(2);
    breakDown();
    app.clock.advance(7 * dayMs - 1);
    expect(await ask(app)).toEqual(enforced);
  });

  test("is fetched again when the record has another id", async () => {
    const app = await scene();
    await ask(app);
    publish({ mode: "testing", mx: "*.example.net" });
    expect(await ask(app)).toEqual(enforced);
    setId(app, "two");
    expect(await ask(app)).toEqual({ mode: "testing", mx: ["*.example.net"] });
    publish({ mode: "none" });
    setId(app, "three");
    expect(await ask(app)).toBeUndefined();
  });

  test("stays when what the other id announces is not to be had", async () => {
    const app = await scene();
    await ask(app);
    setId(app, "two");
    breakDown();
    expect(await ask(app)).toEqual(enforced);
    publish({ mode: "nonsense" });
    setId(app, "three");
    expect(await ask(app)).toEqual(enforced);
  });

  test.each([
    ["is gone", "NXDOMAIN"],
    ["can't be looked up", "SERVFAIL"],
    ["is broken", "v=STSv1; id=not-an-id;"],
  ])("stays when its record %s", async (_what, value) => {
    const app = await scene();
    await ask(app);
    app.dns.set("_mta-sts.example.com TXT", value);
    expect(await ask(app)).toEqual(enforced);
    app.clock.advance(7 * dayMs);
    expect(await ask(app)).toBeUndefined();
  });

  test("with a max_age of nothing counts for the delivery that fetched it", async () => {
    publish({ maxAge: 0 });
    const app = await scene();
    expect(await ask(app)).toEqual(enforced);
    expect(await ask(app)).toEqual(enforced);
    expect(host.requests).toHaveLength(2);
    breakDown();
    expect(await ask(app)).toBeUndefined();
  });
});

describe("there is no policy, and for five minutes no other try,", () => {
  async function expectNone(app: TestApp, requests: number): Promise<void> {
    host.requests.length = 0;
    expect(await ask(app)).toBeUndefined();
    expect(host.requests).toHaveLength(requests);
    publish();
    app.clock.advance(5 * minuteMs - 1);
    expect(await ask(app)).toBeUndefined();
    expect(host.requests).toHaveLength(requests);
    expect(await findPolicy(app.db, "example.com")).toBeUndefined();
  }

  test.each([
    ["a redirect", { status: 301 }],
    ["a status beside 200", { status: 206 }],
    ["an error", { status: 404 }],
    ["another content type", { type: "text/html" }],
    ["a file of more than 64 KiB", { more: `x: ${"a".repeat(64 * 1024)}\n` }],
    ["a file with a mistake", { mode: "enforced" }],
  ] satisfies [string, Published][])("after %s", async (_what, published) => {
    publish(published);
    await expectNone(await scene(), 1);
  });

  test.each<[CertificateFlaw]>([["expired"], ["not yet valid"], ["self-signed"], ["nameless"]])(
    "with a certificate that is %s",
    async (certificate) => {
      await using flawed = await startHttpsHost({ names: ["mta-sts.example.com"], certificate });
      await expectNone(await scene({}, flawed), 0);
      expect(flawed.requests).toEqual([]);
    },
  );

  test("with a certificate for the domain instead of its policy host", async () => {
    await using other = await startHttpsHost({ names: ["example.com", "www.example.com"] });
    await expectNone(await scene({}, other), 0);
    expect(other.requests).toEqual([]);
  });

  test("when the policy host is at a private address", async () => {
    const app = await scene({ config: { smtpOutbound: { allowPrivateAddresses: false } } });
    await expectNone(app, 0);
  });

  test("and then it is asked again", async () => {
    breakDown();
    const app = await scene();
    expect(await ask(app)).toBeUndefined();
    publish();
    app.clock.advance(5 * minuteMs);
    expect(await ask(app)).toEqual(enforced);
  });

  test("unless the record has another id by then", async () => {
    breakDown();
    const app = await scene();
    expect(await ask(app)).toBeUndefined();
    publish();
    setId(app, "two");
    expect(await ask(app)).toEqual(enforced);
  });
});

test("policies that have expired are removed, and no others", async () => {
  const app = await scene();
  const now = app.now();
  const policy = { policyId: "one", mode: "enforce" as const, mx: ["mx.example.com"], fetchedAt: now };
  await atomically(app, [
    upsertPolicy(app.db, { ...policy, domain: "over.test", expiresAt: now }),
    upsertPolicy(app.db, { ...policy, domain: "valid.test", expiresAt: new Date(now.getTime() + 1) }),
  ]);
  const dispatcher = await startDispatcher(app, [forgettingPolicies.handler], { node: "a" });
  await atomically(app, forgettingPolicies.ensure(app));
  await dispatcher.drained();
  await dispatcher.stop();
  expect(await findPolicy(app.db, "over.test")).toBeUndefined();
  expect(await findPolicy(app.db, "valid.test")).toBeDefined();
});

test("the memory of policies is bounded by what strangers may write into it", () => {
  const memory = new StsMemory();
  const now = new Date("2026-03-01T12:00:00Z");
  const mx = Array.from({ length: 400 }, (_, index) => `${"a".repeat(150)}${index}.example.com`);
  const policy: MtaStsPolicy = {
    domain: "example.com",
    policyId: "one",
    mode: "enforce",
    mx,
    fetchedAt: now,
    expiresAt: now,
  };
  for (let index = 0; index < 200; index++) memory.keep(`${index}.example.com`, policy, now);
  expect(memory.recall("0.example.com", now)).toBeUndefined();
  expect(memory.recall("199.example.com", now)).toMatchObject({ policy });
});
