/** @jsxImportSource preact */
import type { ComponentProps } from "preact";
import { TextField } from "./form.tsx";

/**
 * A time in words, or as a browser lets one pick it: a script writes what is picked into the field, with its zone, and
 * offers nothing where there are no scripts.
 */
export function WhenField({ id = "scheduled_at", ...field }: Omit<ComponentProps<typeof TextField>, "name">) {
  return (
    <div class="when">
      <TextField name="scheduled_at" id={id} {...field} />
      <div class="field" data-picks={id} hidden>
        <label for={`${id}-picked`}>Or pick it</label>
        <input id={`${id}-picked`} type="datetime-local" aria-describedby={`${id}-picked-hint`} />
        <p class="hint" id={`${id}-picked-hint`}>
          In your own time zone.
        </p>
      </div>
    </div>
  );
}
