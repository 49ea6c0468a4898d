import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigFault } from "../errors.ts";
import { dnsServers } from "./servers.ts";

const folder = mkdtempSync(join(tmpdir(), "mailit-dns-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("servers are configured by address, with or without a port", () => {
  expect(dnsServers(["127.0.0.1:5353", "9.9.9.9", "[::1]:54", "::1", "[2620:fe::fe]"])).toEqual([
    { address: "127.0.0.1", port: 5353 },
    { address: "9.9.9.9", port: 53 },
    { address: "::1", port: 54 },
    { address: "::1", port: 53 },
    { address: "2620:fe::fe", port: 53 },
  ]);
});

test("a server that is not an address stops the start with a sentence", () => {
  for (const server of ["dns.example:53", "127.0.0.1:0", "127.0.0.1:99999", "", "127.0.0.1:x"])
    expect(() => dnsServers([server])).toThrow(ConfigFault);
});

test("without configured servers those of resolv.conf are asked", () => {
  const file = join(folder, "resolv.conf");
  writeFileSync(
    file,
    "# nameserver 1.1.1.1\nsearch test\nnameserver 192.0.2.1\n nameserver 2001:db8::1 # two\nnameserver x\n",
  );
  expect(dnsServers([], file)).toEqual([
    { address: "192.0.2.1", port: 53 },
    { address: "2001:db8::1", port: 53 },
  ]);
});

test("without resolv.conf a server on this machine is asked", () => {
  expect(dnsServers([], join(folder, "absent"))).toEqual([{ address: "127.0.0.1", port: 53 }]);
});
