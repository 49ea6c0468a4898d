import type { BlobPart } from "../blobs/store.ts";

/**
 * The part of a file that a `Range` header asks for; undefined for the whole, also when the header is none of ours to
 * read or names several parts, and "none" when no byte of the file is in it (RFC 9110 §14.2).
 */
export function readRange(header: string | null, size: number): BlobPart | "none" | undefined {
  const [, first, last] = /^bytes=(\d{0,15})-(\d{0,15})$/i.exec(header?.trim() ?? "") ?? [];
  if (first === undefined || last === undefined || (first === "" && last === "")) return undefined;
  if (first === "") {
    const start = Math.max(0, size - Number(last));
    return start < size ? { start, end: size } : "none";
  }
  const start = Number(first);
  const end = last === "" ? size : Math.min(Number(last) + 1, size);
  if (last !== "" && Number(last) < start) return undefined;
  return start < size ? { start, end } : "none";
}
