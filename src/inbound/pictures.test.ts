import { expect, test } from "bun:test";
import { addReceived, type ReceivedWish } from "../../test/support/received-mail.ts";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { getReceivedEmail } from "./received.ts";

const app = await testApp();
const { teamId } = await testTeam(app);

type Attachments = NonNullable<ReceivedWish["attachments"]>;

async function show(html: string, attachments: Attachments) {
  const id = await addReceived(app, teamId, { html, attachments });
  const email = await getReceivedEmail(app, teamId, id, "data_uri");
  return [email.html, email.htmlFormat];
}

const logo = { contentType: "image/png", contentId: "logo@1", content: "png" };
const uri = "data:image/png;base64,cG5n";

test.each([
  ['<img src="cid:logo@1">', `<img src="${uri}">`],
  ["<img src='CID:logo%401'>", `<img src='${uri}'>`],
  ["<img src=cid:logo@1 alt=x>", `<img src=${uri} alt=x>`],
  ["<p style=\"background: url( 'cid:logo@1' )\">", `<p style="background: url( '${uri}' )">`],
  ["<style>p { background: url(cid:logo@1) }</style>", `<style>p { background: url(${uri}) }</style>`],
  ['<img src="cid:logo@1"><img src="cid:logo@1">', `<img src="${uri}"><img src="${uri}">`],
])("%s shows its picture by itself", async (html, shown) => {
  expect(await show(html, [logo])).toEqual([shown, "data_uri"]);
});

test.each([
  ["an id that no attachment has", '<img src="cid:other">', logo],
  ["an id that can't be decoded", '<img src="cid:%E0%A4%A">', logo],
  ["words about a link", "<p>write cid:logo@1</p>", logo],
  ["what is no picture", '<a href="cid:logo@1">', { ...logo, contentType: "text/html" }],
  ["a type that would leave its attribute", '<img src="cid:logo@1">', { ...logo, contentType: 'image/"><b' }],
])("%s stays as it is", async (_what, html, attachment) => {
  expect(await show(html, [attachment])).toEqual([html, "data_uri"]);
});

test("a picture sent as bytes is known by its name, and an id may hold an ampersand or a percent sign", async () => {
  const untyped = { ...logo, contentType: "application/octet-stream" };
  const html = '<img src="cid:a&amp;b%25"><img src="cid:a&amp;b%">';
  expect(await show(html, [{ ...untyped, contentId: "a&b%", filename: "a.gif" }])).toEqual([
    '<img src="data:image/gif;base64,cG5n"><img src="data:image/gif;base64,cG5n">',
    "data_uri",
  ]);
  const link = '<img src="cid:logo@1">';
  expect(await show(link, [{ ...untyped, filename: "a.html" }])).toEqual([link, "data_uri"]);
});

test("what would be over 100 MB has its pictures as attachments, and says so", async () => {
  const picture = { ...logo, content: new Uint8Array(600_000) };
  const links = (count: number) => '<img src="cid:logo@1">'.repeat(count);
  expect(await show(links(126), [picture])).toEqual([links(126), "cid"]); // 800,000 characters each
});

test("what names its pictures more than 10,000 times has them as attachments too", async () => {
  const links = (count: number) => '<img src="cid:logo@1">'.repeat(count);
  expect(await show(links(10_001), [logo])).toEqual([links(10_001), "cid"]);
  expect(await show(links(10_000), [logo])).toEqual([`<img src="${uri}">`.repeat(10_000), "data_uri"]);
});

test("a picture that is not kept any more is left a link", async () => {
  const html = '<img src="cid:logo@1">';
  const id = await addReceived(app, teamId, { html, attachments: [{ ...logo, content: "gone" }] });
  await app.blobs.remove(new Bun.CryptoHasher("sha256").update("gone").digest("hex"));
  expect(await getReceivedEmail(app, teamId, id, "data_uri")).toMatchObject({ html, htmlFormat: "data_uri" });
});

test("nothing is put in for who wants links, or where there is no HTML", async () => {
  const html = '<img src="cid:logo@1">';
  const id = await addReceived(app, teamId, { html, attachments: [logo] });
  expect(await getReceivedEmail(app, teamId, id, "cid")).toMatchObject({ html, htmlFormat: "cid" });
  const plain = await addReceived(app, teamId, { html: null, text: "cid:logo@1", attachments: [logo] });
  expect(await getReceivedEmail(app, teamId, plain, "data_uri")).toMatchObject({
    ...{ html: null, text: "cid:logo@1", htmlFormat: "data_uri" },
  });
});
