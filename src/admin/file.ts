import { savedAs } from "../mail/content-disposition.ts";

/** Bytes that a browser saves under a name and never shows: whoever made them is a stranger. */
export function fileAnswer(bytes: Uint8Array, filename: string | null, type: string): Response {
  return new Response(new Uint8Array(bytes), {
    headers: {
      "content-type": type,
      "content-disposition": savedAs(filename),
      "content-security-policy": "sandbox; default-src 'none'",
      "x-content-type-options": "nosniff",
      "cache-control": "private, no-store",
    },
  });
}

/** The same host's path of a link to a file, whatever name of ours the admin is reached by. */
export function pathOf(url: string): string {
  const { pathname, search } = new URL(url);
  return pathname + search;
}
