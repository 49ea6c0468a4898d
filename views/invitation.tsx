/** @jsxImportSource preact */
// Said in each view: Bun reads tsconfig.json of the folder it is started in, which is seldom this one.
import { assetUrl } from "../assets/index.ts";
import { FormMistake, TextField } from "./parts/form.tsx";
import { Document, type ShellProps } from "./shell.tsx";

export interface InvitationProps {
  token: string;
  /** The team's name. */
  team: string;
  email: string;
  role: string;
  invitedBy: string;
  /** How one joins: with a new account, with one's password, as who one is signed in, or not as who one is. */
  way: "new" | "password" | "join" | "other";
  signedInAs: string | undefined;
  csrf: string;
  name: string;
  mistakes: Partial<Record<"name" | "password" | "form", string>>;
  theme: ShellProps["theme"];
}

export function InvitationPage(props: InvitationProps) {
  const { token, team, email, role, invitedBy, way, signedInAs, csrf, name, mistakes, theme } = props;
  return (
    <Document title={`Join ${team}`} theme={theme}>
      <main class="alone">
        <img src={assetUrl("logo.svg")} alt="" width="40" height="40" />
        <h1>Join {team}</h1>
        <p>
          {invitedBy.includes("@") ? `${invitedBy} invites you` : "You are invited"} as{" "}
          <strong>{role}</strong>. The invitation is for {email}.
        </p>
        {way === "other" ? (
          <>
            <p class="mistake" role="alert">
              You are signed in as {signedInAs}. Sign out, and open the link again.
            </p>
            <form method="post" action="/admin/sign-out">
              <input type="hidden" name="csrf" value={csrf} />
              <button type="submit">Sign out</button>
            </form>
          </>
        ) : (
          <form method="post" action="/admin/invitation" class="stack">
            <input type="hidden" name="token" value={token} />
            {csrf && <input type="hidden" name="csrf" value={csrf} />}
            {/* For password managers: whose password it is. */}
            {way !== "join" && <input type="hidden" name="email" autocomplete="username" value={email} />}
            <FormMistake>{mistakes.form}</FormMistake>
            {way === "new" && (
              <TextField
                {...{ name: "name", label: "Your name", value: name, mistake: mistakes.name }}
                {...{ autocomplete: "name", required: true, maxLength: 100 }}
              />
            )}
            {way === "new" && (
              <TextField
                {...{ name: "password", label: "Choose a password", type: "password" }}
                {...{ mistake: mistakes.password, required: true, minLength: 8 }}
                autocomplete="new-password"
                hint="8 characters or more; a sentence is good."
              />
            )}
            {way === "password" && (
              <TextField
                {...{ name: "password", label: "Your password", type: "password", required: true }}
                {...{ mistake: mistakes.password, autocomplete: "current-password" }}
                hint="You have an account on this server already."
              />
            )}
            <button type="submit" class="primary">
              Join the team
            </button>
          </form>
        )}
      </main>
    </Document>
  );
}

/** Where a link leads that is none, has expired, or was used or taken back. */
export function NoInvitationPage({ theme }: { theme: ShellProps["theme"] }) {
  return (
    <Document title="This invitation does not work any more" theme={theme}>
      <main class="alone">
        <h1>This invitation does not work any more</h1>
        <p>
          It was used, taken back, or is older than a week. See whether you copied the whole link, or ask for
          a new one.
        </p>
        <p>
          <a href="/admin/sign-in">Sign in</a>
        </p>
      </main>
    </Document>
  );
}
