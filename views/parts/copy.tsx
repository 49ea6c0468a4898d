/** @jsxImportSource preact */
import { Icon } from "./icon.tsx";

/** Text one copies to somewhere else, whole, with a button that does it. */
export function Copyable({ text, label }: { text: string; label: string }) {
  return (
    <span class="copyable">
      <code>{text}</code>
      <button type="button" class="plain" data-copy={text} aria-label={`Copy ${label}`}>
        <Icon name="copy" />
      </button>
    </span>
  );
}
