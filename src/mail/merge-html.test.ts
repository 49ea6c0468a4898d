import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Parser } from "htmlparser2";
import { mergeEdits, mergeHtml } from "./merge-html.ts";

const merged = (html: string, value: string | number) => mergeHtml(html, { values: { A: value } });

describe("a value in HTML is text,", () => {
  test("in triple braces as in double ones", () => {
    const values = { A: "<b>&\"'", "contact.a": "<b>&\"'" };
    const escaped = "&lt;b&gt;&amp;&quot;&#39;";
    expect(mergeHtml("<p>{{{A}}}</p>", { values })).toBe(`<p>${escaped}</p>`);
    expect(mergeHtml("<p>{{contact.a}}</p>", { values })).toBe(`<p>${escaped}</p>`);
  });

  test("also where it looks like a field", () => {
    expect(mergeHtml("{{{A}}}{{{B}}}", { values: { A: "{{{B}}}", B: "&lt;" } })).toBe("{{{B}}}&amp;lt;");
  });

  test("in an attribute with quotes and without", () => {
    expect(merged('<p title="{{{A}}}">', '" onclick="x')).toBe('<p title="&quot; onclick=&quot;x">');
    expect(merged("<p title={{{A}}}>", "x onclick=`y`")).toBe("<p title=x&#32;onclick&#61;&#96;y&#96;>");
    expect(merged("<p title={{{A}}} class=a>", "")).toBe('<p title="" class=a>');
    expect(merged("<p title=a{{{A}}} class=a>", "")).toBe("<p title=a class=a>");
    expect(merged("<p title={{{A}}}{{{B}}} class=a>", "")).toBe('<p title="" class=a>');
  });

  test("in a title, and in what only Outlook reads", () => {
    expect(merged("<title>{{{A}}}</title>", "</title><script>")).toBe(
      "<title>&lt;/title&gt;&lt;script&gt;</title>",
    );
    const button = '<!--[if mso]><v:rect href="{{{A}}}">{{{A}}}</v:rect><![endif]-->';
    expect(merged(button, "https://a.test/?a&b")).toBe(
      '<!--[if mso]><v:rect href="https://a.test/?a&amp;b">https://a.test/?a&amp;b</v:rect><![endif]-->',
    );
    expect(merged(button, "javascript:--><script>")).toBe(
      '<!--[if mso]><v:rect href="">javascript:--&gt;&lt;script&gt;</v:rect><![endif]-->',
    );
  });
});

test("a fallback is a piece of the template: what its author's editor has escaped stays", () => {
  expect(mergeHtml("{{{A|Tom &amp; Jerry's & <b> &#39;}}}", { values: {} })).toBe(
    "Tom &amp; Jerry&#39;s &amp; &lt;b&gt; &#39;",
  );
  expect(mergeHtml("{{{A|x}}}{{{B}}}", { values: { A: "&amp;" }, fallbacks: { B: "&amp;" } })).toBe(
    "&amp;amp;&amp;amp;",
  );
});

describe("an address", () => {
  test.each([
    "https://a.test/x?y=1",
    "HTTP://a.test",
    "mailto:ada@example.com",
    "tel:+431234",
    "/path?to=a:b",
    "#top",
    "page",
    "",
  ])("may be %s", (url) => expect(merged('<a href="{{{A}}}">', url)).toBe(`<a href="${url}">`));

  test.each([
    "javascript:alert(1)",
    " \u0001JaVa\tScRi\npt:alert(1)",
    "data:text/html,x",
    "vbscript:x",
    "file:///etc/passwd",
    ":x",
    "x:y",
  ])("is nothing instead of %j", (url) => {
    expect(merged('<a href="{{{A}}}">', url)).toBe('<a href="">');
    expect(merged("<a href={{{A}}} class=x>", url)).toBe('<a href="" class=x>');
    expect(merged('<form action="{{{A}}}"><svg><a xlink:href="{{{A}}}">', url)).toBe(
      '<form action=""><svg><a xlink:href="">',
    );
  });

  test("is judged by all that becomes of it, however it is put together", () => {
    const values = { A: "java", B: "script:x", C: ":x" };
    const of = (href: string) => mergeHtml(`<a href="${href}">`, { values });
    expect(of("{{{A}}}{{{B}}}")).toBe('<a href="">');
    expect(of("{{{A}}}script:x")).toBe('<a href="script:x">');
    expect(of("java{{{B}}}")).toBe('<a href="java">');
    expect(of("javascript{{{C}}}")).toBe('<a href="javascript">');
    expect(of("&#106;avascript&colon;{{{A}}}")).toBe('<a href="&#106;avascript&colon;">');
    expect(of("https://a.test/{{{B}}}?q={{{C}}}&amp;x")).toBe(
      '<a href="https://a.test/script:x?q=:x&amp;x">',
    );
    expect(of("mailto:{{{A}}}")).toBe('<a href="mailto:java">');
  });

  test("may be a picture within itself, but no document", () => {
    expect(merged('<img src="{{{A}}}">', "data:image/png;base64,AA==")).toBe(
      '<img src="data:image/png;base64,AA==">',
    );
    expect(merged('<img src="{{{A}}}">', "data:image/svg+xml,<svg>")).toBe('<img src="">');
  });
});

test("a style takes words, numbers, colours and web addresses, and nothing that ends what it is in", () => {
  for (const harmless of ["#ff0000", "12px", "Times New Roman", "https://a.test/x.png?a=1"]) {
    expect(merged('<p style="x:{{{A}}}"><style>p{x:{{{A}}}}</style>', harmless)).toBe(
      `<p style="x:${harmless}"><style>p{x:${harmless}}</style>`,
    );
  }
  for (const harmful of [
    "red;position:fixed",
    "url(x)",
    "expression(x)",
    "}</style><script>",
    "\\65",
    "/**/",
  ]) {
    expect(merged('<p style="x:{{{A}}}"><style>p{x:{{{A}}}}</style>', harmful)).toBe(
      '<p style="x:"><style>p{x:}</style>',
    );
  }
});

describe("nothing is filled in", () => {
  test.each([
    ["as the name of a tag", "<{{{A}}}>x</{{{A}}}>", "<>x</>"],
    ["as a part of one", "<h{{{A}}}>x", "<h>x"],
    ["as an attribute", "<p {{{A}}}>", "<p >"],
    ["into an attribute that a field names", "<p {{{A}}}='{{{A}}}'>", "<p =''>"],
    ["into a handler", '<p onclick="a({{{A}}})">', '<p onclick="a()">'],
    ["into a document within an attribute", '<iframe srcdoc="{{{A}}}">', '<iframe srcdoc="">'],
    ["into a script", "<script>a={{{A}}}</script>", "<script>a=</script>"],
    ["behind a script that ends itself", "<script/>a={{{A}}}</script>{{{A}}}", "<script/>a=</script>script"],
    [
      "into what a page acts on",
      '<meta http-equiv=refresh content="0;url={{{A}}}">',
      '<meta http-equiv=refresh content="0;url=">',
    ],
    ["into a comment", "<!-- {{{A}}} -->", "<!--  -->"],
    ["into a declaration", "<!doctype {{{A}}}><?xml {{{A}}}?>", "<!doctype ><?xml ?>"],
    ["into something unfinished", '<p title="{{{A}}}', '<p title="'],
  ])("%s", (_, html, expected) => expect(merged(html, "script")).toBe(expected));
});

test("edits are in the order of the text and name what they replace", () => {
  const html = '<a title="{{{A}}}" href="{{{A}}}">{{{B|x}}}</a>';
  expect(
    mergeEdits(html, { values: { A: "a" } }).map(({ start, end, text }) => [html.slice(start, end), text]),
  ).toEqual([
    ["{{{A}}}", "a"],
    ["{{{A}}}", "a"],
    ["{{{B|x}}}", "x"],
  ]);
});

/** What a program that shows the HTML sees: tags, names of attributes, addresses, and that there is text. */
function shapeOf(html: string): string[] {
  const shape: string[] = [];
  const parser = new Parser({
    onopentag: (name, attributes) => shape.push(`<${name} ${Object.keys(attributes).join(" ")}>`),
    onclosetag: (name) => shape.push(`</${name}>`),
    oncomment: () => shape.push("<!---->"),
  });
  parser.end(html);
  return shape;
}

function hasBadAddress(html: string): boolean {
  let isBad = false;
  const parser = new Parser({
    onattribute(name, value) {
      const url = value.replace(/[\t\n\r]/g, "").replace(/^[\0- ]+/, "");
      if (name === "href" && /^(javascript|data|vbscript):/i.test(url)) isBad = true;
    },
  });
  parser.end(html);
  return isBad;
}

const hostile = fc.oneof(
  fc.string({ unit: "binary" }),
  fc
    .array(
      fc.constantFrom(
        ...[
          "<script>",
          "</script>",
          "-->",
          "<!--",
          '"',
          "'",
          "`",
          "=",
          " ",
          ">",
          "/>",
          "\n",
          "onclick=x",
          "&",
          "]]>",
        ],
        ...[
          "javascript:",
          "java",
          "script:",
          "{{{A}}}",
          "{{contact.a}}",
          "}",
          ";",
          "</style>",
          "</title>",
          "&#58;",
        ],
      ),
      { maxLength: 6 },
    )
    .map((pieces) => pieces.join("")),
);
const template = fc
  .array(
    fc.constantFrom(
      ...[
        "{{{A}}}",
        "{{{B|there}}}",
        "{{contact.a}}",
        "<p>",
        "</p>",
        "<a href='{{{A}}}'>",
        "<a href={{{B}}}{{{A}}}>",
      ],
      ...[
        '<a href="java{{{A}}}">',
        "<b title={{{A}}} lang=x>",
        "<b {{{A}}} id=x>",
        "<!-- {{{A}}} -->",
        "text & ",
      ],
      ...[
        "<!--[if mso]>{{{A}}}<b title={{{A}}}><![endif]-->",
        "<style>{{{A}}}</style>",
        "<title>{{{A}}}</title>",
      ],
      ...[
        "<script>{{{A}}}</script>",
        "<p style='{{{A}}}' onclick={{{B}}}>",
        "<textarea>{{{A}}}</textarea>",
        "<br/>",
      ],
    ),
    { maxLength: 8 },
  )
  .map((pieces) => pieces.join(""));

test("no value changes what is a tag, an attribute or a comment, nor where a link may lead", () => {
  fc.assert(
    fc.property(template, hostile, hostile, (html, first, second) => {
      const values = { A: first, B: second, "contact.a": first };
      const made = mergeHtml(html, { values });
      expect(shapeOf(made)).toEqual(
        shapeOf(mergeHtml(html, { values: { A: "a", B: "b", "contact.a": "c" } })),
      );
      expect(hasBadAddress(made)).toBe(false);
    }),
    { numRuns: 2_000 },
  );
});

test("what stands in a text is shown as it is", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "binary" }).map((text) => text.replace(/\r/g, "")),
      (given) => {
        let shown = "";
        const parser = new Parser({
          ontext(text) {
            shown += text;
          },
        });
        parser.end(merged("<p>{{{A}}}</p>", given));
        expect(shown).toBe(given);
      },
    ),
  );
});

test.each([
  "<a href='{{{A}}}'>",
  "<a href={{{A}}}{{{A}}}",
  "{{{A}}}",
  "<!--[if x]>{{{A}}}<!--",
  "<a href='{{{A}}}",
  "<!--{{{A}}}",
])("a template of nothing but %s is merged in time that grows with its length alone", (piece) => {
  const html = piece.repeat(20_000);
  expect(mergeEdits(html, { values: { A: "https://a.test" } }).length).toBeGreaterThanOrEqual(20_000);
});
