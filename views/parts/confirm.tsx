/** @jsxImportSource preact */
import type { ComponentChildren } from "preact";
import { ActForm, useMayWrite } from "./acting.tsx";

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
  /** Whether it changes only what is the person's own, which everybody may. */
  isOwn?: boolean;
}

/** Asks once, and says what will happen; nothing for whoever only looks. Without scripts too: a popover. */
export function Confirm(props: ConfirmProps) {
  const { id, csrf, action, label, title, children, act, isDestructive = true, fields = {} } = props;
  const mayWrite = useMayWrite();
  if (!mayWrite && !props.isOwn) return null;
  return (
    <>
      <button type="button" class={props.buttonClass ?? (isDestructive ? "danger" : "")} popovertarget={id}>
        {label}
      </button>
      <div id={id} class="confirm" popover="auto" role="alertdialog" aria-labelledby={`${id}-title`}>
        <h2 id={`${id}-title`}>{title}</h2>
        <div>{children}</div>
        <ActForm csrf={csrf} action={action} isOwn={props.isOwn ?? false}>
          {Object.entries(fields).map(([name, value]) => (
            <input type="hidden" name={name} value={value} />
          ))}
          <button type="button" popovertarget={id} popovertargetaction="hide" autofocus>
            Go back
          </button>
          <button type="submit" class={isDestructive ? "danger primary" : "primary"}>
            {act}
          </button>
        </ActForm>
      </div>
    </>
  );
}
