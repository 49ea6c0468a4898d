import { describe, expect, test } from "bun:test";
import ipaddr from "ipaddr.js";
import { judgeVisit, judgeVisits, type Visit, type Visited } from "./classify.ts";
import { knownClients } from "./machines.ts";

const deliveredAt = new Date("2026-03-01T12:00:00Z");
const browser =
  "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Safari/605.1.15";
const after = (ms: number) => new Date(deliveredAt.getTime() + ms);
const visited: Visited = { state: "delivered", attempts: 1, settledAt: deliveredAt, links: 10 };
const visit = (changes: Partial<Visit> = {}): Visit => ({
  kind: "clicked",
  deliveryId: "d",
  url: "https://a.test/",
  address: "198.51.100.7",
  userAgent: browser,
  at: after(60_000),
  ...changes,
});
const verdictOf = (changes: Partial<Visit>, about: Partial<Visited> = {}) => {
  const { isBot, reason, name } = judgeVisit(visit(changes), { ...visited, ...about });
  return [isBot ? "machine" : "person", reason, name].filter((part) => part != null).join(" ");
};

describe("by what it calls itself, a visitor is", () => {
  test.each([
    [browser, "person"],
    [
      "Mozilla/5.0 (Linux; Android 9; CUBOT X18 Plus) AppleWebKit/537.36 Chrome/90.0 Mobile Safari/537.36",
      "person",
    ],
    ["okhttp/4.9.3", "person"],
    [
      "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
      "person Gmail image proxy",
    ],
    ["YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html", "person Yahoo Mail proxy"],
    [
      "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 10.0; WOW64; Microsoft Outlook 16.0; ms-office)",
      "person Outlook",
    ],
    ["Mozilla/5.0", "machine prefetch Apple Mail Privacy Protection"],
    [
      "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/42.0.2311.135 Safari/537.36 Edge/12.246 Mozilla/5.0",
      "machine prefetch Gmail prefetch",
    ],
    ["Microsoft Office Existence Discovery", "machine preview Microsoft Office"],
    ["BarracudaCentral/1.0", "machine scanner Barracuda"],
    ["Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)", "machine preview link preview"],
    ["curl/8.5.0", "machine automated_client automated client"],
    ["python-requests/2.31", "machine automated_client automated client"],
    ["Mozilla/5.0 HeadlessChrome/120.0.0.0", "machine automated_client automated client"],
    ["Mozilla/5.0 (compatible; Googlebot/2.1)", "machine automated_client automated client"],
    ["", "machine no_user_agent"],
    ["  ", "machine no_user_agent"],
  ])("%p: %s", (userAgent, verdict) => {
    expect(verdictOf({ userAgent })).toBe(verdict);
  });
});

describe("by its network, whatever it calls itself, a visitor is", () => {
  test.each([
    ["209.222.82.5", "machine scanner Barracuda"],
    ["67.231.152.1", "machine scanner Proofpoint"],
    ["205.139.110.9", "machine scanner Mimecast"],
    ["40.107.1.1", "machine scanner Microsoft Exchange Online Protection"],
    ["2a01:111:f400:7e00::1", "machine scanner Microsoft Exchange Online Protection"],
    ["85.158.140.1", "machine scanner Symantec Email Security.cloud"],
    ["68.232.130.1", "machine scanner Cisco Secure Email"],
    ["172.224.1.1", "person"], // iCloud Private Relay
    ["150.70.1.1", "person"], // a company with its staff
    ["2001:db8::1", "person"],
    ["local", "person"],
  ])("%s: %s", (address, verdict) => {
    expect(verdictOf({ address })).toBe(verdict);
  });
});

describe("by its time, a visit", () => {
  test.each([
    ["opened", 999, "machine too_soon"],
    ["opened", 1_000, "person"],
    ["clicked", 2_999, "machine too_soon"],
    ["clicked", 3_000, "person"],
    ["clicked", -1, "machine before_delivery"],
    ["opened", -5_000, "machine before_delivery"],
  ] as const)("%s %d ms after the delivery: %s", (kind, ms, verdict) => {
    expect(verdictOf({ kind, at: after(ms) })).toBe(verdict);
  });

  test("of what was never attempted is a machine's; once it was, a host may have taken it unnoticed", () => {
    expect(verdictOf({}, { state: "queued", attempts: 0, settledAt: null })).toBe("machine before_delivery");
    expect(verdictOf({}, { state: "deferred", attempts: 1, settledAt: null })).toBe("person");
    expect(verdictOf({}, { state: "failed", attempts: 9 })).toBe("person");
    expect(verdictOf({ at: after(-60_000) }, { attempts: 2 })).toBe("person");
  });
});

describe("whoever clicks everything at once", () => {
  const click = (n: number, address = "203.0.113.9") => visit({ url: `https://a.test/${n}`, address });
  const reasons = (visits: Visit[], links: number) =>
    judgeVisits(visits, { ...visited, links }).map(({ verdict }) => verdict.reason);

  test.each([
    [1, 1, false],
    [2, 2, false],
    [3, 3, true],
    [4, 2, false],
    [4, 3, true],
    [5, 3, true],
    [10, 4, false],
    [10, 5, true],
    [500, 5, true],
  ])("of %d links, %d of them, is a machine: %p", (links, clicked, isBurst) => {
    const visits = Array.from({ length: clicked }, (_, n) => click(n));
    expect(new Set(reasons(visits, links))).toEqual(new Set([isBurst ? "all_links_at_once" : null]));
  });

  test("is a machine in its opens too; another who opens meanwhile is not", () => {
    const visits = [
      visit({ kind: "opened", url: undefined, address: "203.0.113.9" }),
      click(1),
      click(2),
      click(3),
    ];
    visits.push(visit({ kind: "opened", url: undefined, address: "198.51.100.1" }));
    expect(reasons(visits, 3)).toEqual([...Array(4).fill("all_links_at_once"), null]);
  });

  test("is known by its address for a while", () => {
    const isBurst = (address: string) => address === "203.0.113.9";
    const judged = judgeVisits([click(1), click(1, "198.51.100.1")], visited, isBurst);
    expect(judged.map(({ verdict }) => verdict.reason)).toEqual(["all_links_at_once", null]);
  });

  test("is not somebody who clicks one link again and again", () => {
    expect(reasons([click(1), click(1), click(1), click(1), click(1)], 3)).toEqual(Array(5).fill(null));
  });
});

test("every network that is known is one, and public", () => {
  for (const { networks = [] } of knownClients) {
    for (const network of networks) {
      const [address, bits] = ipaddr.parseCIDR(network);
      const kind = address.kind() === "ipv4" ? ipaddr.IPv4 : ipaddr.IPv6;
      expect([network, kind.networkAddressFromCIDR(network).toString()]).toEqual([
        network,
        address.toString(),
      ]);
      expect([network, address.range(), bits > 8]).toEqual([network, "unicast", true]);
    }
  }
});
