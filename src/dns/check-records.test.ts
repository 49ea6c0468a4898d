import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { dnsTable, type TableValue } from "../../test/support/dns-table.ts";
import { checkRecord } from "./check-records.ts";
import { claimRecord, type DnsRecord, domainRecords } from "./domain-records.ts";
import type { RecordCheck } from "./record-check.ts";
import type { ResolveOptions, Resolver } from "./resolver.ts";

const key = `MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A${"k".repeat(340)}zwIDAQAB`;
const records = recordsOf("example.com");

function recordsOf(domain: string): DnsRecord[] {
  return domainRecords({
    domain,
    returnPathLabel: "send",
    hostname: "mail.mailit.test",
    dkim: [{ selector: "s1", algorithm: "rsa", publicKey: key, state: "active", retireAt: null }],
    receiving: true,
    trackingHost: `links.${domain}`,
  });
}

function pick(purpose: DnsRecord["purpose"], type: DnsRecord["type"] = "TXT", from = records): DnsRecord {
  return from.find((record) => record.purpose === purpose && record.type === type)!;
}

/** Publishes a value where the record belongs and checks it. */
function check(record: DnsRecord, published: TableValue): Promise<RecordCheck> {
  return checkRecord(dnsTable({ [`${record.host} ${record.type}`]: published }), record);
}

/** Every check below answers with one sentence, or with none when all is well. */
function reasonOf({ status, reason }: RecordCheck): string {
  if (status === "verified") expect(reason).toBe("");
  else expect(reason).toMatch(/^.+\.$/);
  return reason;
}

describe("any record", () => {
  test("is verified when it is published as asked", async () => {
    for (const record of records) {
      const value = record.type === "MX" ? `${record.priority} ${record.value}` : record.value;
      expect(await check(record, value)).toMatchObject({ status: "verified", reason: "" });
    }
  });

  test("is pending while nothing is published", async () => {
    for (const record of records) {
      const result = await checkRecord(dnsTable(), record);
      expect(result).toMatchObject({ status: "pending", found: [] });
      expect(reasonOf(result)).toContain("published at");
    }
  });

  test("is pending when DNS does not answer", async () => {
    for (const record of records) {
      const result = await check(record, "TIMEOUT");
      expect(result).toMatchObject({ status: "pending", found: [] });
      expect(reasonOf(result)).toContain("could not be looked up (timeout)");
    }
  });

  test("is looked up afresh", async () => {
    const options: (ResolveOptions | undefined)[] = [];
    const resolver: Resolver = {
      async resolve(_name, _type, asked) {
        options.push(asked);
        return { kind: "absent", reason: "nxdomain" };
      },
    };
    for (const record of records) await checkRecord(resolver, record);
    expect(options.every((asked) => asked?.fresh === true)).toBe(true);
  });

  test("that went under the domain twice is found there", async () => {
    for (const domain of ["example.com", "sub.example.com"])
      for (const record of recordsOf(domain)) {
        const value = record.type === "MX" ? `10 ${record.value}` : record.value;
        const result = await checkRecord(
          dnsTable({ [`${record.host}.example.com ${record.type}`]: value }),
          record,
        );
        expect(result.status).toBe("failed");
        expect(reasonOf(result)).toContain(`enter its name as "${record.name}"`);
      }
  });

  test("that is right but for a zone file's quoting is told so", async () => {
    for (const record of records.filter(({ type }) => type === "TXT")) {
      for (const value of [`"${record.value}"`, `"${record.value.slice(0, 9)}" "${record.value.slice(9)}"`]) {
        const result = await check(record, value);
        expect(result.status).toBe("failed");
        expect(reasonOf(result)).toContain("quotation marks");
      }
    }
  });

  test("never shows more than 200 characters of a stranger's text, nor its control characters", async () => {
    const text = fc.string({ unit: "binary", maxLength: 600 });
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...records),
        fc.array(text, { minLength: 1, maxLength: 3 }),
        text,
        async (record, values, term) => {
          const hostile = [
            ...values,
            `v=spf1 ${term}`,
            `v=DKIM1; k=${term}; p=${term}`,
            `v=DMARC1; p=${term}`,
          ];
          for (const value of hostile) {
            const { found, reason } = await check(record, value);
            for (const shown of [...found, reason]) expect(shown).not.toMatch(/\p{C}/u);
            for (const shown of found) expect(shown.length).toBeLessThanOrEqual(201);
            expect(reason.length).toBeLessThan(700);
          }
        },
      ),
      { numRuns: 50 },
    );
  });
});

test("a text cut short ends with a whole character", async () => {
  const { found } = await check(pick("DKIM"), `${"x".repeat(199)}😀😀`);
  expect(found).toEqual([`${"x".repeat(199)}…`]);
});

describe("SPF", () => {
  const record = pick("SPF");
  const spf = (published: TableValue) => check(record, published);

  test.each([
    "v=spf1 A:Mail.Mailit.TEST ~all",
    "V=SPF1  +a:mail.mailit.test. -all",
    "v=spf1 ip4:192.0.2.1 a:mail.mailit.test",
    "v=spf1 a:mail.mailit.test redirect=_spf.test",
  ])("%s lets this server send", async (value) => {
    expect(await spf(value)).toMatchObject({ status: "verified" });
  });

  test.each([
    ["v=spf1 include:_spf.other.test -all", "v=spf1 include:_spf.other.test a:mail.mailit.test -all"],
    ["v=spf1", "v=spf1 a:mail.mailit.test"],
    ["v=spf1 mx redirect=_spf.test", "v=spf1 mx a:mail.mailit.test redirect=_spf.test"],
    ["v=spf1 mx ~all a:mail.mailit.test", "v=spf1 mx a:mail.mailit.test ~all"],
    ["v=spf1 -a:mail.mailit.test ?all", "v=spf1 a:mail.mailit.test ?all"],
  ])("%s is to be changed to %s", async (value, merged) => {
    const result = await spf(value);
    expect(result).toMatchObject({ status: "failed", found: [value] });
    expect(reasonOf(result)).toContain(`change it to "${merged}"`);
  });

  test("of great length is to be amended at its start", async () => {
    const result = await spf(`v=spf1 ${"include:a.very.long.name.example ".repeat(9)}-all`);
    expect(reasonOf(result)).toContain('add a:mail.mailit.test right after "v=spf1"');
  });

  test("in two records is no SPF at all", async () => {
    const result = await spf(["v=spf1 a:mail.mailit.test ~all", "v=spf1 -all", "unrelated"]);
    expect(result.status).toBe("failed");
    expect(reasonOf(result)).toContain("2 SPF records");
  });

  test("with a term that is not SPF is to be corrected", async () => {
    const result = await spf("v=spf1 a:mail.mailit.test ipv4:192.0.2.1 ~all");
    expect(result.status).toBe("failed");
    expect(reasonOf(result)).toContain('"ipv4:192.0.2.1"');
  });

  test("is not read out of other texts", async () => {
    expect(await spf(["verification=1", "v=spf10 a:mail.mailit.test"])).toMatchObject({
      status: "pending",
      found: [],
    });
  });
});

describe("DKIM", () => {
  const record = pick("DKIM");
  const dkim = (published: TableValue) => check(record, published);

  test.each([
    `p=${key}`,
    `k=rsa;p=${key.slice(0, 50)} ${key.slice(50)};`,
    `v = DKIM1 ; t=s; p = ${key} ; k = rsa`,
  ])("%s holds our key", async (value) => {
    expect(await dkim(value)).toMatchObject({ status: "verified" });
  });

  test.each([
    ["v=DKIM1; k=rsa; p=AAAAAAAAfoundkey", "ends with …foundkey where …zwIDAQAB is expected"],
    ["v=DKIM1; k=rsa; p=", "revokes"],
    ["v=DKIM1; k=rsa", "no p= tag"],
    [`v=DKIM1; k=ed25519; p=${key}`, "k=ed25519 where k=rsa"],
    [`v=DKIM2; p=${key}`, "v=DKIM2"],
    [`v=DKIM1; k=rsa; p=${key.slice(0, 230)}`, `cut off after 230 of ${key.length}`],
    ["hello", "not a DKIM key"],
  ])("%s is explained", async (value, explanation) => {
    const result = await dkim(value);
    expect(result).toMatchObject({
      status: "failed",
      found: [value.length > 200 ? `${value.slice(0, 200)}…` : value],
    });
    expect(reasonOf(result)).toContain(explanation);
  });

  test("with escaped semicolons is told to drop them", async () => {
    expect(reasonOf(await dkim(record.value.replaceAll(";", "\\;")))).toContain("backslashes");
  });

  test("in two records is undefined", async () => {
    expect(reasonOf(await dkim([record.value, "v=DKIM1; p=AAAA"]))).toContain("2 DKIM records");
  });

  test("reached through an alias counts", async () => {
    const table = dnsTable({ [`${record.host} CNAME`]: "s1.keys.test", "s1.keys.test TXT": record.value });
    expect(await checkRecord(table, record)).toMatchObject({ status: "verified" });
  });
});

describe("an MX record", () => {
  const record = pick("Receiving", "MX");

  test("counts at any priority, in any case, beside others that come later", async () => {
    expect(await check(record, "1 MAIL.mailit.test.")).toMatchObject({
      status: "verified",
      found: ["1 mail.mailit.test"],
    });
    expect(await check(record, ["20 backup.test", "10 mail.mailit.test"])).toMatchObject({
      status: "verified",
    });
  });

  test.each<[TableValue, string]>([
    ["10 mx.other.test", "points to mx.other.test: change it to mail.mailit.test with priority 10"],
    ["0 .", "refuses all mail"],
    ["10 mail.mailit.test.example.com", 'end the value with a dot, "mail.mailit.test."'],
    [["1 mx.other.test", "10 mail.mailit.test"], "mx.other.test at 1 comes first"],
  ])("%j is explained", async (value, explanation) => {
    const result = await check(record, value);
    expect(result.status).toBe("failed");
    expect(reasonOf(result)).toContain(explanation);
  });
});

describe("DMARC", () => {
  const record = pick("DMARC");

  test.each([
    "v=DMARC1; p=reject; rua=mailto:a@b.test",
    "v=DMARC1;p=None",
    "v = DMARC1 ; sp=none; p = quarantine",
  ])("%s is a policy", async (value) => {
    expect(await check(record, value)).toMatchObject({ status: "verified" });
  });

  test.each<[TableValue, string]>([
    ["v=DMARC1", "no valid policy"],
    ["v=dmarc1; p=none", "no valid policy"],
    ["v=DMARC1; p=never", "no valid policy"],
    [["v=DMARC1; p=none", "v=DMARC1; p=reject"], "2 DMARC records"],
  ])("%j is not", async (value, explanation) => {
    const result = await check(record, value);
    expect(result.status).toBe("failed");
    expect(reasonOf(result)).toContain(explanation);
  });

  test("of the registered domain covers a subdomain", async () => {
    const table = dnsTable({ "_dmarc.example.com TXT": "v=DMARC1; p=reject" });
    expect(await checkRecord(table, pick("DMARC", "TXT", recordsOf("sub.example.com")))).toMatchObject({
      status: "verified",
      found: ["v=DMARC1; p=reject"],
    });
  });
});

describe("a tracking host", () => {
  const record = pick("Tracking", "CNAME");
  const ours = { "mail.mailit.test A": ["192.0.2.1", "192.0.2.2"], "mail.mailit.test AAAA": "2001:db8::1" };
  const judged = (published: Record<string, TableValue>) =>
    checkRecord(dnsTable({ ...ours, ...published }), record);

  test.each<[string, Record<string, TableValue>]>([
    ["is an alias of this server", { "links.example.com CNAME": "Mail.Mailit.Test." }],
    [
      "is an alias of an alias of it",
      { "links.example.com CNAME": "a.example.com", "a.example.com CNAME": "mail.mailit.test" },
    ],
    ["has its addresses, as a flattened CNAME leaves them", { "links.example.com A": "192.0.2.2" }],
    [
      "has an address of each family, when one family can't be looked up elsewhere",
      { "links.example.com AAAA": "2001:db8::1", "links.example.com A": "SERVFAIL" },
    ],
  ])("counts when it %s", async (_how, published) => {
    expect(await judged(published)).toMatchObject({ status: "verified", reason: "" });
  });

  test.each<[Record<string, TableValue>, string]>([
    [{ "links.example.com CNAME": "track.other.test" }, "points to track.other.test: change it to mail"],
    [{ "links.example.com CNAME": "mail.mailit.test.example.com" }, 'end the value with a dot, "mail.mailit'],
    [{ "links.example.com A": ["192.0.2.1", "203.0.113.9"] }, "replace its address records by a CNAME"],
    [{ "links.example.com.example.com CNAME": "mail.mailit.test" }, 'enter its name as "links"'],
  ])("%j is explained", async (published, explanation) => {
    const result = await judged(published);
    expect(result.status).toBe("failed");
    expect(reasonOf(result)).toContain(explanation);
  });

  test("is pending while nothing is there, and while our own name can't be looked up", async () => {
    expect(reasonOf(await judged({ "links.example.com TXT": "here" }))).toContain("No Tracking CNAME record");
    const table = dnsTable({ "links.example.com A": "192.0.2.1", "mail.mailit.test A": "SERVFAIL" });
    expect(reasonOf(await checkRecord(table, record))).toContain("mail.mailit.test could not be looked up");
  });
});

describe("the token of a claim", () => {
  const record = claimRecord("shop.example.com", "mailit-domain-verification=abc");
  const judged = (published: Record<string, TableValue>) => checkRecord(dnsTable(published), record);

  test.each<[TableValue]>([
    ["mailit-domain-verification=abc"],
    [["v=spf1 -all", '"mailit-domain-verification=abc"', "mailit-domain-verification=old"]],
  ])("is found in %j", async (published) => {
    expect(await judged({ "shop.example.com TXT": published })).toMatchObject({ status: "verified" });
  });

  test.each<[Record<string, TableValue>, string]>([
    [{}, "No Claim TXT record is published at shop.example.com yet"],
    [{ "shop.example.com TXT": "mailit-domain-verification=ABC" }, "is of another claim"],
    [{ "shop.example.com TXT": "mailit-domain-verification=abcd" }, "is of another claim"],
    [{ "example.com TXT": record.value }, "No Claim TXT record"],
    [{ "shop.example.com.example.com TXT": record.value }, 'enter its name as "shop"'],
    [{ "shop.example.com TXT": "SERVFAIL" }, "could not be looked up"],
  ])("is not found in %j", async (published, explanation) => {
    expect(reasonOf(await judged(published))).toContain(explanation);
  });

  test("is not taken from whoever runs the host a domain is an alias of", async () => {
    const result = await judged({
      "shop.example.com CNAME": "shops.hosting.test",
      "shops.hosting.test TXT": record.value,
    });
    expect(result.status).toBe("failed");
    expect(reasonOf(result)).toContain("is an alias (CNAME) of shops.hosting.test");
  });
});
