import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { mergedLength, mergeLine, mergeText, readFields } from "./merge.ts";

const namesIn = (template: string) => readFields(template).map(({ name, fallback }) => [name, fallback]);

describe("a field is", () => {
  test.each<[string, [string, string | undefined]]>([
    ["{{{PRODUCT}}}", ["PRODUCT", undefined]],
    ["{{{ price_2 }}}", ["price_2", undefined]],
    ["{{{NAME|there}}}", ["NAME", "there"]],
    ["{{{NAME|}}}", ["NAME", ""]],
    ["{{{ NAME | dear friend }}}", ["NAME", "dear friend"]],
    ["{{{NAME|a|b}}}", ["NAME", "a|b"]],
    ["{{{contact.first_name|there}}}", ["contact.first_name", "there"]],
    ["{{{contact.company}}}", ["contact.company", undefined]],
    ["{{{FIRST_NAME|there}}}", ["contact.first_name", "there"]],
    ["{{{LAST_NAME}}}", ["contact.last_name", undefined]],
    ["{{{EMAIL}}}", ["contact.email", undefined]],
    ["{{{RESEND_UNSUBSCRIBE_URL}}}", ["RESEND_UNSUBSCRIBE_URL", undefined]],
    ["{{{UNSUBSCRIBE_URL}}}", ["RESEND_UNSUBSCRIBE_URL", undefined]],
    ["{{contact.first_name}}", ["contact.first_name", undefined]],
    ["{{ contact.first_name|there }}", ["contact.first_name", "there"]],
    ["{{{{NAME}}}}", ["NAME", undefined]],
  ])("%s", (template, field) => expect(namesIn(`a ${template} b`)).toEqual([field]));

  test.each([
    "{{PRODUCT}}",
    "{PRODUCT}",
    "{{{}}}",
    "{{{two words}}}",
    "{{{a.b}}}",
    "{{{contact.a.b}}}",
    "{{{contact.}}}",
    "{{{NAME}}",
    "{{{#if NAME}}}",
    "{{{NAME|{{{OTHER}}}",
    `{{{${"x".repeat(51)}}}}`,
  ])("not %s", (template) => expect(namesIn(template).filter(([name]) => name !== "OTHER")).toEqual([]));
});

describe("a field takes", () => {
  const merged = (template: string, values: Record<string, string | number>, fallbacks = {}) =>
    mergeText(template, { values, fallbacks });

  test("its value, else its own fallback, else that of its name, else nothing", () => {
    expect(merged("{{{A|own}}}", { A: "given" }, { A: "named" })).toBe("given");
    expect(merged("{{{A|own}}}", {}, { A: "named" })).toBe("own");
    expect(merged("{{{A}}}", {}, { A: "named" })).toBe("named");
    expect(merged("[{{{A}}}]", {})).toBe("[]");
  });

  test("an empty value and zero as values", () => {
    expect(merged("{{{A|x}}}{{{B|x}}}", { A: "", B: 0 })).toBe("0");
  });

  test("nothing from what every object has", () => {
    expect(merged("{{{constructor}}}{{{toString|x}}}{{{__proto__}}}", {})).toBe("x");
  });

  test("the same under the older name and the newer, and under the original's", () => {
    const values = { "contact.first_name": "Ada" };
    expect(merged("{{{FIRST_NAME}}} {{{contact.first_name}}} {{contact.first_name}}", values)).toBe(
      "Ada Ada Ada",
    );
  });

  test("in plain text its value as it is", () => {
    expect(merged("Hello {{{A}}}", { A: '<b> & "O\'Neill"\n$& $1' })).toBe('Hello <b> & "O\'Neill"\n$& $1');
  });
});

test("what is filled in is never read again", () => {
  const values = { A: "{{{B}}}", B: "{{contact.email}}", "contact.email": "no", C: "{{{" };
  expect(mergeText("{{{A}}}", { values })).toBe("{{{B}}}");
  expect(mergeText("{{{B}}}", { values })).toBe("{{contact.email}}");
  expect(mergeText("{{{C}}}B}}}", { values })).toBe("{{{B}}}");
});

test("a line stays one line, whatever is filled in", () => {
  expect(mergeLine("Hi {{{A|x\r\ny}}}", { values: { A: "Ada\r\nBcc: all@example.com\0\u2028\ud800" } })).toBe(
    "Hi Ada Bcc: all@example.com \ufffd",
  );
  expect(mergeLine("Hi {{{A|x\r\ny}}}", { values: {} })).toBe("Hi x y");
});

const value = fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom("{{{A}}}", "}}}", "{{contact.a}}"));

test("all but the fields stays as it is, character by character", () => {
  const literal = fc.string({ unit: "binary" }).map((text) => text.replace(/[{}]/g, ""));
  fc.assert(
    fc.property(fc.array(fc.tuple(literal, value)), literal, (parts, end) => {
      const template = parts.map(([text], index) => `${text}{{{V${index}}}}`).join("") + end;
      const values = Object.fromEntries(parts.map(([, given], index) => [`V${index}`, given]));
      const expected = parts.map(([text, given]) => text + given).join("") + end;
      expect(mergeText(template, { values })).toBe(expected);
    }),
  );
});

test("no header gets another line by a value", () => {
  fc.assert(
    fc.property(fc.string(), value, (text, given) => {
      expect(mergeLine(`${text}{{{A}}}`, { values: { A: given } })).not.toMatch(/[\r\n\0]/);
    }),
  );
});

test.each(["{{{", "{{{a|", "{{{ a ", "{{contact.a|", "{{contact.", "{{{contact.a|x", "{".repeat(3)])(
  "a template of nothing but %j is read in time that grows with its length alone",
  (piece) => {
    expect(readFields(piece.repeat(100_000))).toEqual([]); // quadratic, it would take minutes
  },
);

test("how long a text becomes is known before it is made", () => {
  const part = fc.oneof(fc.string(), fc.constantFrom("{{{A}}}", "{{{B|x}}}", "{{contact.a}}"));
  fc.assert(
    fc.property(fc.array(part), value, (parts, given) => {
      const merge = { values: { A: given }, fallbacks: { "contact.a": 12 } };
      expect(mergedLength(parts.join(""), merge)).toBe(mergeText(parts.join(""), merge).length);
    }),
  );
});
