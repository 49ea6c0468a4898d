import { expect, test } from "bun:test";
import { dnsTable } from "../../test/support/dns-table.ts";
import { testApp } from "../../test/support/test-app.ts";
import { askFor } from "./ask.ts";

const dns = dnsTable({
  "a.test TXT": ["v=spf1 -all", "other"],
  "a.test MX": ["10 mx.a.test"],
  "a.test A": "192.0.2.1",
  "broken.test TXT": "SERVFAIL",
});
const app = await testApp({ dns });

test("answers are as node:dns gives them, and what is absent or broken throws its codes", async () => {
  const ask = askFor(app);
  expect(await ask("a.test", "TXT")).toEqual([["v=spf1 -all"], ["other"]]);
  expect(await ask("a.test", "MX")).toEqual([{ exchange: "mx.a.test", priority: 10 }]);
  expect(await ask("a.test", "A")).toEqual(["192.0.2.1"]);
  await expect(ask("a.test", "AAAA")).rejects.toMatchObject({ code: "ENODATA" });
  await expect(ask("none.test", "TXT")).rejects.toMatchObject({ code: "ENOTFOUND" });
  await expect(ask("broken.test", "TXT")).rejects.toMatchObject({ code: "ESERVFAIL" });
});

test("one message asks for a hundred names at most", async () => {
  const ask = askFor(app);
  const before = dns.asked.length;
  for (let n = 0; n < 100; n++) await ask("a.test", "A");
  await expect(ask("a.test", "A")).rejects.toMatchObject({ code: "EREFUSED" });
  expect(dns.asked).toHaveLength(before + 100);
});

test("all questions of one message share one time to answer", async () => {
  const mute = await testApp();
  Object.assign(mute, { dns: { resolve: () => new Promise(() => {}) } });
  const ask = askFor(mute, 20);
  await expect(ask("a.test", "A")).rejects.toMatchObject({ code: "ESERVFAIL" });
  await expect(ask("b.test", "A")).rejects.toMatchObject({ code: "ESERVFAIL" });
});
