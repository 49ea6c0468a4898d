import { unguardFormula } from "../csv/formula.ts";
import { isId } from "../ids.ts";
import { suppressionKey } from "./address.ts";
import type { NewSuppression } from "./changes.ts";
import { readIsoTime } from "./iso-time.ts";
import { type SuppressionReason, suppressionReasons } from "./schema.ts";

/** Which cell of a row is what. */
export interface Columns {
  email: number;
  origin?: number;
  reason?: number;
  sourceId?: number;
  expiresAt?: number;
  createdAt?: number;
}

const emailNames = ["email", "address", "e_mail", "email_address", "recipient"];

/** What the first row tells of all: a header with a column of addresses, or, without one, an address to begin with. */
export function readFirstRow(cells: string[]): { columns: Columns; isHeader: boolean } | undefined {
  const columns = readHeader(cells);
  if (columns) return { columns, isHeader: true };
  return readEmail(cells[0] ?? "") === undefined ? undefined : { columns: { email: 0 }, isHeader: false };
}

function readHeader(cells: string[]): Columns | undefined {
  const names = cells.map((cell) =>
    cell
      .trim()
      .toLowerCase()
      .replace(/[\s_-]+/g, "_"),
  );
  const at = (...wanted: string[]) => {
    const index = names.findIndex((name) => wanted.includes(name));
    return index === -1 ? undefined : index;
  };
  const email = at(...emailNames);
  if (email === undefined) return undefined;
  return {
    email,
    origin: at("origin"),
    reason: at("reason"),
    sourceId: at("source_id"),
    expiresAt: at("expires_at"),
    createdAt: at("created_at"),
  };
}

/** What a row says where it says nothing itself. */
export type RowDefaults = Pick<NewSuppression, "reason" | "expiresAt">;

export type ReadRow = { row: NewSuppression } | { mistake: string };

export function readRow(columns: Columns, cells: string[], defaults: RowDefaults, now: Date): ReadRow {
  const cell = (index: number | undefined) => (index === undefined ? "" : (cells[index] ?? "").trim());
  const email = cell(columns.email);
  if (email === "") return { mistake: "There is no address in the line." };
  if (email.includes("\ufffd"))
    return { mistake: `${quote(email)} is not text in UTF-8: save the file as UTF-8.` };
  const address = readEmail(email);
  if (address === undefined) {
    return { mistake: `${quote(email)} is not an email address: it must follow \`email@example.com\`.` };
  }
  const origin = cell(columns.origin);
  const reason = readReason(cell(columns.reason)) ?? (origin === "" ? defaults.reason : readReason(origin));
  if (!reason) return { mistake: `The origin ${quote(origin)} is none of ${suppressionReasons.join(", ")}.` };

  const [expiry, creation] = [cell(columns.expiresAt), cell(columns.createdAt)];
  const expiresAt = expiry === "" ? defaults.expiresAt : readIsoTime(expiry);
  if (expiresAt === undefined) return { mistake: notATime("expires_at", expiry) };
  if (expiresAt !== null && expiresAt <= now) return { mistake: `It has expired already, at ${expiry}.` };
  const createdAt = creation === "" ? now : readIsoTime(creation);
  if (createdAt === undefined) return { mistake: notATime("created_at", creation) };
  const sourceId = cell(columns.sourceId);
  return {
    row: {
      address,
      reason,
      expiresAt,
      createdAt: createdAt > now ? now : createdAt, // another machine's clock may be ahead of ours
      sourceId: isId(sourceId) ? sourceId.toLowerCase() : null,
    },
  };
}

const readEmail = (cell: string) => suppressionKey(unguardFormula(cell.trim()));

/** Other services write the mail server's words into `reason`, which are none of ours. */
function readReason(text: string): SuppressionReason | undefined {
  return suppressionReasons.find((reason) => reason === text.toLowerCase());
}

const notATime = (column: string, text: string) =>
  `The ${column} ${quote(text)} is not an ISO 8601 time with its time zone, such as \`2026-08-05T11:52:01Z\`.`;

const longestQuote = 80;

const quote = (text: string) =>
  `\`${text.length > longestQuote ? `${text.slice(0, longestQuote).toWellFormed()}…` : text}\``;
