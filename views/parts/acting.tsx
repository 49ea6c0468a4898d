/** @jsxImportSource preact */
import { type ComponentChildren, createContext, type JSX } from "preact";
import { useContext } from "preact/hooks";

/** Whether the person who looks may change what belongs to the team; said once, around each page and each piece. */
export const MayWrite = createContext(true);

export const useMayWrite = (): boolean => useContext(MayWrite);

/** What leads to a write: nothing for whoever only looks. */
export function Acting({ children }: { children: ComponentChildren }) {
  return useMayWrite() ? children : null;
}

interface ActFormProps extends Omit<JSX.IntrinsicElements["form"], "method"> {
  csrf: string;
  /** Whether it changes only what is the person's own, which everybody may. */
  isOwn?: boolean;
  children: ComponentChildren;
}

/** A form that is a button or little more: nothing for whoever only looks. */
export function ActForm({ csrf, isOwn = false, children, ...attributes }: ActFormProps) {
  const mayWrite = useMayWrite();
  if (!mayWrite && !isOwn) return null;
  return (
    <form method="post" {...attributes}>
      <input type="hidden" name="csrf" value={csrf} />
      {children}
    </form>
  );
}
