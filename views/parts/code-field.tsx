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
