/** What is known of a message's origin, as headers: ours before those that others wrote, and no forgery of ours. */

const authenticationResults = "authentication-results";
const receivedSpf = "received-spf";

/**
 * The headers of a message with the results of our own checks (folded lines with their CRLF) before others'. RFC 8601 §5:
 * results that claim to be this server's, and came with the message, are a forgery and left out.
 */
export function withResults(
  headers: Record<string, string>,
  results: string,
  host: string,
): Record<string, string> {
  const ours = unfold(results);
  const named = (name: string) => ours.filter((line) => line.name === name).map(({ value }) => value);
  const theirs = (name: string) => (headers[name] ?? "").split("\n").filter((value) => value !== "");
  const merged = {
    [authenticationResults]: [
      ...named(authenticationResults),
      ...theirs(authenticationResults).filter((value) => authServiceOf(value) !== host.toLowerCase()),
    ],
    [receivedSpf]: [
      ...named(receivedSpf),
      ...theirs(receivedSpf).filter((value) => !claimsReceiver(value, host)),
    ],
  };
  const { [authenticationResults]: _results, [receivedSpf]: _spf, ...rest } = headers;
  const present = Object.entries(merged).filter(([, values]) => values.length > 0);
  return { ...Object.fromEntries(present.map(([name, values]) => [name, values.join("\n")])), ...rest };
}

function unfold(lines: string): { name: string; value: string }[] {
  return lines
    .replace(/\r\n[ \t]+/g, " ")
    .split("\r\n")
    .filter((line) => line.includes(":"))
    .map((line) => {
      const colon = line.indexOf(":");
      return { name: line.slice(0, colon).trim().toLowerCase(), value: line.slice(colon + 1).trim() };
    });
}

/** RFC 8601 §2.2: who did the checks stands first, perhaps behind comments and in quotes, perhaps before a version. */
function authServiceOf(value: string): string {
  return withoutComments(value)
    .split(";", 1)[0]!
    .trim()
    .replace(/^"(.*)"$/, "$1")
    .split(/\s/, 1)[0]!
    .toLowerCase();
}

/** RFC 7208 §9.1. */
function claimsReceiver(value: string, host: string): boolean {
  const receiver = /(?:^|[\s;])receiver\s*=\s*"?([^\s;"]+)/i.exec(value)?.[1];
  return receiver?.toLowerCase() === host.toLowerCase();
}

function withoutComments(text: string): string {
  let depth = 0;
  let kept = "";
  for (const character of text) {
    if (character === "(") depth++;
    else if (character === ")") depth = Math.max(0, depth - 1);
    else if (depth === 0) kept += character;
  }
  return kept;
}
