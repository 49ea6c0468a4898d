import { describe, expect, test } from "bun:test";
import { Refusal } from "../errors.ts";
import {
  checkRecordHosts,
  readDomainName,
  readReturnPathLabel,
  readTrackingLabel,
  trackingHostOf,
} from "./name.ts";

describe("a domain's name", () => {
  test.each([
    ["example.com", "example.com"],
    [" Example.COM. ", "example.com"],
    ["mail.example.co.uk", "mail.example.co.uk"],
    ["bücher.example", "xn--bcher-kva.example"],
    ["shop.github.io", "shop.github.io"],
  ])("%p is kept as %p", (typed, name) => {
    expect(readDomainName(typed)).toBe(name);
  });

  test.each([
    ["", "Missing `name` field."],
    ["192.0.2.1", "An IP address can't be a sending domain."],
    ["[2001:db8::1]", "An IP address can't be a sending domain."],
    ["localhost", "at least two labels"],
    ["co.uk", "`co.uk` is a suffix"],
    ["github.io", "`github.io` is a suffix"],
    ["https://example.com", "without a scheme, a path or an address"],
    ["a@example.com", "without a scheme, a path or an address"],
    ["exa mple.com", "must be a domain name"],
    ["example..com", "must be a domain name"],
    ["-a.example.com", "must be a domain name"],
    ["a_b.example.com", "must be a domain name"],
    ["127.1", "must be a domain name"],
    ["example.com\0", "must be a domain name"],
    [`${"a".repeat(64)}.com`, "must be a domain name"],
    [`${"a.".repeat(130)}com`, "more than 253 characters"],
  ])("%p is refused with what is wrong", (typed, why) => {
    expect(refusal(() => readDomainName(typed))).toContain(why);
  });

  test("must leave room for the names of its records", () => {
    const name = `${"a".repeat(60)}.${"b".repeat(60)}.${"c".repeat(60)}.${"d".repeat(60)}.com`;
    expect(readDomainName(name)).toBe(name);
    expect(refusal(() => checkRecordHosts(name, [`send.${name}`, `mailit._domainkey.${name}`]))).toContain(
      "too long",
    );
  });
});

describe("a label", () => {
  test("may be any host label that begins with a letter, in lower case", () => {
    expect(readReturnPathLabel("Bounce-2")).toBe("bounce-2");
    expect(readReturnPathLabel("a".repeat(63))).toHaveLength(63);
  });

  test.each(["", "1send", "send-", "-send", "se.nd", "se nd", "sénd", "_dmarc", "a".repeat(64)])(
    "%p is refused",
    (label) => {
      expect(refusal(() => readReturnPathLabel(label))).toContain("Invalid `custom_return_path` field.");
    },
  );

  const domain = { name: "shop.example.com", returnPathLabel: "send" };

  test.each([
    ["links", "links"],
    ["Links.Shop.example.com.", "links"],
    ["go.to.shop.example.com", "go.to"],
  ])("for tracking, %s, is read as %s", (typed, label) => {
    expect(readTrackingLabel(typed, domain)).toBe(label);
  });

  test("for tracking can't be the return path, which has records of its own", () => {
    for (const typed of ["Send", "send.shop.example.com"])
      expect(refusal(() => readTrackingLabel(typed, domain))).toContain("return path");
  });

  test.each(["links.example.com", "go.to", ".shop.example.com", "a..shop.example.com", "shop.example.com"])(
    "for tracking, %s, is refused: it is no host under the domain",
    (typed) => {
      expect(refusal(() => readTrackingLabel(typed, domain))).toContain(
        "Invalid `tracking_subdomain` field.",
      );
    },
  );

  test("for tracking, unasked, is never the return path", () => {
    const unasked = { ...domain, trackingLabel: null, openTracking: true, clickTracking: false };
    expect(trackingHostOf(unasked)).toBe("links.shop.example.com");
    expect(trackingHostOf({ ...unasked, returnPathLabel: "links" })).toBe("track.shop.example.com");
    expect(trackingHostOf({ ...unasked, openTracking: false })).toBeUndefined();
  });
});

function refusal(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    if (error instanceof Refusal) return error.message;
    throw error;
  }
  throw new Error("it was taken");
}
