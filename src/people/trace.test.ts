import { expect, test } from "bun:test";
import { withoutThemInHead } from "./shared-emails.ts";
import { nobody, Trace } from "./trace.ts";

const bob = new Trace("bob@x.test");

test.each([
  ["bob@x.test", true],
  ["<Bob@X.test>: no such user", true],
  ['{"to":["BOB@x.test"]}', true],
  ["write to bob@x.test.", true],
  ["jim.bob@x.test", false],
  ["jim+bob@x.test", false],
  ["bob@x.test.example", false],
  ["bob@x.tests", false],
  ["bob@x-test", false],
])("%s names them: %p", (text, isNamed) => {
  expect(bob.isNamedIn(text)).toBe(isNamed);
});

test("letters beyond ASCII are the same in capitals and in any of their forms", () => {
  const trace = new Trace("jörg@x.test");
  expect(trace.isTheirs("JÖRG@x.test")).toBeTrue();
  expect(trace.isNamedIn("JO\u0308RG@X.test")).toBeTrue();
  expect(trace.without("an JÖRG@x.test")).toBe(`an ${nobody}`);
});

test("of a message its head loses them, and its body stays to the byte", () => {
  const message = Buffer.from(
    "To: Bob <bob@x.test>,\r\n ada@x.test\r\nSubject: J\xf6rg\r\n\r\nbob@x.test\r\n",
    "latin1",
  );
  expect(Buffer.from(withoutThemInHead(message, bob)!).toString("latin1")).toBe(
    `To: Bob <${nobody}>,\r\n ada@x.test\r\nSubject: J\xf6rg\r\n\r\nbob@x.test\r\n`,
  );
  expect(withoutThemInHead(Buffer.from("To: ada@x.test\r\n\r\nbob@x.test\r\n"), bob)).toBeUndefined();
});
