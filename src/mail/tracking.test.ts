import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Parser } from "htmlparser2";
import { simpleParser } from "mailparser";
import { composeMessage } from "./compose.ts";
import { linkId, linksOf } from "./html-links.ts";
import {
  clickToken,
  openToken,
  readClickToken,
  readOpenToken,
  type Tracking,
  trackHtml,
  unsubscribeUrls,
} from "./tracking.ts";

const deliveryId = "0190f7a2-1111-7222-8333-444455556666";
const secret = new Uint8Array(32).fill(7);
const base = "https://links.example.com";
const clicksOnly: Tracking = {
  ...{ opens: false, clicks: true, deliveryId, base, secret },
  ownOrigins: ["https://mail.example.com", base],
};
const both: Tracking = { ...clicksOnly, opens: true };
const opensOnly: Tracking = { ...both, clicks: false };

const tracked = (url: string) => `${base}/t/c/${clickToken(clicksOnly, linkId(url))}`;
const pixel = trackHtml("", opensOnly);

describe("a link", () => {
  test.each([
    ['<a href="https://a.test/x">', "https://a.test/x"],
    ["<A   HREF='http://a.test/?x=1&amp;y=2&copy=3'\n class=foo >", "http://a.test/?x=1&y=2&copy=3"],
    ["<a href=http://a.test/?a&b>", "http://a.test/?a&b"],
    ['<a href = "https://a.test/&#x41;&#66;#top">', "https://a.test/AB#top"],
    ['<a href="  https://a.test/a\n b ">', "https://a.test/a b"],
    ['<a class="href=" title=\'"\' href="HTTPS://A.test/Grüße?q=ü#é">', "HTTPS://A.test/Grüße?q=ü#é"],
    ['<area shape="rect" href="https://a.test/area"/>', "https://a.test/area"],
    ['<svg><a href="https://a.test/svg"><text>x</text></a></svg>', "https://a.test/svg"],
    ['<a href="https://first.test" href="https://second.test">', "https://first.test"],
    ['<![if !mso]><a href="https://a.test/shown">', "https://a.test/shown"],
    ['<!--[if !mso]><!--><a href="https://a.test/shown"><!--<![endif]-->', "https://a.test/shown"],
  ])("in %s leads through us, and nothing else changes", (html, url) => {
    expect(linksOf(html)).toEqual([[linkId(url), url]]);
    const out = trackHtml(html, clicksOnly);
    const [at, ...others] = out.split(tracked(url));
    expect(others).toHaveLength(1);
    expect(html.startsWith(at!)).toBe(true);
    expect(html.endsWith(others[0]!)).toBe(true);
  });

  test.each([
    ["mail", '<a href="mailto:a@b.test?subject=https://a.test">'],
    ["a phone", '<a href="tel:+4912345"><a href="sms:+4912345">'],
    ["a place in the text", '<a href="#top"><a name="https://a.test">'],
    ["data and scripts", '<a href="data:text/html,https://a.test"><a href="javascript:https://a.test">'],
    ["a relative address", '<base href="https://a.test/"><a href="/x"><a href="x"><a href="//a.test/x">'],
    ["nothing", "<a href><a href=''><a href='http://'><a href='https://[bad'>"],
    [
      "where one unsubscribes",
      '<a href="https://a.test/Unsubscribe?u=1"><a href="https://a.test/?do=opt-out&amp;u=1"><a href="https://a.test/#/optout">',
    ],
    ["what is filled in later", '<a href="{{{RESEND_UNSUBSCRIBE_URL}}}"><a href="https://a.test/{{{id}}}">'],
    ["an element that is no link", '<link href="https://a.test"><abbr href="https://a.test">'],
    ["a conditional comment", '<!--[if mso]><a href="https://a.test">x</a><![endif]-->'],
    ["a comment", '<!-- <a href="https://a.test"> -->'],
    ["text", '<textarea><a href="https://a.test"></textarea><style><a href="https://a.test"></style>'],
    ["a script", '<script>"<a href=https://a.test>"</script><title><a href="https://a.test"></title>'],
    ["a frame", '<iframe><a href="https://a.test"></iframe><noembed><a href="https://a.test"></noembed>'],
    ["an attribute of another", `<p title='<a href="https://a.test">'>`],
    ["something unfinished", '<a href="https://a.test'],
  ])("to or in %s is left alone", (_, html) => {
    expect(linksOf(html)).toEqual([]);
    expect(trackHtml(html, clicksOnly)).toBe(html);
  });

  test("of our own is left alone, and so is the one to unsubscribe by", () => {
    const html =
      '<a href="https://mail.example.com/u/1"><a href="https://links.example.com/t/c/x">' +
      '<a href="https://shop.test/leave?id=1&amp;x=2"><a href="https://shop.test/buy">';
    const headers = { "list-unsubscribe": "<mailto:x@y.test>, <https://shop.test/leave?id=1&x=2>" };
    expect(unsubscribeUrls(headers)).toEqual(["mailto:x@y.test", "https://shop.test/leave?id=1&x=2"]);
    expect(trackHtml(html, clicksOnly, unsubscribeUrls(headers))).toBe(
      html.replace("https://shop.test/buy", tracked("https://shop.test/buy")),
    );
  });

  test("marked data-mailit-track=off is left alone, and the mark does not go out", () => {
    const html =
      '<a\n data-mailit-track="off" href="https://a.test/1">1</a><a href=https://a.test/2 data-mailit-track=OFF>2</a>' +
      '<a href="https://a.test/3" data-mailit-track="on">3</a>';
    expect(trackHtml(html, clicksOnly)).toBe(
      '<a href="https://a.test/1">1</a><a href=https://a.test/2>2</a>' +
        `<a href="${tracked("https://a.test/3")}" data-mailit-track="on">3</a>`,
    );
    expect(trackHtml(html, opensOnly)).toStartWith('<a href="https://a.test/1">1</a>');
  });

  test("has one id wherever it stands, and stays when only opens are tracked", () => {
    const html = '<a href="https://a.test/?a=1&amp;b=2"><a href="https://a.test/?a=1&b=2">';
    expect(linksOf(html)).toHaveLength(1);
    expect(trackHtml(html, opensOnly)).toBe(html + pixel);
  });
});

describe("the pixel", () => {
  test("is 1×1, says nothing to those who can't see it, and takes no room", () => {
    expect(pixel).toBe(
      `<img src="${base}/t/o/${openToken(both)}.gif" width="1" height="1" alt="" ` +
        'style="display:block;width:1px;height:1px;border:0;margin:0;padding:0;opacity:0">',
    );
  });

  test.each([
    ["before the last </body>", "<body><p>x</p>|</BODY ></html>"],
    ["before the last of two", "<body></body><p>x</p>|</body>"],
    ["at the end without one", "<p>x</p>|"],
    ["at the end of nothing but text", "x < y &amp|"],
    ["not in a comment", "<body>x|</body><!-- </body> -->"],
    ["not in a script or a textarea", "<script>'</body>'</script><textarea></body></textarea>|"],
    ["not in a style or a title", "<title></body></title><style></body></style>|"],
    ["not in a frame", "<iframe></body></iframe>|"],
    ["before a comment that never ends", "<p>x</p>|<!-- </p>"],
    ["before a script that never ends", "<p>x</p>|<script>if (a < b) {"],
    ["before a textarea that never ends", "<p>x</p>|<textarea rows=2>x</body>"],
    ["before a frame that never ends", "<p>x</p>|<iframe src=x><p>y</p>"],
    ["before a tag that never ends", '<p>x</p>|<a href="https://a.test'],
    ["before a closing tag that never ends", "<p>x</p>|</bod"],
    ["before a declaration that never ends", "<p>x</p>|<!doctype"],
  ])("stands %s: %s", (_, marked) => {
    expect(trackHtml(marked.replace("|", ""), opensOnly)).toBe(marked.replace("|", pixel));
  });

  test("finds its place among links", () => {
    expect(trackHtml("<body><a href=http://a.test></body><a href=http://b.test>", both)).toBe(
      `<body><a href=${tracked("http://a.test")}>${pixel}</body><a href=${tracked("http://b.test")}>`,
    );
  });
});

/** What a renderer makes of HTML, but for where links lead. */
function shapeOf(html: string): string[] {
  const seen: string[] = [];
  const parser = new Parser({
    onopentag: (name, attributes) => {
      const isLink = name === "a" || name === "area";
      const shown = Object.entries(attributes).filter(
        ([key]) => !(isLink && (key === "href" || key === "data-mailit-track")),
      );
      seen.push(`<${name} ${JSON.stringify(shown)}>`);
    },
    onclosetag: (name) => seen.push(`</${name}>`),
    ontext: (text) => seen.push(text),
    oncomment: (text) => seen.push(`<!--${text}-->`),
  });
  parser.end(html);
  return seen;
}

const row = (n: number) =>
  `<TR><td Width=50% style='font-family:"Arial"'><table border=0><tr><td><P>Angebot ${n} &ndash; nur heute &euro;` +
  `<br/><a Href='https://shop.test/p/${n}?utm_source=mail&amp;utm_content=${n}#kaufen' TARGET=_blank\n>Jetzt <b>kaufen</a>` +
  `<!--[if mso]><v:roundrect href="https://shop.test/p/${n}"><w:anchorlock/><![endif]--></table>\r\n`;
const newsletter = (rows: number) =>
  `<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN"><HTML xmlns:v="urn:schemas-microsoft-com:vml"><head>` +
  '<base href="https://shop.test/"><style>a > b { content: "</body>" }</style><title>1 < 2 </body></title></head>' +
  `<BODY bgColor=#fff><center><table>${Array.from({ length: rows }, (_, n) => row(n)).join("")}` +
  '<map><area href="https://shop.test/map" shape=rect></map><svg><a href="https://shop.test/svg"></a></svg>' +
  '<p>unclosed <i>tags <a href="mailto:x@shop.test">write</a></table></BODY></HTML>';

test.each([
  ["an ugly newsletter", newsletter(3)],
  ["500 links", newsletter(500)],
  ["2 MB", newsletter(5_000)],
])("%s renders the same with tracking, and keeps every byte that is no link", (_, html) => {
  const out = trackHtml(html, both);
  expect(shapeOf(out.replace(pixel, ""))).toEqual(shapeOf(html));
  expect(out.split(pixel)).toHaveLength(2);
  const byToken = new Map(linksOf(html).map(([id, url]) => [clickToken(both, id), url]));
  const back = out
    .replace(pixel, "")
    .replace(/https:\/\/links\.example\.com\/t\/c\/([\w-]+)/g, (__, token) => {
      return byToken.get(token)!.replaceAll("&", "&amp;");
    });
  expect(back).toBe(html);
});

test("hostile HTML takes no longer than its length is worth", () => {
  const long = 400_000; // with the square of it each of these would take minutes
  for (const html of [
    `<a href="https://a.test/${" ".repeat(long)}x">`,
    `<a href="${"\0 ".repeat(long / 2)}https://a.test">`,
    `<a ${" ".repeat(long)}data-mailit-track="off" href="https://a.test">`,
    "<a href='https://a.test' ".repeat(long / 25),
    "<!--".repeat(long / 4),
    "<iframe><a href=".repeat(long / 16),
  ]) {
    expect(trackHtml(html, both).length).toBeGreaterThan(0);
  }
}, 5_000);

test("whatever the HTML is, tracking it never throws and changes no text", () => {
  const piece = fc.constantFrom(
    ...[
      "<a href=",
      '"https://a.test/',
      "&amp;",
      "&#",
      ">",
      "<",
      "/",
      "</a>",
      "<!--",
      "-->",
      "<script>",
      "</script>",
    ],
    ...[
      "</body>",
      "<textarea>",
      "'",
      '"',
      " ",
      "=",
      "http://b.test ",
      "data-mailit-track=off",
      "<iframe>",
      "\0",
      "\ud800",
    ],
    ...[
      "<![CDATA[",
      "]]>",
      "<?",
      "<title/>",
      "<svg>",
      "</svg>",
      "<a",
      "é",
      "\r\n",
      "</iframe",
      "<plaintext>",
    ],
  );
  const html = fc.oneof(
    fc.string(),
    fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join("")),
  );
  fc.assert(
    fc.property(html, (given) => {
      const out = trackHtml(given, both);
      expect(out.split(pixel)).toHaveLength(2);
      expect(trackHtml(given, both)).toBe(out);
      const textOf = (of: string) =>
        shapeOf(of)
          .filter((each) => !each.startsWith("<"))
          .join("");
      expect(textOf(out.replace(pixel, ""))).toBe(textOf(given));
    }),
    { numRuns: 2_000 },
  );
});

describe("a token", () => {
  test("names its delivery and its link, and no other purpose", () => {
    const id = linkId("https://a.test/");
    expect(readClickToken(clickToken(both, id), secret)).toEqual({ deliveryId, link: id });
    expect(readOpenToken(openToken(both), secret)).toEqual({ deliveryId });
    expect(readOpenToken(clickToken(both, id), secret)).toBeUndefined();
    expect(readClickToken(openToken(both), secret)).toBeUndefined();
  });

  test("that was changed anywhere, or made with another secret, is none", () => {
    const token = clickToken(both, linkId("https://a.test/"));
    for (let n = 0; n < token.length; n++) {
      const changed = token.slice(0, n) + (token[n] === "A" ? "B" : "A") + token.slice(n + 1);
      expect(readClickToken(changed, secret)).toBeUndefined();
    }
    expect(readClickToken(token, new Uint8Array(32))).toBeUndefined();
    for (const text of ["", "x", `${token}A`, `${token}=`, "é".repeat(48)]) {
      expect(readClickToken(text, secret)).toBeUndefined();
    }
  });
});

describe("a message with tracking", () => {
  const source = {
    ...{ messageId: "<0190f7a2@example.com>", date: new Date("2026-01-02T03:04:05Z") },
    ...{ from: "ada@example.com", to: ["bob@example.net"], cc: [], replyTo: [], subject: "Hello" },
    ...{ html: '<p>Hi <a href="https://a.test/x">there</a></p>', headers: {}, attachments: [] },
    tracking: both,
  };
  const attachments = [{ filename: "a.txt", content: new TextEncoder().encode("A") }];

  test.each([
    ["alone", source],
    ["beside an attachment", { ...source, attachments }],
  ])("has it in its HTML, %s; its text keeps the addresses a person can read", async (_, whole) => {
    const first = await composeMessage(whole);
    const { html, text } = await simpleParser(Buffer.from(first));
    expect(html).toContain(tracked("https://a.test/x"));
    expect(html).toContain(pixel);
    expect(text).toContain("https://a.test/x");
    expect(text).not.toContain(base);
    expect(Buffer.from(await composeMessage(whole)).equals(Buffer.from(first))).toBe(true);
  });

  test("differs from another recipient's by its tokens alone", async () => {
    const other = { ...both, deliveryId: "0190f7a2-1111-7222-8333-444455557777" };
    const [one, two] = await Promise.all([
      composeMessage(source),
      composeMessage({ ...source, tracking: other }),
    ]);
    const htmlOf = async (message: Uint8Array) => (await simpleParser(Buffer.from(message))).html || "";
    const plain = (html: string) => html.replace(/\/t\/[oc]\/[\w-]+/g, "");
    expect(await htmlOf(one)).not.toBe(await htmlOf(two));
    expect(plain(await htmlOf(one))).toBe(plain(await htmlOf(two)));
  });
});
