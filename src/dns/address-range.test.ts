import { expect, test } from "bun:test";
import fc from "fast-check";
import { isPublicAddress } from "./address-range.ts";

test.each([
  "8.8.8.8",
  "1.1.1.1",
  "172.32.0.1",
  "100.128.0.1",
  "2606:4700:4700::1111",
  "2A00:1450::1",
  "::ffff:8.8.8.8",
  "64:ff9b::808:808",
])("%s is public", (address) => {
  expect(isPublicAddress(address)).toBe(true);
});

const special: [string, string][] = [
  ["0.0.0.0", "unspecified"],
  ["0.1.2.3", "this network"],
  ["10.0.0.1", "private"],
  ["172.16.0.1", "private"],
  ["172.31.255.255", "private"],
  ["192.168.1.1", "private"],
  ["127.0.0.1", "loopback"],
  ["127.255.255.254", "loopback"],
  ["169.254.169.254", "link-local, where clouds keep credentials"],
  ["100.64.0.1", "carrier-grade NAT"],
  ["100.127.255.255", "carrier-grade NAT"],
  ["192.0.0.1", "IETF protocol assignments"],
  ["192.0.2.1", "documentation"],
  ["198.51.100.1", "documentation"],
  ["203.0.113.1", "documentation"],
  ["198.18.0.1", "benchmarking"],
  ["198.19.255.255", "benchmarking"],
  ["192.88.99.1", "6to4 relays"],
  ["224.0.0.1", "multicast"],
  ["239.255.255.255", "multicast"],
  ["240.0.0.1", "reserved"],
  ["255.255.255.255", "broadcast"],
  ["::", "unspecified"],
  ["::1", "loopback"],
  ["0:0:0:0:0:0:0:1", "loopback"],
  ["fe80::1", "link-local"],
  ["fe80::1%eth0", "link-local with a zone"],
  ["2606:4700::1%eth0", "a zone"],
  ["fec0::1", "site-local"],
  ["fc00::1", "unique local"],
  ["fd12:3456::1", "unique local"],
  ["ff02::1", "multicast"],
  ["2001:db8::1", "documentation"],
  ["3fff::1", "documentation"],
  ["2001:2::1", "benchmarking"],
  ["2001:10::1", "ORCHID"],
  ["100::1", "discard"],
  ["4000::1", "not assigned"],
  ["::ffff:127.0.0.1", "IPv4-mapped loopback"],
  ["::ffff:7f00:1", "IPv4-mapped loopback in hexadecimal"],
  ["::ffff:10.0.0.1", "IPv4-mapped private"],
  ["::127.0.0.1", "IPv4-compatible loopback"],
  ["::7f00:1", "IPv4-compatible loopback"],
  ["::ffff:0:7f00:1", "IPv4-translated loopback"],
  ["64:ff9b::7f00:1", "NAT64 to loopback"],
  ["64:ff9b::10.0.0.1", "NAT64 to private"],
  ["64:ff9b:1::808:808", "local-use NAT64"],
  ["2002:7f00:1::", "6to4 to loopback"],
  ["2002:808:808::1", "6to4"],
  ["2001:0:53aa:64c::1", "Teredo"],
];

test.each(special)("%s is not public: %s", (address) => {
  expect(isPublicAddress(address)).toBe(false);
});

test.each([
  "",
  "localhost",
  "127.1",
  "0",
  "2130706433",
  "0x7f.0.0.1",
  "0x7f000001",
  "0177.0.0.1",
  "08.8.8.8",
  "8.8.8",
  "8.8.8.8.",
  " 8.8.8.8",
  "8.8.8.8\n",
  "8.8.8.8:80",
  "8.8.8.8/32",
  "[2606:4700::1]",
  "2606:4700::1::",
  "１.1.1.1",
])("%j is not an address in its usual form", (address) => {
  expect(isPublicAddress(address)).toBe(false);
});

test("no text makes the question throw", () => {
  const text = fc.oneof(fc.string(), fc.ipV4Extended(), fc.ipV6(), fc.ipV4());
  fc.assert(fc.property(text, (address) => typeof isPublicAddress(address) === "boolean"));
});

test("an IPv4 address is as public mapped into IPv6, or behind NAT64, as it is by itself", () => {
  fc.assert(
    fc.property(fc.ipV4(), (address) => {
      expect(isPublicAddress(`::ffff:${address}`)).toBe(isPublicAddress(address));
      expect(isPublicAddress(`64:ff9b::${address}`)).toBe(isPublicAddress(address));
    }),
  );
});
