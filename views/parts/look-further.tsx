/** @jsxImportSource preact */
import { More } from "./list.tsx";

/**
 * The end of a list that is found by looking through many: it goes on by itself as `More` does, and where a page held
 * nothing it says that it is still looking.
 */
export function LookFurther({
  href,
  columns,
  isSparse,
}: {
  href: string;
  columns: number;
  isSparse: boolean;
}) {
  if (!isSparse) return <More href={href} columns={columns} />;
  return (
    <tr class="more" hx-get={href} hx-trigger="intersect once" hx-target="this" hx-swap="outerHTML">
      <td colspan={columns}>
        None among the newest; looking further. <a href={href}>Look further</a>
      </td>
    </tr>
  );
}
