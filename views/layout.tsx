/** @jsxImportSource preact */
// Said in each view: Bun reads tsconfig.json of the folder it is started in, which is seldom this one.
import type { ComponentChildren } from "preact";
import { assetUrl } from "../assets/index.ts";

/** The frame of every page: nothing inline, so that the Content-Security-Policy can be strict. */
export function Layout({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>{title}</title>
        <link rel="icon" href={assetUrl("logo.svg")} />
        <link rel="stylesheet" href={assetUrl("app.css")} />
      </head>
      <body>
        <main>{children}</main>
      </body>
    </html>
  );
}
