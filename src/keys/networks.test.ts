import { expect, test } from "bun:test";
import { parseAllowedIps, readAllowedIps, requireAllowedAddress } from "./networks.ts";

const lets = (networks: string[], address: string): boolean => {
  try {
    requireAllowedAddress(parseAllowedIps(readAllowedIps(networks)), address);
    return true;
  } catch (error) {
    expect(error).toMatchObject({ name: "Refusal", code: "not_permitted" });
    expect((error as Error).message).toContain(address);
    return false;
  }
};

test.each([
  ["203.0.113.7", "203.0.113.7"],
  ["203.0.113.7/32", "203.0.113.7"],
  ["10.1.2.3/8", "10.0.0.0/8"],
  ["0.0.0.0/0", "0.0.0.0/0"],
  ["2001:DB8:0::1", "2001:db8::1"],
  ["2001:db8::1/32", "2001:db8::/32"],
  ["::ffff:203.0.113.7", "203.0.113.7"],
  ["::ffff:10.0.0.0/104", "10.0.0.0/8"],
])("%s is stored as %s", (written, stored) => {
  expect(readAllowedIps([written])).toEqual([stored]);
});

test.each([
  "",
  "1",
  "0x7f.1",
  "10.0.0.0/33",
  "::/129",
  "10.0.0.0/",
  "10.0.0.0/8/8",
  "fe80::1%eth0",
  "::ffff:0:0/64",
  "host",
])("%p is refused, by its name", (written) => {
  expect(() => readAllowedIps(["10.0.0.1", written])).toThrow(JSON.stringify(written));
});

test("a key has a hundred networks at most", () => {
  const many = Array.from({ length: 101 }, (_, index) => `10.0.0.${index}`);
  expect(readAllowedIps(many.slice(1))).toHaveLength(100);
  expect(() => readAllowedIps(many)).toThrow("at most 100");
});

test("no networks let in everybody, also whoever has no address", () => {
  expect(lets([], "203.0.113.7")).toBeTrue();
  expect(lets([], "local")).toBeTrue();
});

test("networks let in those inside, of their own family", () => {
  expect(lets(["10.0.0.0/8", "2001:db8::/32"], "10.255.0.1")).toBeTrue();
  expect(lets(["10.0.0.0/8", "2001:db8::/32"], "2001:db8:1::1")).toBeTrue();
  expect(lets(["10.0.0.0/8"], "11.0.0.1")).toBeFalse();
  expect(lets(["10.0.0.0/8"], "::1")).toBeFalse();
  expect(lets(["::/0"], "10.0.0.1")).toBeFalse();
  expect(lets(["10.0.0.0/8"], "::ffff:10.0.0.1")).toBeTrue();
  expect(lets(["10.0.0.0/8"], "local")).toBeFalse();
});

test("a list that was damaged in the database opens no key", () => {
  expect(() => parseAllowedIps(["10.0.0.0"])).not.toThrow();
  expect(() => parseAllowedIps(["rubbish"])).toThrow();
});
