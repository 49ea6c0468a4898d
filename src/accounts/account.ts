// What a person changes about their own account, whatever their role in a team.
import { and, eq, ne } from "drizzle-orm";
import type { App } from "../app.ts";
import { Refusal } from "../errors.ts";
import { hashPassword, requireUsablePassword } from "./password.ts";
import { signIns, users } from "./schema.ts";
import { nameFrom, recognize } from "./service.ts";
import { own, type SignedIn, takeTrace } from "./sign-ins.ts";
import { updatePassword } from "./store.ts";

export async function renameSelf(app: App, { user }: SignedIn, name: string): Promise<void> {
  const write = app.db
    .update(users)
    .set({ name: nameFrom(name, "name") })
    .where(eq(users.id, user.id));
  await own(app, [write], takeTrace(app));
}

/** Changes a person's password for the old one. Tokens and sign-ins under the old one end, but for this browser's. */
export async function changeOwnPassword(
  app: App,
  { user, signInId }: SignedIn,
  { old, password, address }: { old: string; password: string; address: string },
): Promise<void> {
  await recognize(app, { email: user.email, password: old, address }).catch((error: unknown) => {
    if (!(error instanceof Refusal && error.code === "invalid_credentials")) throw error;
    throw new Refusal("invalid_credentials", "Invalid `old_password` field. That is not your password.");
  });
  requireUsablePassword(password);
  await own(
    app,
    [
      updatePassword(app.db, user.email, await hashPassword(password)),
      app.db.delete(signIns).where(and(eq(signIns.userId, user.id), ne(signIns.id, signInId))),
    ],
    takeTrace(app),
  );
}
