import { Refusal } from "../errors.ts";

/** The path of a request. Its host is whatever the `Host` header says, so the whole need not be a URL. */
export function pathOf(url: string): string {
  return /^(?:[a-z]+:\/\/[^/?#]*)?([^?#]*)/i.exec(url)?.[1] || "/";
}

/** Refuses a path that can't be decoded: the router would hand it on as it is, as a name that nobody meant. */
export function requireReadablePath(url: string): void {
  if (!url.includes("%")) return;
  try {
    decodeURIComponent(pathOf(url));
  } catch {
    throw new Refusal(
      "invalid_parameter",
      "The path can't be read: write a percent sign in it as `%25`, and other characters in UTF-8 as `%` and two hexadecimal digits a byte.",
    );
  }
}

/** Whether a path is one of a route's, `/emails/:id` being the route's of `/emails/1`. */
export function isPathOf(route: string, path: string): boolean {
  const [wanted, given] = [route, path].map((text) => text.replace(/(?<=.)\/$/, "").split("/")) as [
    string[],
    string[],
  ];
  return (
    wanted.length === given.length &&
    wanted.every((segment, index) =>
      segment.startsWith(":") ? given[index] !== "" : segment === given[index],
    )
  );
}
