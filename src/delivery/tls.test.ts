// Encryption on the way: what breaks, what is invalid, and what the recipient's domain demands.
import { describe, expect, test } from "bun:test";
import { type CertificateFlaw, issueCertificate } from "../../test/support/authority.ts";
import { type DeliveryScene, deliveryScene } from "../../test/support/delivery-scene.ts";
import { startHttpsHost } from "../../test/support/https-host.ts";
import type { MxScript } from "../../test/support/mx-host.ts";

const mx = "mx.recipient.test";

describe("by default a certificate never fails a delivery:", () => {
  const flaws: [string, string[], CertificateFlaw | undefined][] = [
    ["self-signed", [mx], "self-signed"],
    ["expired", [mx], "expired"],
    ["for another name", ["mx.somebody-else.test"], undefined],
    ["by an authority nobody knows", [mx], undefined],
  ];
  test.each(flaws)("one that is %s", async (_name, names, flaw) => {
    const here = await deliveryScene({ tls: "works", certificate: await issueCertificate(names, flaw) });
    const id = await here.send();
    expect(here.host.received).toMatchObject([{ tls: true }]);
    const [{ tls } = {}] = await here.attempts(id);
    expect(tls).toMatchObject({ wanted: "opportunistic", version: "TLSv1.3" });
    expect(tls!.certificate).toBeString();
    expect(tls!.certificate).not.toBe("valid");
  });

  test("and one that is valid is said to be", async () => {
    const web = await startHttpsHost();
    const here = await deliveryScene(
      { tls: "works", certificate: await issueCertificate([mx]) },
      { http: web.client },
    );
    const id = await here.send();
    expect((await here.attempts(id))[0]!.tls).toMatchObject({ certificate: "valid" });
    await web[Symbol.asyncDispose]();
  });
});

describe("a handshake that breaks", () => {
  const ways: MxScript["tls"][] = ["garbage", "closes"];
  test.each(ways)(
    "(%s) is followed by plaintext, once; for an hour the host is not asked for TLS again",
    async (tls) => {
      const here = await deliveryScene({ tls });
      const id = await here.send();
      expect(here.host.received).toMatchObject([{ tls: false }]);
      const rows = await here.attempts(id);
      expect(rows.map(({ outcome }) => outcome)).toEqual(["deferred", "delivered"]);
      expect(rows[1]!.tls!.problem).toBeString();
      expect(await here.onlyDelivery(id)).toMatchObject({ state: "delivered", attempts: 1 });

      const starttls = () => here.host.commands.filter((line) => line === "STARTTLS").length;
      expect(starttls()).toBe(1);
      here.app.clock.advance(3_500_000);
      await here.send();
      expect(starttls()).toBe(1);
      expect(here.host.received).toHaveLength(2);
    },
  );

  test("where TLS is mandatory sends nothing", async () => {
    const here = await deliveryScene({ tls: "garbage" }, { config: { smtpOutbound: { tls: "mandatory" } } });
    const id = await here.send();
    expect(here.host.received).toEqual([]);
    expect(await here.onlyDelivery(id)).toMatchObject({ state: "deferred" });
  });
});

test("TLS made mandatory for one recipient's domain is not undone by another of the same site", async () => {
  const here = await deliveryScene(
    {},
    { config: { smtpOutbound: { sites: [{ match: "recipient.test", tls: "mandatory" }] } } },
  );
  here.app.dns.set("other.test MX", "10 mx.recipient.test");
  const id = await here.send({ to: ["carol@other.test"] });
  expect(await here.onlyDelivery(id)).toMatchObject({ state: "delivered" });
  expect(await here.onlyDelivery(await here.send())).toMatchObject({ state: "deferred" });
  expect(here.host.received).toHaveLength(1);
});

test("TLS can be made mandatory for one recipient's domain by the configuration", async () => {
  const here = await deliveryScene(
    {},
    { config: { smtpOutbound: { sites: [{ match: "recipient.test", tls: "mandatory" }] } } },
  );
  here.app.dns.set("other.test MX", "10 mx2.recipient.test");
  here.app.dns.set("mx2.recipient.test A", "127.0.0.1");
  expect(await here.onlyDelivery(await here.send())).toMatchObject({ state: "deferred" });
  const id = await here.send({ to: ["carol@other.test"] });
  expect(await here.onlyDelivery(id)).toMatchObject({ state: "delivered" });
});

describe("MTA-STS", () => {
  /** recipient.test publishes a policy; its MX host has a certificate for `names`. */
  async function scene(
    policy: { mode: string; mx: string },
    host: MxScript & { names?: string[]; flaw?: CertificateFlaw },
  ): Promise<DeliveryScene & AsyncDisposable> {
    const web = await startHttpsHost({ names: ["mta-sts.recipient.test"] });
    web.answer((_request, response) =>
      response
        .writeHead(200, { "content-type": "text/plain" })
        .end(`version: STSv1\r\nmode: ${policy.mode}\r\nmx: ${policy.mx}\r\nmax_age: 86400\r\n`),
    );
    const { names = [mx], flaw, ...script } = host;
    const here = await deliveryScene(
      { tls: "works", certificate: await issueCertificate(names, flaw), ...script },
      { http: web.client },
    );
    here.app.dns.set("_mta-sts.recipient.test TXT", "v=STSv1; id=1;");
    here.app.dns.set("mta-sts.recipient.test A", "127.0.0.1");
    return { ...here, [Symbol.asyncDispose]: () => web[Symbol.asyncDispose]() };
  }

  test("enforce, kept: the message goes over TLS to a host that proved who it is", async () => {
    await using here = await scene({ mode: "enforce", mx: "*.recipient.test" }, {});
    const id = await here.send();
    expect(here.host.received).toMatchObject([{ tls: true }]);
    expect((await here.attempts(id))[0]!.tls).toMatchObject({ wanted: "mta-sts", certificate: "valid" });
  });

  const broken: [string, { mx?: string; names?: string[]; flaw?: CertificateFlaw; tls?: MxScript["tls"] }][] =
    [
      ["a self-signed certificate", { flaw: "self-signed" }],
      ["an expired certificate", { flaw: "expired" }],
      ["a certificate for another name", { names: ["mx.somebody-else.test"] }],
      ["no STARTTLS", { tls: "none" }],
      ["a broken handshake", { tls: "garbage" }],
      ["a host that is not in the policy", { mx: "mx.elsewhere.test" }],
    ];
  test.each(broken)("enforce, with %s: nothing is sent, and the attempt says why", async (_name, flaw) => {
    const { mx: pattern = mx, ...host } = flaw;
    await using here = await scene({ mode: "enforce", mx: pattern }, host);
    const id = await here.send();
    expect(here.host.received).toEqual([]);
    expect(await here.onlyDelivery(id)).toMatchObject({ state: "deferred" });
    const [attempt] = await here.attempts(id);
    expect(attempt!.tls).toMatchObject({ wanted: "mta-sts" });
  });

  test.each(broken)(
    "testing, with %s: the message is sent, and the attempt says what enforcing would have stopped",
    async (_name, flaw) => {
      const { mx: pattern = mx, ...host } = flaw;
      await using here = await scene({ mode: "testing", mx: pattern }, host);
      const id = await here.send();
      expect(here.host.received).toHaveLength(1);
      const delivered = (await here.attempts(id)).at(-1);
      expect(delivered!.tls).toMatchObject({ wanted: "mta-sts testing", problem: expect.any(String) });
    },
  );

  test("a connection that was opened for others is used only if it keeps the policy", async () => {
    await using here = await scene({ mode: "enforce", mx }, { flaw: "self-signed" });
    here.app.dns.set("lenient.test MX", `10 ${mx}`);
    await here.send({ to: ["carol@lenient.test"] });
    expect(here.host.received).toHaveLength(1);
    const id = await here.send();
    expect(here.host.received).toHaveLength(1);
    expect(await here.onlyDelivery(id)).toMatchObject({ state: "deferred" });
  });
});

test("plaintext put behind the answer to STARTTLS is dropped, not believed", async () => {
  const here = await deliveryScene({ tls: "works", injected: "250-mx.recipient.test\r\n250 AUTH PLAIN\r\n" });
  const id = await here.send();
  expect(await here.onlyDelivery(id)).toMatchObject({ state: "delivered" });
  expect(here.host.received).toMatchObject([{ tls: true }]);
});
