/** @jsxImportSource preact */
// Said in each view: Bun reads tsconfig.json of the folder it is started in, which is seldom this one.
import { Document } from "./shell.tsx";

/** Instead of a page that can't be shown. */
export function ErrorPage({ title, message }: { title: string; message: string }) {
  return (
    <Document title={title} theme="system">
      <main class="alone">
        <h1>{title}</h1>
        <p>{message}</p>
        <p>
          <a href="/admin">To the overview</a>
        </p>
      </main>
    </Document>
  );
}
