/** @jsxImportSource preact */
import type { ComponentChildren } from "preact";

interface ConfirmProps {
  /** Names the dialog in the page: unique there. */
  id: string;
  csrf: string;
  /** Where the act is sent. */
  action: string;
  /** What the button says that asks. */
  label: ComponentChildren;
  /** What is asked, ending in a question mark. */
  title: string;
  /** What will happen, and whether it can be taken back. */
  children: ComponentChildren;
  /** What the button says that does it: the act itself, never "OK". */
  act: string;
  /** Whether it takes something away. */
  isDestructive?: boolean;
  /** Fields sent along. */
  fields?: Record<string, string>;
  /** Of the button that asks. */
  buttonClass?: string;
}

/** Asks once, and says what will happen. Without scripts too: a popover. */
export function Confirm(props: ConfirmProps) {
  const { id, csrf, action, label, title, children, act, isDestructive = true, fields = {} } = props;
  return (
    <>
      <button type="button" class={props.buttonClass ?? (isDestructive ? "danger" : "")} popovertarget={id}>
        {label}
      </button>
      <div id={id} class="confirm" popover="auto" role="alertdialog" aria-labelledby={`${id}-title`}>
        <h2 id={`${id}-title`}>{title}</h2>
        <div>{children}</div>
        <form method="post" action={action}>
          <input type="hidden" name="csrf" value={csrf} />
          {Object.entries(fields).map(([name, value]) => (
            <input type="hidden" name={name} value={value} />
          ))}
          <button type="button" popovertarget={id} popovertargetaction="hide" autofocus>
            Cancel
          </button>
          <button type="submit" class={isDestructive ? "danger primary" : "primary"}>
            {act}
          </button>
        </form>
      </div>
    </>
  );
}
