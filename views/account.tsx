/** @jsxImportSource preact */
// Said in each view: Bun reads tsconfig.json of the folder it is started in, which is seldom this one.
import type { SignIn } from "../src/accounts/schema.ts";
import { ActForm } from "./parts/acting.tsx";
import { Badge } from "./parts/badge.tsx";
import { Confirm } from "./parts/confirm.tsx";
import { Form, FormMistake, TextField } from "./parts/form.tsx";
import { Table } from "./parts/list.tsx";
import { Ago } from "./parts/time.tsx";
import { SettingsHead } from "./settings.tsx";

export interface AccountPageProps {
  csrf: string;
  name: string;
  email: string;
  mistakes: Partial<Record<"name" | "old_password" | "password" | "form", string>>;
  /** Where the person is signed in, the newest first. */
  browsers: SignIn[];
  /** The one they sit at. */
  own: string;
  now: Date;
}

export function AccountPage({ csrf, name, email, mistakes, browsers, own, now }: AccountPageProps) {
  return (
    <>
      <SettingsHead place="account" lead={`You are signed in as ${email}.`} />
      <FormMistake>{mistakes.form}</FormMistake>
      <section class="card">
        <h2>Your name</h2>
        <Form isOwn csrf={csrf} action="/admin/settings/account/name">
          <TextField
            {...{ name: "name", label: "Name", value: name, mistake: mistakes.name }}
            {...{ autocomplete: "name", required: true, maxLength: 100 }}
          />
          <button type="submit" class="primary">
            Change the name
          </button>
        </Form>
      </section>
      <section class="card">
        <h2>Your password</h2>
        <Form isOwn csrf={csrf} action="/admin/settings/account/password">
          <input type="hidden" name="email" autocomplete="username" value={email} />
          <TextField
            {...{ name: "old_password", label: "Password now", type: "password", required: true }}
            {...{ mistake: mistakes.old_password, autocomplete: "current-password" }}
          />
          <TextField
            {...{ name: "password", label: "New password", type: "password", required: true }}
            {...{ mistake: mistakes.password, autocomplete: "new-password", minLength: 8 }}
            hint="8 characters or more. All other browsers are signed out, and tokens of /auth/login end."
          />
          <button type="submit" class="primary">
            Change the password
          </button>
        </Form>
      </section>
      <h2>Browsers signed in</h2>
      <Table label="Browsers signed in" columns={["Browser", "Address", "Last seen", "Signed in", ""]}>
        {browsers.map(({ id, userAgent, address, seenAt, createdAt }) => (
          <tr>
            <td>
              <span title={userAgent}>{browserOf(userAgent)}</span>{" "}
              {id === own && <Badge tone="good">this one</Badge>}
            </td>
            <td>
              <code>{address}</code>
            </td>
            <td class="quiet">
              <Ago at={seenAt} now={now} />
            </td>
            <td class="quiet">
              <Ago at={createdAt} now={now} />
            </td>
            <td class="act">
              {id !== own && (
                <ActForm isOwn csrf={csrf} action={`/admin/settings/account/browsers/${id}/sign-out`}>
                  <button type="submit" aria-label={`Sign out ${browserOf(userAgent)} at ${address}`}>
                    Sign out
                  </button>
                </ActForm>
              )}
            </td>
          </tr>
        ))}
      </Table>
      {browsers.length > 1 && (
        <Confirm
          isOwn
          id="sign-out-others"
          csrf={csrf}
          action="/admin/settings/account/browsers/sign-out"
          label="Sign out all others"
          title="Sign out all other browsers?"
          act="Sign them out"
        >
          <p>
            {browsers.length === 2 ? "One browser has" : `${browsers.length - 1} browsers have`} to sign in
            again. This one stays signed in.
          </p>
        </Confirm>
      )}
    </>
  );
}

const names: [RegExp, string][] = [
  [/\bEdg/, "Edge"],
  [/\bOPR\//, "Opera"],
  [/\bFirefox\//, "Firefox"],
  [/\b(Headless)?Chrome\//, "Chrome"],
  [/\bSafari\//, "Safari"],
];
const systems: [RegExp, string][] = [
  [/iPhone|iPad/, "iOS"],
  [/Android/, "Android"],
  [/Windows/, "Windows"],
  [/Mac OS X/, "macOS"],
  [/Linux|X11/, "Linux"],
];

/** "Firefox on Linux"; what it says itself where that is not known. */
function browserOf(userAgent: string): string {
  const of = (list: [RegExp, string][]) => list.find(([pattern]) => pattern.test(userAgent))?.[1];
  const [name, system] = [of(names), of(systems)];
  if (name) return system ? `${name} on ${system}` : name;
  return userAgent.slice(0, 60) || "Unknown";
}
