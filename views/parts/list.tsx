/** @jsxImportSource preact */
import type { ComponentChildren } from "preact";
import { Icon, type IconName } from "./icon.tsx";

/**
 * The head of a column. A wide one, whose cells have the class `wide`, is left out on a phone; one of numbers stands at
 * their right, and their cells have the class `number`.
 */
export type Column = string | { name: string; isWide?: boolean; isNumber?: boolean };

/** A table that scrolls by itself on a phone. `columns` are the heads; an empty one is for acts. */
export function Table({
  columns,
  label,
  children,
  id,
  live,
}: {
  columns: readonly Column[];
  /** What the table is of, for screen readers. */
  label: string;
  children: ComponentChildren;
  /** Of the table's body. */
  id?: string;
  /** A body of its own above the rest, which is kept as it is now. */
  live?: ComponentChildren;
}) {
  return (
    // What scrolls must be reachable by keyboard: WCAG 2.1.1.
    <section class="table" aria-label={label} tabindex={0}>
      <table>
        <thead>
          <tr>
            {columns.map((column) => {
              const { name, isWide, isNumber } = typeof column === "string" ? { name: column } : column;
              const classes = [isWide && "wide", isNumber && "number"].filter(Boolean).join(" ");
              return (
                <th scope="col" class={classes || undefined}>
                  {name || <span class="unseen">Acts</span>}
                </th>
              );
            })}
          </tr>
        </thead>
        {live}
        <tbody id={id}>{children}</tbody>
      </table>
    </section>
  );
}

/** The last row of a list that goes on: it loads the next ones when it comes into sight, or when it is pressed. */
export function More({ href, columns }: { href: string; columns: number }) {
  return (
    <tr class="more" hx-get={href} hx-trigger="intersect once" hx-target="this" hx-swap="outerHTML">
      <td colspan={columns}>
        <a href={href}>More</a>
      </td>
    </tr>
  );
}

/** A list with nothing in it: what would be there, and what to do next. */
export function Empty({
  icon,
  title,
  children,
}: {
  icon: IconName;
  title: string;
  children?: ComponentChildren;
}) {
  return (
    <div class="empty">
      <Icon name={icon} />
      <h2>{title}</h2>
      {children}
    </div>
  );
}
