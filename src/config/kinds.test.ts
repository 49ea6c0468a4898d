import { expect, test } from "bun:test";
import * as is from "./kinds.ts";
import { shown } from "./mistake.ts";

interface Case {
  kind: is.Kind<unknown, unknown>;
  good: [input: unknown, value: unknown][];
  bad: unknown[];
}

const cases: Record<string, Case> = {
  text: { kind: is.text, good: [[" a b ", "a b"]], bad: ["", "  ", "a\nb", "a\0b", 5, null, {}] },
  "a secret": {
    kind: is.secretText(4),
    good: [[" abc ", " abc "]],
    bad: ["abc", "abcd\n", 12_345, null],
  },
  "a path": { kind: is.path, good: [["./data", "./data"]], bad: ["", "a\0b", 1] },
  "a choice": {
    kind: is.choice("off", "files"),
    good: [["off", "off"]],
    bad: ["OFF", "", "toString", 0, false],
  },
  "a flag": {
    kind: is.flag,
    good: [
      [true, true],
      ["true", true],
      ["Yes", true],
      ["1", true],
      ["off", false],
      ["0", false],
    ],
    bad: ["", "maybe", "constructor", 1, null],
  },
  "a port": {
    kind: is.port,
    good: [
      [25, 25],
      ["65535", 65_535],
    ],
    bad: [0, "0", 65_536, "25.5", 25.5, "-1", "0x19", "1e3", "", true],
  },
  "a duration": {
    kind: is.duration(1),
    good: [
      ["1d", 86_400_000],
      [1, 1000],
    ],
    bad: ["25h", 0, "0s", "soon", null, "forever"],
  },
  "a time to keep": {
    kind: is.keeping,
    good: [
      ["forever", "forever"],
      ["90d", 7_776_000_000],
    ],
    bad: ["never", 0, ""],
  },
  "a size": {
    kind: is.size,
    good: [
      ["25MB", 25_000_000],
      [1, 1],
    ],
    bad: ["0", "3GB", "big", "", null],
  },
  "a list": {
    kind: is.list(is.duration(1), 1),
    good: [
      ["2s, 4s,8s,", [2000, 4000, 8000]],
      [
        ["2s", 4],
        [2000, 4000],
      ],
    ],
    bad: ["", ",", [], {}, 5, ["2s", "x"]],
  },
  "a listening address": { kind: is.listenAddress, good: [[":0", ":0"]], bad: ["0", ":x", 8080] },
  "a host name": {
    kind: is.hostName,
    good: [
      ["Mail.Example.COM.", "mail.example.com"],
      ["bücher.example", "xn--bcher-kva.example"],
      ["localhost", "localhost"],
    ],
    bad: [
      "",
      "a b",
      "a_b.example",
      "-a.example",
      "a..b",
      "127.0.0.1",
      "127.1",
      "::1",
      "a/b",
      "a:1",
      `${"a".repeat(64)}.b`,
    ],
  },
  "a host": {
    kind: is.host,
    good: [
      ["127.0.0.1", "127.0.0.1"],
      ["::1", "::1"],
      ["smtp.example.com", "smtp.example.com"],
    ],
    bad: ["smtp.example.com:25", "fe80::1%eth0", ""],
  },
  "an IP address": {
    kind: is.ipAddress,
    good: [["192.0.2.1", "192.0.2.1"]],
    bad: ["192.0.2", "fe80::1%eth0", "a"],
  },
  "a local address": {
    kind: is.localAddress,
    good: [
      ["192.0.2.1", { address: "192.0.2.1" }],
      ["2001:db8::1 = Mail1.Example.com", { address: "2001:db8::1", ehloName: "mail1.example.com" }],
    ],
    bad: [
      "mail1.example.com",
      "192.0.2.1=",
      "192.0.2.1=a b",
      "192.0.2.1=a.example=b.example",
      "=a.example",
      {},
    ],
  },
  "a network": {
    kind: is.network,
    good: [
      ["10.0.0.0/8", "10.0.0.0/8"],
      ["10.0.0.1", "10.0.0.1/32"],
      ["fd00::/8", "fd00::/8"],
      ["::1", "::1/128"],
    ],
    bad: ["10.0.0.0/33", "fd00::/129", "10.0.0.0/", "10.0.0.0/-1", "10/8", "/8", "fe80::1%eth0/64"],
  },
  "a name server": {
    kind: is.nameServer,
    good: [
      ["9.9.9.9", "9.9.9.9:53"],
      ["127.0.0.1:5353", "127.0.0.1:5353"],
      ["2620:fe::fe", "[2620:fe::fe]:53"],
      ["[2620:fe::fe]:53", "[2620:fe::fe]:53"],
    ],
    bad: ["dns.example:53", ":53", "9.9.9.9:0", "9.9.9.9:99999"],
  },
  "a URL": {
    kind: is.url("https"),
    good: [["https://a.example/x", "https://a.example/x"]],
    bad: ["http://a.example", "https://u:p@a.example", "a.example", "https://", "javascript:1"],
  },
  "a database URL": {
    kind: is.databaseUrl,
    good: [
      ["libsql://db.example", "libsql://db.example"],
      ["http://127.0.0.1:8081", "http://127.0.0.1:8081"],
    ],
    bad: ["file:mailit.db", "postgres://db.example", "mailit.db"],
  },
  "an origin": {
    kind: is.origin,
    good: [
      ["https://Mail.example.com/", "https://mail.example.com"],
      ["http://127.0.0.1:0", "http://127.0.0.1:0"],
    ],
    bad: [
      "https://a.example/x",
      "https://a.example?x",
      "https://u@a.example",
      "mailto:a@b.example",
      "a.example",
    ],
  },
  "a web origin": {
    kind: is.webOrigin,
    good: [
      ["*", "*"],
      ["https://App.example.com/", "https://app.example.com"],
    ],
    bad: ["https://*.example.com/", "**", "app.example.com", "null"],
  },
  "a selector": { kind: is.selector, good: [["S1.eu", "s1.eu"]], bad: ["", "a_b", "a b", ".a", "a."] },
  "a master key": {
    kind: is.masterKey,
    good: [["AB".repeat(32), "ab".repeat(32)]],
    bad: ["ab".repeat(16), "xy".repeat(32), ""],
  },
};

for (const [name, { kind, good, bad }] of Object.entries(cases)) {
  test.each(good)(`${name} may be %p`, (input, value) => {
    expect(kind.read(input)).toEqual({ value });
  });
  test.each(bad.map((input) => ({ input, label: shown(input) })))(`${name} can't be $label`, ({ input }) => {
    expect(kind.read(input)).toHaveProperty("bad");
  });
}

test("of a list only the wrong element is named", () => {
  expect(is.list(is.port).read("25,x,26")).toEqual({ bad: "x" });
});
