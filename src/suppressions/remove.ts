import { type App, atomically } from "../app.ts";
import { expectChange } from "../db/write.ts";
import { Refusal, WriteConflict } from "../errors.ts";
import { isId } from "../ids.ts";
import { requireKey } from "./address.ts";
import { removeAll } from "./changes.ts";
import { getSuppression, suppressionNotFound } from "./read.ts";
import { listByKeys } from "./store.ts";

/** Sends to an address again: deliveries that still wait go out when their time comes. Gives the suppression's id. */
export async function removeSuppression(app: App, teamId: string, idOrEmail: string): Promise<string> {
  const { id } = await getSuppression(app, teamId, idOrEmail);
  await atomically(app, [...removeAll(app, teamId, [id], "lasting"), expectChange()]).catch(
    (error: unknown) => {
      const isGone = error instanceof WriteConflict && error.kind === "stale";
      throw isGone ? suppressionNotFound() : error;
    },
  );
  return id;
}

/** Removes many. Gives the ids of those that were there, in the order they were asked for. */
export async function removeSuppressions(
  app: App,
  teamId: string,
  { emails, ids }: { emails?: string[] | null; ids?: string[] | null },
): Promise<string[]> {
  const [by, keys] = readKeys(emails ?? undefined, ids ?? undefined);
  const rows = await listByKeys(app.db, teamId, by, keys, app.now());
  const idOf = new Map(rows.map((row) => [row[by], row.id]));
  const found = [...new Set(keys)].flatMap((key) => idOf.get(key) ?? []);
  await atomically(app, removeAll(app, teamId, found, "lasting"));
  return found;
}

function readKeys(emails: string[] | undefined, ids: string[] | undefined): ["id" | "address", string[]] {
  if ((emails === undefined) === (ids === undefined)) {
    throw new Refusal("validation_error", "Provide either `emails` or `ids`, and not both.");
  }
  if (emails) return ["address", emails.map((email, index) => requireKey(`emails.${index}`, email))];
  if (!ids!.every(isId)) throw new Refusal("invalid_parameter", "The `ids` must be valid UUIDs.");
  return ["id", ids!.map((id) => id.toLowerCase())];
}
