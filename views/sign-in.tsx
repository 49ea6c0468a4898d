/** @jsxImportSource preact */
// Said in each view: Bun reads tsconfig.json of the folder it is started in, which is seldom this one.
import { assetUrl } from "../assets/index.ts";
import { Document, type ShellProps } from "./shell.tsx";

export interface SignInProps {
  /** Where to go on. */
  to: string;
  email: string;
  mistake: string | undefined;
  theme: ShellProps["theme"];
  /** What somebody without an account does: register, ask for one, or be the first. */
  newcomers: "register" | "ask" | "setup";
}

const newcomersWords = {
  register: (
    <>
      No account yet? <a href="/admin/register">Register</a>.
    </>
  ),
  ask: "No account yet? Ask somebody of your team to invite you.",
  setup: (
    <>
      Nobody has an account here yet, and registration is closed: whoever runs this server makes the first one
      with <code>mailit setup</code>.
    </>
  ),
};

export function SignInPage({ to, email, mistake, theme, newcomers }: SignInProps) {
  return (
    <Document title="Sign in" theme={theme}>
      <main class="alone">
        <img src={assetUrl("logo.svg")} alt="" width="40" height="40" />
        <h1>Sign in to MailIt</h1>
        <form method="post" action="/admin/sign-in" class="stack">
          <input type="hidden" name="to" value={to} />
          {mistake && (
            <p class="mistake" role="alert">
              {mistake}
            </p>
          )}
          <div class="field">
            <label for="email">Email</label>
            <input
              id="email"
              name="email"
              type="email"
              autocomplete="username"
              required
              value={email}
              autofocus
            />
          </div>
          <div class="field">
            <label for="password">Password</label>
            <input id="password" name="password" type="password" autocomplete="current-password" required />
          </div>
          <button type="submit" class="primary">
            Sign in
          </button>
        </form>
        <p class="quiet">{newcomersWords[newcomers]}</p>
        <p class="quiet">
          Forgotten? Whoever runs this server sets a new one with <code>mailit user password</code>.
        </p>
      </main>
    </Document>
  );
}
