/** @jsxImportSource preact */
import type { ComponentChildren } from "preact";
import { TextField } from "./form.tsx";

/** The bar above a list: it is searched while one types, and by a button without scripts. */
export function SearchBar({
  action,
  list,
  value,
  placeholder,
  children,
}: {
  action: string;
  /** The id of what is found, which the page for an address holds. */
  list: string;
  value: string;
  placeholder: string;
  /** What else it is filtered by. */
  children?: ComponentChildren;
}) {
  return (
    <form
      method="get"
      action={action}
      class="filters"
      hx-get={action}
      hx-trigger="input delay:250ms, change"
      hx-target={`#${list}`}
      hx-select={`#${list}`}
      hx-swap="outerHTML"
      hx-replace-url="true"
    >
      <TextField name="q" label="Search" type="search" value={value} placeholder={placeholder} />
      {children}
      <noscript>
        <button type="submit">Search</button>
      </noscript>
    </form>
  );
}
