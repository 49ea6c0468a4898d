/** @jsxImportSource preact */
import type { ComponentChildren } from "preact";

interface PageHeadProps {
  title: string;
  /** One sentence on what is here. */
  lead?: ComponentChildren;
  /** The page above, for pages about one thing. */
  up?: { path: string; name: string };
  /** What can be done here, at the right. */
  children?: ComponentChildren;
}

/** The head of a page: where one is, and what can be done. */
export function PageHead({ title, lead, up, children }: PageHeadProps) {
  return (
    <div class="page-head">
      <div>
        {up && (
          <p class="up">
            <a href={up.path}>{up.name}</a>
          </p>
        )}
        <h1>{title}</h1>
        {lead && <p class="quiet">{lead}</p>}
      </div>
      {children && <div class="acts">{children}</div>}
    </div>
  );
}
