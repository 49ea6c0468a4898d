/** @jsxImportSource preact */
// Said in each view: Bun reads tsconfig.json of the folder it is started in, which is seldom this one.
import type { ComponentChildren } from "preact";
import { Document } from "./shell.tsx";

interface ErrorProps {
  title: string;
  message: string;
}

/** Instead of a page that can't be shown, to whoever is not signed in. */
export function ErrorPage({ title, message }: ErrorProps) {
  return (
    <Alone title={title}>
      <p>{message}</p>
      <p>
        <a href="/admin">To the overview</a>
      </p>
    </Alone>
  );
}

/** The same inside the admin's frame. `wasWrite`: something was sent, and may have been written with care. */
export function Problem({ title, message, wasWrite }: ErrorProps & { wasWrite: boolean }) {
  return (
    <section class="card">
      <h1>{title}</h1>
      <p>{message}</p>
      {wasWrite && (
        <p class="quiet">Your browser’s Back leads to the page, with what you wrote still in it.</p>
      )}
    </section>
  );
}

/** Instead of what was sent by somebody who was not signed in any more. */
export function SignedOutPage() {
  return (
    <Alone title="You are signed out">
      <p>Nothing was done. What you wrote is not lost:</p>
      <ol>
        <li>
          <SignInElsewhere />.
        </li>
        <li>Come back to this tab, and go back a page with your browser: what you wrote is still there.</li>
        <li>Send it once more.</li>
      </ol>
    </Alone>
  );
}

/** At the head of a page that stays as it is. */
export function SignedOut() {
  return (
    <>
      You are signed out. <SignInElsewhere />, then go on here.
    </>
  );
}

const SignInElsewhere = () => (
  <a href="/admin/sign-in" target="_blank" rel="noopener">
    Sign in in another tab
  </a>
);

const Alone = ({ title, children }: { title: string; children: ComponentChildren }) => (
  <Document title={title} theme="system">
    <main class="alone">
      <h1>{title}</h1>
      {children}
    </main>
  </Document>
);
