import { expect, test } from "bun:test";
import { sites } from "./sites.ts";

test("a site is read field by field, and what is not said is not there", () => {
  const written = [
    {
      match: " *.Google.com",
      connections: "20",
      messagesPerConnection: 50,
      idle: "30s",
      rate: "100/1m",
      tls: "mandatory",
    },
    { match: "bücher.example" },
    { match: "*", rate: undefined },
  ];
  const value = [
    {
      match: "*.google.com",
      connections: 20,
      messagesPerConnection: 50,
      idle: 30_000,
      rate: { messages: 100, perMs: 60_000 },
      tls: "mandatory" as const,
    },
    { match: "xn--bcher-kva.example" },
    { match: "*" },
  ];
  expect(sites.read(written)).toEqual({ value });
  expect(sites.read(JSON.stringify(written))).toEqual({ value });
});

test.each([
  ['[{"match":"a.example"', '[{"match":"a.example"'],
  ['{"match":"a.example"}', '{"match":"a.example"}'],
  [{ match: "a.example" }, { match: "a.example" }],
  ["a.example", "a.example"],
  [[5], 5],
  [[null], null],
  [[["a.example"]], ["a.example"]],
])("%j is no list of sites", (input, bad) => {
  expect(sites.read(input)).toEqual({ bad });
});

test.each([
  [{}, "match: nothing"],
  [{ match: 5 }, "match: 5"],
  [{ match: "a b" }, "match: a b"],
  [{ match: "[a-z].example" }, "match: [a-z].example"],
  [{ match: "!a.example" }, "match: !a.example"],
  [{ match: "**.example" }, "match: **.example"],
  [{ match: "a.example", conections: 5 }, "conections: 5"],
  [{ match: "a.example", connections: 0 }, "connections: 0"],
  [{ match: "a.example", connections: null }, "connections: nothing"],
  [{ match: "a.example", messagesPerConnection: "many" }, "messagesPerConnection: many"],
  [{ match: "a.example", idle: "2d" }, "idle: 2d"],
  [{ match: "a.example", rate: 100 }, "rate: 100"],
  [{ match: "a.example", rate: "0/1m" }, "rate: 0/1m"],
  [{ match: "a.example", rate: "100/m" }, "rate: 100/m"],
  [{ match: "a.example", rate: {} }, "rate: an object"],
  [{ match: "a.example", tls: "implicit" }, "tls: implicit"],
  [JSON.parse('{"match":"a.example","__proto__":1}'), "__proto__: 1"],
  [{ match: "a.example", toString: "x" }, "toString: x"],
])("of %j the wrong field is named", (site, bad) => {
  expect(sites.read([{ match: "b.example" }, site])).toEqual({ bad });
});
