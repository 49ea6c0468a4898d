import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { type DnsTable, dnsTable } from "../../test/support/dns-table.ts";
import { startHttpsHost } from "../../test/support/https-host.ts";
import type { Resolver } from "../dns/resolver.ts";
import { type HttpAnswer, type HttpRequest, makeHttpClient } from "./client.ts";

const host = await startHttpsHost({ names: ["hook.test", "*.wild.test", "xn--bcher-kva.test"] });
const plain = await startHttpsHost({ isPlain: true });
afterAll(async () => {
  await host[Symbol.asyncDispose]();
  await plain[Symbol.asyncDispose]();
});
beforeEach(() => {
  for (const each of [host, plain]) {
    each.requests.length = 0;
    each.answer((_request, response) => response.writeHead(200, { "x-from": "host" }).end("hello"));
  }
});

type Wish = Partial<HttpRequest> & { dns?: Resolver; isPrivateAllowed?: boolean };

const everywhere = (...names: string[]): DnsTable =>
  dnsTable(Object.fromEntries(names.map((name) => [`${name} A`, "127.0.0.1"])));

/** Asks for a URL; unless the test says otherwise, `hook.test` is this machine and may be connected to. */
async function ask(url: string, wish: Wish = {}): Promise<HttpAnswer> {
  const { dns = everywhere("hook.test"), isPrivateAllowed = true, ...request } = wish;
  const ports = { ...host.client.ports, ...plain.client.ports };
  const client = makeHttpClient({
    dns,
    allowPrivateAddresses: () => isPrivateAllowed,
    ...host.client,
    ports,
  });
  return client.request({ url, timeoutMs: 5_000, maxBytes: 1000, ...request });
}

const failed = (reason: string) => ({ kind: "failed", reason }) as const;
const text = (answer: HttpAnswer) => (answer.kind === "answered" ? Buffer.from(answer.body).toString() : "");

describe("a request", () => {
  test("carries method, path, headers and body, and brings status, headers and body back", async () => {
    host.answer((_request, response) => response.writeHead(422, { "X-Two": ["a", "b"] }).end("no"));
    const body = new Uint8Array([0x7b, 0x7d, 0xc3, 0xa9]);
    const headers = { "Content-Type": "application/json", "X-Signature": "abc" };
    const answer = await ask("https://hook.test/in?a=b#c", { method: "POST", headers, body });

    expect(answer).toMatchObject({ kind: "answered", status: 422, isCut: false });
    expect(text(answer)).toBe("no");
    expect(answer.kind === "answered" && answer.headers.get("x-two")).toBe("a, b");
    expect(host.requests).toMatchObject([
      {
        method: "POST",
        path: "/in?a=b",
        body: "{}é",
        headers: {
          host: "hook.test",
          "content-length": "4",
          "content-type": "application/json",
          "x-signature": "abc",
        },
      },
    ]);
  });

  test("over plain HTTP works too, and names a port that isn't the usual one", async () => {
    expect(text(await ask("http://hook.test/"))).toBe("hello");
    expect(text(await ask(`http://hook.test:${plain.port}/`))).toBe("hello");
    expect(plain.requests.map(({ headers }) => headers.host)).toEqual([
      "hook.test",
      `hook.test:${plain.port}`,
    ]);
  });

  test("asks for no compression and takes what comes as it is", async () => {
    const packed = Bun.gzipSync("hello");
    host.answer((_request, response) => response.writeHead(200, { "content-encoding": "gzip" }).end(packed));
    const answer = await ask("https://hook.test/");
    expect(host.requests[0]?.headers["accept-encoding"]).toBe("identity");
    expect(answer.kind === "answered" && Buffer.from(answer.body).equals(packed)).toBe(true);
  });

  test("is never sent on to where a redirect points", async () => {
    host.answer((_request, response) =>
      response.writeHead(302, { location: "https://hook.test/there" }).end(),
    );
    expect(await ask("https://hook.test/here")).toMatchObject({ kind: "answered", status: 302 });
    expect(host.requests.map(({ path }) => path)).toEqual(["/here"]);
  });

  test("says about host, length and connection what is true, whatever its caller says", async () => {
    const headers = {
      Host: "other.test",
      "Content-Length": "99",
      Connection: "keep-alive",
      Expect: "100-continue",
    };
    expect(await ask("https://hook.test/", { method: "POST", headers, body: "hi" })).toMatchObject({
      status: 200,
    });
    expect(host.requests[0]).toMatchObject({
      body: "hi",
      headers: { host: "hook.test", "content-length": "2", connection: "close" },
    });
    expect(host.requests[0]?.headers.expect).toBeUndefined();
  });

  test.each<Wish>([
    { headers: { "X-A": "b\r\nX-C: d" } },
    { headers: { "X A": "b" } },
    { method: "GET / HTTP/1.1\r\nX-A: b" },
  ])("that can't be written down is not sent: %j", async (wish) => {
    expect(await ask("https://hook.test/", wish)).toMatchObject({ kind: "failed" });
    expect(host.requests).toEqual([]);
  });

  test("leaves no connection behind", async () => {
    const before = host.connections;
    await ask("https://hook.test/");
    await ask("https://hook.test/");
    expect(host.connections - before).toBe(2);
    await host.waitUntilIdle();
  });
});

describe("a certificate", () => {
  test.each([
    ["expired", "it has expired"],
    ["not yet valid", "its time has not come yet"],
    ["self-signed", "no authority that we trust has signed it"],
    ["nameless", "it is for another name"],
  ] as const)("that is %s keeps the request from being sent", async (flaw, why) => {
    await using flawed = await startHttpsHost({ names: ["hook.test"], certificate: flaw });
    const client = makeHttpClient({
      dns: everywhere("hook.test"),
      allowPrivateAddresses: () => true,
      ...flawed.client,
    });
    const answer = await client.request({ url: "https://hook.test/", timeoutMs: 5_000, maxBytes: 1000 });
    expect(answer).toEqual(failed(`the certificate is not valid: ${why}`));
    expect(flawed.requests).toEqual([]);
  });

  test("has to be for the URL's own host", async () => {
    const dns = everywhere("other.test", "a.wild.test", "b.a.wild.test");
    const wrong = failed("the certificate is not valid: it is for another name");
    expect(await ask("https://other.test/", { dns })).toEqual(wrong);
    expect(await ask("https://b.a.wild.test/", { dns })).toEqual(wrong);
    expect(await ask("https://127.0.0.1/", { dns })).toEqual(wrong);
    expect(await ask("https://a.wild.test/", { dns })).toMatchObject({ status: 200 });
    expect(host.requests.map(({ headers }) => headers.host)).toEqual(["a.wild.test"]);
  });

  test("is compared with the ASCII form of an international name", async () => {
    const dns = everywhere("xn--bcher-kva.test");
    expect(await ask("https://Bücher.test/", { dns })).toMatchObject({ status: 200 });
    expect(host.requests[0]?.headers.host).toBe("xn--bcher-kva.test");
    expect(dns.asked).toContain("xn--bcher-kva.test A");
  });

  test("is not missed because a name ends in a dot", async () => {
    expect(await ask("https://hook.test./")).toMatchObject({ status: 200 });
  });
});

describe("an address of ours", () => {
  const refused = failed("the host is at a private address");

  test.each([
    "127.0.0.1",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0177.0.0.1",
    "017700000001",
    "127.1",
    "127.0.0.1.",
    "１２７.０.０.１",
    "0",
    "10.0.0.1",
    "100.64.0.1",
    "169.254.169.254",
    "224.0.0.1",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "[2001:0:53aa:64c::1]",
    "[fe80::1]",
    "[fd00::1]",
    "localhost",
    "LOCALHOST.",
    "app.localhost",
  ])("is refused as http://%s/, without a question to DNS", async (written) => {
    const dns = everywhere("localhost", "app.localhost");
    expect(await ask(`http://${written}/`, { dns, isPrivateAllowed: false })).toEqual(refused);
    expect(dns.asked).toEqual([]);
    expect(plain.requests).toEqual([]);
  });

  test.each([
    ["hook.test A", "127.0.0.1"],
    ["hook.test AAAA", "::ffff:10.0.0.1"],
    ["hook.test AAAA", "2002:7f00:1::"],
  ])("is refused when DNS has it: %s %s", async (key, address) => {
    const dns = dnsTable({ [key]: address });
    expect(await ask("https://hook.test/", { dns, isPrivateAllowed: false })).toEqual(refused);
  });

  test("is refused even among public ones, and behind an alias", async () => {
    const mixed = dnsTable({ "hook.test A": ["8.8.8.8", "127.0.0.1"] });
    expect(await ask("https://hook.test/", { dns: mixed, isPrivateAllowed: false })).toEqual(refused);
    const alias = dnsTable({ "hook.test CNAME": "inner.test", "inner.test A": "10.0.0.1" });
    expect(await ask("https://hook.test/", { dns: alias, isPrivateAllowed: false })).toEqual(refused);
  });

  test("may be asked for where it is allowed, by the client or for one request", async () => {
    expect(await ask("http://2130706433/")).toMatchObject({ status: 200 });
    expect(await ask("http://localhost/", { dns: dnsTable() })).toMatchObject({ status: 200 });
    const once = { isPrivateAllowed: false, allowPrivateAddresses: true };
    expect(await ask("https://hook.test/", once)).toMatchObject({ status: 200 });
    expect(await ask("https://hook.test/", { allowPrivateAddresses: false })).toEqual(refused);
  });

  test("can't take the place of the address that was checked: DNS is asked once", async () => {
    const answers = ["127.0.0.1", "127.0.0.2", "127.0.0.2"];
    const rebinding: Resolver = {
      resolve: (name, type) =>
        dnsTable(type === "A" ? { [`${name} A`]: answers.shift()! } : {}).resolve(name, type),
    };
    expect(await ask("https://hook.test/", { dns: rebinding })).toMatchObject({ status: 200 });
    expect(answers).toEqual(["127.0.0.2", "127.0.0.2"]);
  });
});

describe("a host", () => {
  test("is asked at its next address when one does not answer", async () => {
    const dns = dnsTable({ "hook.test A": ["127.0.0.2", "127.0.0.1"], "hook.test AAAA": "::1" });
    expect(await ask("https://hook.test/", { dns })).toMatchObject({ status: 200 });
  });

  test("without an address, or whose lookup fails, is a failure", async () => {
    expect(await ask("https://none.test/")).toEqual(failed("the host has no address"));
    const dns = dnsTable({ "hook.test A": "SERVFAIL" });
    expect(await ask("https://hook.test/", { dns })).toEqual(failed("the host could not be looked up"));
  });

  test("that nobody answers for in DNS takes no longer than the request may", async () => {
    const dns: Resolver = { resolve: () => new Promise(() => {}) };
    expect(await ask("https://hook.test/", { dns, timeoutMs: 20 })).toEqual(
      failed("no answer within 0.02 s"),
    );
  });

  test("that refuses the connection is a failure", async () => {
    const dns = dnsTable({ "hook.test A": ["127.0.0.2", "127.0.0.3"] });
    expect(await ask("https://hook.test/", { dns })).toEqual(failed("the connection was refused"));
  });

  test("is looked up in the resolver of the moment", async () => {
    let dns = dnsTable();
    const client = makeHttpClient({ dns: () => dns, allowPrivateAddresses: () => true, ...host.client });
    const request = { url: "https://hook.test/", timeoutMs: 5_000, maxBytes: 1000 };
    expect(await client.request(request)).toMatchObject({ kind: "failed" });
    dns = everywhere("hook.test");
    expect(await client.request(request)).toMatchObject({ kind: "answered" });
  });
});
