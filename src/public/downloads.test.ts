import { afterAll, describe, expect, test } from "bun:test";
import { draft } from "../../test/support/delivery-scene.ts";
import { addReceived } from "../../test/support/received-mail.ts";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { testDomain } from "../../test/support/test-domain.ts";
import { makeServer } from "../api/server.ts";
import { getAttachments } from "../emails/attachments.ts";
import { downloadLink } from "../emails/download-link.ts";
import type { DraftAttachment } from "../emails/draft.ts";
import { sendEmail } from "../emails/send.ts";
import { newId } from "../ids.ts";
import { removeReceived } from "../inbound/received.ts";
import { getReceivedAttachments } from "../inbound/received-files.ts";
import { linkRaw, rawPurpose, receivedAttachmentPurpose } from "../inbound/received-links.ts";
import { signLink } from "../signed-link.ts";
import { downloadRoutes } from "./downloads.ts";

const app = await testApp();
const { teamId } = await testTeam(app);
await testDomain(app, teamId);
const server = makeServer(app).use(downloadRoutes(app)).listen({ hostname: "127.0.0.1", port: 0 });
afterAll(() => server.stop(true).then(() => {}));
const origin = `http://127.0.0.1:${server.server!.port}`;
app.config = { ...app.config, server: { ...app.config.server, publicUrl: origin } };

/** The link to an attachment, as the API gives it. */
async function attach(attachment: Partial<DraftAttachment>): Promise<string> {
  const attachments = [{ content: new TextEncoder().encode("0123456789"), ...attachment }];
  const { id } = await sendEmail(app, { teamId }, { ...draft, attachments });
  return (await getAttachments(app, teamId, id, { limit: 1 }))[0]!.downloadUrl;
}

test("a file comes byte for byte, without a key, as something to save and not to show", async () => {
  const content = crypto.getRandomValues(new Uint8Array(3_000_000));
  const response = await fetch(await attach({ filename: "photo.png", content }));
  expect(response.status).toBe(200);
  expect(Object.fromEntries(response.headers)).toMatchObject({
    "content-type": "image/png",
    "content-length": "3000000",
    "content-disposition": `attachment; filename="photo.png"; filename*=UTF-8''photo.png`,
    "content-security-policy": "sandbox; default-src 'none'",
    "x-content-type-options": "nosniff",
    "cache-control": "private, no-store",
  });
  expect(Buffer.from(await response.arrayBuffer()).equals(content)).toBe(true);
});

test.each([
  ["page.html", undefined, "application/octet-stream"],
  ["image.svg", undefined, "application/octet-stream"],
  ["script.mjs", undefined, "application/octet-stream"],
  ["a.png", "text/html", "application/octet-stream"],
  ["a.png", "image/png\r\nx-evil: 1", "application/octet-stream"],
  ["a.png", "application/xhtml+xml", "application/octet-stream"],
  ["a", "Image/PNG; name=a", "image/png"],
  ["a.pdf", undefined, "application/pdf"],
])("%s called %p is sent as %s", async (filename, contentType, type) => {
  const response = await fetch(await attach({ filename, contentType }));
  expect([response.status, response.headers.get("content-type")]).toEqual([200, type]);
  expect(response.headers.has("x-evil")).toBe(false);
});

test("HEAD says how much there is, and nothing of it", async () => {
  const response = await fetch(await attach({}), { method: "HEAD" });
  expect([response.status, response.headers.get("content-length"), await response.text()]).toEqual([
    200,
    "10",
    "",
  ]);
});

describe("a download that was broken off", () => {
  const ask = async (headers: Record<string, string>) => {
    const response = await fetch(await attach({}), { headers });
    const { status } = response;
    return [status, response.headers.get("content-range"), await response.text()];
  };

  test("goes on where it ended", async () => {
    expect(await ask({ range: "bytes=7-" })).toEqual([206, "bytes 7-9/10", "789"]);
    expect(await ask({ range: "bytes=2-3" })).toEqual([206, "bytes 2-3/10", "23"]);
  });

  test("is told when there is no more", async () => {
    expect(await ask({ range: "bytes=10-" })).toEqual([416, "bytes */10", ""]);
  });

  test("goes on only with the same file", async () => {
    const whole = [200, null, "0123456789"];
    expect(await ask({ range: "bytes=7-", "if-range": '"another"' })).toEqual(whole);
    const etag = (await fetch(await attach({}))).headers.get("etag")!;
    expect(await ask({ range: "bytes=7-", "if-range": etag })).toEqual([206, "bytes 7-9/10", "789"]);
  });
});

describe("of received mail", () => {
  const results = "Authentication-Results: mail.mailit.test; none\r\n";
  const raw = "Subject: Hi\r\n\r\n0123456789";
  const fetchRaw = (id: string, headers: Record<string, string> = {}) =>
    fetch(linkRaw(app, id).downloadUrl, { headers });

  test.each([false, true])(
    "the message comes as it was stored, under what was found; as a blob: %p",
    async (isBlob) => {
      const id = await addReceived(app, teamId, { raw, results, isBlob });
      const response = await fetchRaw(id);
      expect([response.status, await response.text()]).toEqual([200, results + raw]);
      expect(Object.fromEntries(response.headers)).toMatchObject({
        "content-type": "message/rfc822",
        "content-disposition": `attachment; filename="${id}.eml"; filename*=UTF-8''${id}.eml`,
        "content-security-policy": "sandbox; default-src 'none'",
      });
    },
  );

  test.each([false, true])("any part of the message can be had; as a blob: %p", async (isBlob) => {
    const id = await addReceived(app, teamId, { raw, results, isBlob });
    const whole = results + raw;
    const edge = results.length;
    for (const [start, end] of [
      [0, 10],
      [edge - 5, edge],
      [edge - 5, edge + 5],
      [edge, edge + 1],
      [edge + 3, whole.length],
    ] as const) {
      const response = await fetchRaw(id, { range: `bytes=${start}-${end - 1}` });
      expect([response.status, await response.text()]).toEqual([206, whole.slice(start, end)]);
      expect(response.headers.get("content-range")).toBe(`bytes ${start}-${end - 1}/${whole.length}`);
    }
    expect((await fetchRaw(id, { range: `bytes=${whole.length}-` })).status).toBe(416);
  });

  test("an attachment does no harm by its name or its type, whatever its sender wrote", async () => {
    const filename = '../../"a"\r\nX-Evil: 1.html';
    const id = await addReceived(app, teamId, {
      attachments: [{ filename, contentType: "text/html", content: "<script>alert(1)</script>" }],
    });
    const [file] = await getReceivedAttachments(app, teamId, id, { limit: 1 });
    const response = await fetch(file!.downloadUrl);
    expect([response.status, await response.text()]).toEqual([200, "<script>alert(1)</script>"]);
    expect(response.headers.get("content-type")).toBe("application/octet-stream");
    expect(response.headers.get("x-evil")).toBeNull();
    expect(response.headers.get("content-disposition")).toMatch(
      /^attachment; filename="[^"/\\]*"; filename\*=/,
    );
  });

  test("nothing leads to what was removed, nor one kind of link to the other", async () => {
    const id = await addReceived(app, teamId, { attachments: [{ content: "x" }], raw });
    const [file] = await getReceivedAttachments(app, teamId, id, { limit: 1 });
    const expiresAt = new Date(app.now().getTime() + 60_000);
    const swapped = [
      downloadLink(app, rawPurpose, file!.id, expiresAt),
      downloadLink(app, receivedAttachmentPurpose, id, expiresAt),
    ];
    for (const url of swapped) expect((await fetch(url)).status).toBe(404);
    expect((await fetch(file!.downloadUrl)).status).toBe(200);
    await removeReceived(app, teamId, id);
    expect((await fetch(file!.downloadUrl)).status).toBe(404);
    expect((await fetchRaw(id)).status).toBe(404);
  });

  test("a message whose blob is not kept any more is said to be gone", async () => {
    const id = await addReceived(app, teamId, { raw: "to be lost", results, isBlob: true });
    await app.blobs.remove(new Bun.CryptoHasher("sha256").update("to be lost").digest("hex"));
    const response = await fetchRaw(id);
    expect([response.status, (await response.json()).message]).toEqual([
      404,
      "This file is not kept any more.",
    ]);
  });
});

describe("leads nowhere, and says so in JSON:", () => {
  const refused = async (url: string) => {
    const response = await fetch(url);
    expect(response.headers.get("content-type")).toStartWith("application/json");
    return [response.status, await response.json()];
  };
  const invalid = [
    404,
    {
      statusCode: 404,
      name: "not_found",
      message: "This download link is not valid, or not any more. Ask the API for a new one.",
    },
  ];

  test("a link that has expired", async () => {
    const url = await attach({});
    app.clock.advance(3_600_000 - 1_000);
    expect((await fetch(url)).status).toBe(200);
    app.clock.advance(1_000);
    expect(await refused(url)).toEqual(invalid);
  });

  test("a link that is forged, of another kind, or none at all", async () => {
    const url = await attach({});
    const expiresAt = new Date(app.now().getTime() + 60_000);
    const to = (purpose: string, subject: string) =>
      `${origin}/attachments/download?token=${signLink(app.secrets, { purpose, subject, expiresAt })}`;
    const [, subject] = /token=([^.]+)/.exec(url)!;
    const forged = [
      `${url}A`,
      url.replace(/.$/, (last) => (last === "A" ? "Q" : "A")),
      to("share", subject!),
      `${origin}/attachments/download`,
    ];
    for (const each of forged) expect(await refused(each)).toEqual(invalid);
    const gone = { statusCode: 404, name: "not_found", message: "This file is not kept any more." };
    expect(await refused(to("attachment", newId()))).toEqual([404, gone]);
  });

  test("a file that is not kept any more", async () => {
    const content = new TextEncoder().encode("to be forgotten");
    const url = await attach({ content });
    await app.blobs.remove(new Bun.CryptoHasher("sha256").update(content).digest("hex"));
    expect(await refused(url)).toMatchObject([404, { message: "This file is not kept any more." }]);
  });
});
