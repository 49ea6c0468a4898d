/** @jsxImportSource preact */
import type { ComponentProps } from "preact";
import { TextArea } from "./form.tsx";

/** Code to be written: an editor where there are scripts (`editor.js`), else the text area that it is made of. */
export function CodeField({ hint, ...area }: ComponentProps<typeof TextArea>) {
  return (
    <TextArea
      {...area}
      class="code"
      spellcheck={false}
      data-editor
      hint={
        <>
          {hint}
          <span class="with-editor"> Tab indents; press Escape, then Tab, to leave the editor.</span>
        </>
      }
    />
  );
}

/** What stands beside the HTML of an email, or is made from it. */
export function TextPartField({ value, mistake }: { value: string; mistake: string | undefined }) {
  return (
    <TextArea
      name="text"
      label="Text part"
      class="code"
      rows={5}
      value={value}
      mistake={mistake}
      hint="What programs without HTML show. Empty: it is made from the HTML."
    />
  );
}
