import { expect, setDefaultTimeout, test } from "bun:test";
import { verifyMessage } from "../../src/mail/dkim-verify.ts";
import { serverName, startInternet } from "./internet.ts";
import { startMailit } from "./mailit.ts";
import { apiOf, firstEmail, folderOfTest, lastEventOf, setUp, storyMs, until, verify } from "./story.ts";

setDefaultTimeout(storyMs);

test("a domain is verified by DNS, and its email goes over STARTTLS to the recipient's MX host, well signed", async () => {
  const internet = await startInternet("example.com", { tls: "works" });
  const folder = await folderOfTest();
  const { api_key, domain } = await setUp(folder, internet.env);
  internet.publish(domain.records);
  await using mailit = await startMailit({ folder, args: ["serve"], env: internet.env });
  const api = apiOf(mailit, api_key);

  await verify(api, domain.id);
  const { body } = await api.post("/emails", { ...firstEmail, to: "grace@example.com" });
  await lastEventOf(api, body.id, "delivered");

  const [received, ...others] = internet.mx.received;
  expect(others).toEqual([]);
  expect(received).toMatchObject({ to: ["grace@example.com"], tls: true, ehlo: serverName });
  expect(received!.from).toEndWith("@send.example.net");
  const verdicts = await verifyMessage(received!.message, internet.txt);
  expect(verdicts.map(({ algorithm, result }) => `${algorithm} ${result}`).sort()).toEqual([
    "ed25519-sha256 pass",
    "rsa-sha256 pass",
  ]);
});

test("the reason why a record does not verify is shown beside it, and a mended one verifies", async () => {
  const internet = await startInternet("example.com");
  const folder = await folderOfTest();
  const { api_key, domain } = await setUp(folder, internet.env);
  internet.publish(domain.records);
  internet.set("send.example.net", "MX", "10 mail.elsewhere.example");
  await using mailit = await startMailit({ folder, args: ["serve"], env: internet.env });
  const api = apiOf(mailit, api_key);

  await api.post(`/domains/${domain.id}/verify`);
  const wrong = await until("the wrong record was looked at", async () => {
    const { body } = await api.get(`/domains/${domain.id}`);
    return body.records.find(({ reason }: { reason: string }) => reason !== "");
  });

  expect(wrong).toMatchObject({ type: "MX", host: "send.example.net" });
  expect(wrong.status).not.toBe("verified");
  expect(wrong.reason).toContain("mail.elsewhere.example");
  expect((await api.post("/emails", firstEmail)).status).toBe(403);

  internet.publish(domain.records);
  await verify(api, domain.id);
  expect((await api.post("/emails", firstEmail)).status).toBe(200);
});
