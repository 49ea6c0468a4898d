import { expect, test } from "bun:test";
import { clientAddressReader, sourceOf } from "./client-address.ts";

/** The address of a request from `peer` that says it was forwarded for somebody. */
function addressOf(peer: string, forwardedFor: string | undefined, trusted: string[] = []): string {
  const headers = forwardedFor === undefined ? undefined : { "x-forwarded-for": forwardedFor };
  const request = new Request("http://mailit.test/", { headers });
  return clientAddressReader(trusted)(request, { requestIP: () => ({ address: peer }) });
}
const proxies = ["10.0.0.0/8", "2001:db8:f::/48"];

test("the client is who is at the other end, whatever the request says", () => {
  expect(addressOf("192.0.2.1", undefined)).toBe("192.0.2.1");
  expect(addressOf("192.0.2.1", "198.51.100.7")).toBe("192.0.2.1");
  expect(addressOf("192.0.2.1", "198.51.100.7", proxies)).toBe("192.0.2.1");
});

test("a trusted proxy says who the client is", () => {
  expect(addressOf("10.0.0.1", "198.51.100.7", proxies)).toBe("198.51.100.7");
  expect(addressOf("2001:db8:f::1", "2001:DB8::0:7", proxies)).toBe("2001:db8::7");
  expect(addressOf("::ffff:10.0.0.1", "::ffff:198.51.100.7", proxies)).toBe("198.51.100.7");
});

test("of several hops the last one no proxy of ours vouches for is the client", () => {
  expect(addressOf("10.0.0.1", "203.0.113.9, 198.51.100.7, 10.0.0.2", proxies)).toBe("198.51.100.7");
  expect(addressOf("10.0.0.1", "10.0.0.3,10.0.0.2", proxies)).toBe("10.0.0.3");
});

test("ports that proxies write behind addresses are left out", () => {
  expect(addressOf("10.0.0.1", "198.51.100.7:4711", proxies)).toBe("198.51.100.7");
  expect(addressOf("10.0.0.1", "[2001:db8::7]:4711", proxies)).toBe("2001:db8::7");
});

test.each(["unknown", "", "1", "0x7f.1", "198.51.100.7 ; drop", "198.51.100.999", "_hidden"])(
  "what is no address (%p) ends the chain at the proxy that sent it",
  (garbage) => {
    expect(addressOf("10.0.0.1", `203.0.113.9, ${garbage}`, proxies)).toBe("10.0.0.1");
  },
);

test("a chain of thousands is read no further than twenty hops", () => {
  expect(addressOf("10.0.0.1", `198.51.100.7, ${Array(5000).fill("10.0.0.2").join(", ")}`, proxies)).toBe(
    "10.0.0.2",
  );
});

test("a request over no connection is local", () => {
  const request = new Request("http://mailit.test/", { headers: { "x-forwarded-for": "198.51.100.7" } });
  expect(clientAddressReader(["0.0.0.0/0"])(request, null)).toBe("local");
  expect(clientAddressReader(["0.0.0.0/0"])(request, { requestIP: () => null })).toBe("local");
});

test("IPv6 addresses count together as their /64, IPv4 addresses each for itself", () => {
  expect(sourceOf("2001:db8:1:2::3")).toBe(sourceOf("2001:db8:1:2:ffff::1"));
  expect(sourceOf("2001:db8:1:2::3")).not.toBe(sourceOf("2001:db8:1:3::3"));
  expect(sourceOf("192.0.2.1")).not.toBe(sourceOf("192.0.2.2"));
});
