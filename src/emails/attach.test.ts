import { describe, expect, test } from "bun:test";
import { Refusal } from "../errors.ts";
import { checkAttachments } from "./attach.ts";
import type { DraftAttachment } from "./draft.ts";
import { refusedFileTypes } from "./refused-file-types.ts";

const content = new Uint8Array(3);

function refusal(attachment: Partial<DraftAttachment>): string | undefined {
  try {
    checkAttachments({ attachments: [{ content, ...attachment }] });
    return undefined;
  } catch (error) {
    if (error instanceof Refusal && error.code === "invalid_attachment") return error.message;
    throw error;
  }
}

describe("a file that runs when it is opened is refused", () => {
  test.each([...refusedFileTypes])(".%s", (type) => {
    expect(refusal({ filename: `file.${type}` })).toContain(`.${type}`);
    expect(refusal({ filename: `FILE.${type.toUpperCase()}` })).toContain(`.${type}`);
  });

  test.each([
    "report.pdf.exe",
    "a.exe.",
    "a.exe. . ",
    "a.exe\u200b",
    "invoice\u202efdp.exe",
    "folder/a.exe",
    "folder\\.exe",
    `${"a".repeat(300)}.exe`,
  ])("%j", (filename) => expect(refusal({ filename })).toContain("type .exe"));

  test("without a name, when its type would give it one", () => {
    expect(refusal({ contentType: "Application/X-MSDownload" })).toContain("The attachment at index 0");
  });
});

test.each(["a.pdf", "exe", "exe.txt", "a.exe.zip", "", "a.", "photo.PNG", ".gitignore"])(
  "%j is a file like any other",
  (filename) => expect(refusal({ filename })).toBeUndefined(),
);

test("a content id has less than 128 characters", () => {
  expect(refusal({ contentId: "x".repeat(127) })).toBeUndefined();
  expect(refusal({ contentId: "x".repeat(128) })).toContain("must be shorter than 128 characters");
});
