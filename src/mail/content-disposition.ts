import { safeFilename } from "./attachment.ts";

// Characters that turn the order of writing round make a name that ends in "gpj.exe" look like one that ends in "exe.jpg".
const turning = /[\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/g;

/** `Content-Disposition` that has a browser save a file, under a name from anywhere (RFC 6266, RFC 8187). */
export function savedAs(filename: string | null): string {
  const name = safeFilename((filename ?? "").replace(turning, "")) || "attachment";
  // For clients that know no `filename*`; a percent sign would have some of them decode it.
  const plain = name.replace(/[^ -~]|["\\%]/g, "_");
  // RFC 8187 §3.2.1: of what encodeURIComponent leaves alone these four may not stand for themselves.
  const encoded = encodeURIComponent(name).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${plain}"; filename*=UTF-8''${encoded}`;
}
