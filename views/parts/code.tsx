/** @jsxImportSource preact */
import { Icon } from "./icon.tsx";

/** Lines to read or to copy whole. */
export function Code({ title, text, note, id }: { title: string; text: string; note?: string; id?: string }) {
  return (
    <section class="code" id={id} aria-label={title}>
      <div class="code-head">
        <h2>{title}</h2>
        <button type="button" class="plain small" data-copy={text} aria-label={`Copy: ${title}`}>
          <Icon name="copy" />
        </button>
      </div>
      {note && <p class="quiet">{note}</p>}
      {/* What may scroll must be reachable by keyboard: WCAG 2.1.1. */}
      <pre tabindex={0}>{text}</pre>
    </section>
  );
}
