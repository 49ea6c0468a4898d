import { shortHash } from "../emails/idempotency.ts";
import { Refusal } from "../errors.ts";

/** What a form holds, read once; a field that is not there is empty text. */
export interface Form {
  /** Without the white space around it. */
  text(name: string): string;
  /** As it was typed: passwords, templates, bodies. */
  raw(name: string): string;
  /** Absent where it is empty: what a service takes as "not given". */
  optional(name: string): string | undefined;
  /** Every value of a field that may come several times, without the empty ones. */
  list(name: string): string[];
  isTicked(name: string): boolean;
  /** Those that were chosen. */
  files(name: string): File[];
  /** A hash of all that is in it, files too, to tell it from another. */
  hash(): Promise<string>;
}

/** Reads a form of a page of ours. It is in memory whole, so it is refused above the limit before it is read. */
export async function readForm(request: Request, maxBytes: number): Promise<Form> {
  const length = request.headers.get("content-length");
  if (length === null || Number(length) > maxBytes) {
    throw new Refusal("payload_too_large", `A form may hold ${Math.floor(maxBytes / 1_000_000)} MB at most.`);
  }
  return formOf(length === "0" ? new FormData() : await parse(request));
}

async function parse(request: Request): Promise<FormData> {
  // Bun's types say FormData of the DOM and of undici by turns.
  return (await request.formData().catch(() => {
    throw new Refusal(
      "invalid_json",
      "The form could not be read: load the page again, and send it once more.",
    );
  })) as FormData;
}

export function formOf(data: FormData): Form {
  const raw = (name: string) => {
    const value = data.get(name);
    return typeof value === "string" ? value.replaceAll("\r\n", "\n") : "";
  };
  return {
    raw,
    text: (name) => raw(name).trim(),
    optional: (name) => raw(name).trim() || undefined,
    list: (name) =>
      data.getAll(name).filter((value): value is string => typeof value === "string" && value !== ""),
    isTicked: (name) => data.has(name),
    // A browser sends a file without a name where none was chosen.
    files: (name) =>
      data.getAll(name).filter((value): value is File => value instanceof File && value.name !== ""),
    hash: async () => {
      const parts: string[] = [];
      for (const [name, value] of data) {
        const text = typeof value === "string" ? value : `${value.name}:${await hashOf(value)}`;
        parts.push(name, text);
      }
      return shortHash(...parts);
    },
  };
}

/** A cookie of the request; the first of that name. */
export function cookieOf(request: Request, name: string): string | undefined {
  for (const pair of (request.headers.get("cookie") ?? "").split(";")) {
    const [key, ...rest] = pair.trim().split("=");
    if (key === name) return rest.join("=");
  }
  return undefined;
}

interface CookieOptions {
  /** Where the browser sends it; `/admin` where it is absent. */
  path?: string;
  /** Until the browser ends, where it is absent; 0 takes the cookie back. */
  maxAgeSeconds?: number;
  isSecure: boolean;
}

/** A cookie scripts can't read, for pages of the admin alone. */
export function cookie(
  name: string,
  value: string,
  { path = "/admin", maxAgeSeconds, isSecure }: CookieOptions,
): string {
  const parts = [`${name}=${value}`, `Path=${path}`, "HttpOnly", "SameSite=Lax"];
  if (maxAgeSeconds !== undefined) parts.push(`Max-Age=${maxAgeSeconds}`);
  if (isSecure) parts.push("Secure");
  return parts.join("; ");
}

/** Whether htmx asks, and so wants a piece of a page and not all of it. */
export function isPieceWanted(request: Request): boolean {
  return request.headers.get("hx-request") === "true";
}

const hashOf = async (file: File): Promise<string> =>
  new Bun.CryptoHasher("sha256").update(await file.arrayBuffer()).digest("base64url");
