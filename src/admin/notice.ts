import { cookie, cookieOf } from "./request.ts";

/** What was done, told on the page a write leads to. It travels in a cookie that the page takes back. */
const name = "mailit_notice";

export function noticeCookie(text: string, isSecure: boolean): string {
  return cookie(name, Buffer.from(text.slice(0, 600)).toString("base64url"), { maxAgeSeconds: 30, isSecure });
}

export function readNotice(request: Request): string | undefined {
  const value = cookieOf(request, name);
  return value ? Buffer.from(value, "base64url").toString("utf8") : undefined;
}

export const takenNotice = (isSecure: boolean) => cookie(name, "", { maxAgeSeconds: 0, isSecure });
