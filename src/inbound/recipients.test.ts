import { describe, expect, test } from "bun:test";
import { receivingDomain } from "../../test/support/inbound-scene.ts";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { testDomain } from "../../test/support/test-domain.ts";
import { addWaiting } from "../../test/support/waiting.ts";
import { newId } from "../ids.ts";
import { makeReturnPath } from "../mail/verp.ts";
import { findRecipient } from "./recipients.ts";

async function scene() {
  const app = await testApp();
  const { teamId } = await testTeam(app);
  const receiving = await receivingDomain(app, teamId, "example.com");
  const sending = await testDomain(app, teamId, "sends.test");
  const find = (address: string) => findRecipient(app, address);
  const returnPath = (
    deliveryId: string,
    domain = "send.sends.test",
    secret = app.secrets.derive("return-path"),
  ) => makeReturnPath({ deliveryId, domain, secret });
  return { app, teamId, receiving, sending, find, returnPath };
}

const refusal = (code: number, enhanced: string) => ({ kind: "refused", reply: { code, enhanced } });

describe("a domain", () => {
  test("receives at every address once its MX record is seen, and its local parts keep their case", async () => {
    const { app, teamId, receiving, find } = await scene();
    expect(await find("Anybody+tag@EXAMPLE.com")).toEqual({
      kind: "ours",
      address: "Anybody+tag@example.com",
      ...{ teamId, domainId: receiving.id, place: "mailbox", deliveryId: null, webhookId: null },
    });
    await receivingDomain(app, teamId, "unseen.test", { receivingVerifiedAt: null });
    await receivingDomain(app, teamId, "off.test", { receiving: false });
    expect(await find("a@unseen.test")).toMatchObject(refusal(550, "5.7.1"));
    expect(await find("a@off.test")).toMatchObject(refusal(550, "5.7.1"));
  });

  test("may have a name beyond ASCII, which means the same as its A-labels", async () => {
    const { app, teamId, find } = await scene();
    await receivingDomain(app, teamId, "xn--bcher-kva.test");
    expect(await find("jörg@bücher.test")).toMatchObject({ address: "jörg@xn--bcher-kva.test" });
  });

  test("that only sends is asked for once, however often somebody tries", async () => {
    const { app, find } = await scene();
    await find("a@sends.test");
    const { query } = app.transport;
    let asked = 0;
    app.transport.query = (...question) => {
      asked++;
      return query(...question);
    };
    for (let n = 0; n < 20; n++) expect(await find(`b${n}@sends.test`)).toMatchObject(refusal(550, "5.7.1"));
    expect(asked).toBe(0);
  });
});

describe("a return path", () => {
  test("is its delivery's, and its team's though the domain is another's by now", async () => {
    const { app, teamId, sending, find, returnPath } = await scene();
    const other = await testTeam(app, "Other");
    const [mine, theirs] = await Promise.all([
      addWaiting(app, teamId, {}),
      addWaiting(app, other.teamId, {}),
    ]);
    expect(await find(returnPath(mine[0]!.id))).toMatchObject({
      ...{ kind: "ours", place: "return_path", deliveryId: mine[0]!.id, teamId, domainId: sending.id },
    });
    expect(await find(returnPath(theirs[0]!.id).toUpperCase())).toMatchObject({
      deliveryId: theirs[0]!.id,
      teamId: other.teamId,
    });
  });

  test("with a token that is not ours, or for a delivery that is gone, is no mailbox", async () => {
    const { app, teamId, find, returnPath } = await scene();
    const [delivery] = await addWaiting(app, teamId, {});
    expect(await find(returnPath(delivery!.id, "send.sends.test", new Uint8Array(32)))).toMatchObject(
      refusal(550, "5.1.1"),
    );
    expect(await find(returnPath(newId()))).toMatchObject(refusal(550, "5.1.1"));
    expect(await find("b+nonsense@send.sends.test")).toMatchObject(refusal(550, "5.1.1"));
  });

  test("at a host that is no return path of ours is refused though its token is good", async () => {
    const { app, teamId, find, returnPath } = await scene();
    const [delivery] = await addWaiting(app, teamId, {});
    expect(await find(returnPath(delivery!.id, "other.sends.test"))).toMatchObject(refusal(550, "5.7.1"));
    expect(await find(returnPath(delivery!.id, "send.elsewhere.test"))).toMatchObject(refusal(550, "5.7.1"));
  });
});

describe("role addresses", () => {
  test.each(["sends.test", "send.sends.test", "example.com", "send.example.com", "mail.mailit.test"])(
    "are taken at %s",
    async (host) => {
      const { teamId, find } = await scene();
      expect(await find(`Abuse@${host}`)).toMatchObject({ kind: "ours", teamId, place: "abuse" });
      expect(await find(`fbl@${host}`)).toMatchObject({ kind: "ours", teamId, place: "abuse" });
      expect(await find(`postmaster@${host}`)).toMatchObject({ kind: "ours", teamId, place: "mailbox" });
    },
  );

  test("of this server's own name are the first team's, and belong to no domain", async () => {
    const { app, teamId, find } = await scene();
    await testTeam(app, "Later");
    expect(await find("Postmaster")).toMatchObject({
      teamId,
      domainId: null,
      address: "postmaster@mail.mailit.test",
    });
    expect(await find("root@mail.mailit.test")).toMatchObject(refusal(550, "5.1.1"));
  });

  test("are refused where a domain may not send yet, and on a server without a team", async () => {
    const { app, teamId, find } = await scene();
    await testDomain(app, teamId, "new.test", { verifiedAt: null });
    expect(await find("abuse@new.test")).toMatchObject(refusal(550, "5.7.1"));
    expect(await find("someone@send.sends.test")).toMatchObject(refusal(550, "5.1.1"));
    const empty = await testApp();
    expect(await findRecipient(empty, "postmaster")).toMatchObject(refusal(550, "5.1.1"));
  });
});
