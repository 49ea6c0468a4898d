/** @jsxImportSource preact */
import type { ComponentChildren, JSX } from "preact";
import { ActForm, useMayWrite } from "./acting.tsx";

interface FormProps extends Omit<JSX.IntrinsicElements["form"], "method" | "class"> {
  csrf: string;
  class?: string;
  /** Whether it changes only what is the person's own, which everybody may. */
  isOwn?: boolean;
  /** Whether its fields show what is there, and so are for whoever only looks too. */
  isShown?: boolean;
  children: ComponentChildren;
}

/** A form of the admin: it works without scripts, and carries its sign-in's token. Who only looks sees its fields at most. */
export function Form({ isOwn = false, isShown = false, class: name = "stack", ...form }: FormProps) {
  const mayWrite = useMayWrite();
  if (mayWrite || isOwn) return <ActForm isOwn={isOwn} class={name} {...form} />;
  if (isShown) {
    return (
      <fieldset class={`looked-at ${name}`} disabled>
        {form.children}
      </fieldset>
    );
  }
  return <p class="quiet">Your role in this team is viewer, and this takes developer.</p>;
}

/** As of when a form shows what is there: saved later than that by somebody else, it is not written over unasked. */
export function Seen({ at }: { at: Date }) {
  return <input type="hidden" name="seen" value={at.toISOString()} />;
}

interface FieldProps {
  /** Of the field in the form; its id too, unless `id` says another. */
  name: string;
  label: string;
  id?: string;
  /** What one may write, in a sentence. */
  hint?: ComponentChildren;
  /** What is wrong with what was written. */
  mistake?: string | undefined;
}

/** What Preact tells apart by an input's type is one here: which type it has is known only where it is used. */
type InputAttributes = JSX.IntrinsicElements["input"];
type InputProps = FieldProps & {
  /** What the browser offers while one types; anything else may be typed as well. */
  choices?: readonly string[];
} & Omit<InputAttributes, "name" | "label" | "id" | "role" | "list">;
type TextAreaProps = FieldProps & Omit<JSX.IntrinsicElements["textarea"], "name" | "label" | "id" | "role">;
type SelectProps = FieldProps & {
  value?: string;
  options: readonly (readonly [value: string, label: string])[];
} & Omit<JSX.IntrinsicElements["select"], "name" | "label" | "id" | "role" | "value">;

export function TextField({ name, label, id = name, hint, mistake, choices, ...input }: InputProps) {
  const list = choices && `${id}-choices`;
  return (
    <Field {...{ name, label, id, hint, mistake }}>
      <input
        {...({
          ...{ id, name, type: "text", list },
          ...describedBy(id, hint, mistake),
          ...input,
        } as InputAttributes)}
      />
      {choices && (
        <datalist id={list}>
          {choices.map((choice) => (
            <option value={choice} />
          ))}
        </datalist>
      )}
    </Field>
  );
}

export function TextArea({ name, label, id = name, hint, mistake, value, ...area }: TextAreaProps) {
  return (
    <Field {...{ name, label, id, hint, mistake }}>
      <textarea id={id} name={name} rows={6} {...describedBy(id, hint, mistake)} {...area}>
        {value}
      </textarea>
    </Field>
  );
}

export function SelectField({
  name,
  label,
  id = name,
  hint,
  mistake,
  value,
  options,
  ...select
}: SelectProps) {
  return (
    <Field {...{ name, label, id, hint, mistake }}>
      <select id={id} name={name} {...describedBy(id, hint, mistake)} {...select}>
        {options.map(([each, text]) => (
          <option value={each} selected={each === value}>
            {text}
          </option>
        ))}
      </select>
    </Field>
  );
}

export function Checkbox({ name, label, id = name, hint, mistake, ...input }: InputProps) {
  return (
    <div class="check">
      <input
        {...({ id, name, type: "checkbox", ...describedBy(id, hint, mistake), ...input } as InputAttributes)}
      />
      <label for={id}>{label}</label>
      <Hints {...{ id, hint, mistake }} />
    </div>
  );
}

function Field({ label, id, hint, mistake, children }: FieldProps & { children: ComponentChildren }) {
  return (
    <div class={mistake ? "field wrong" : "field"}>
      <label for={id}>{label}</label>
      {children}
      <Hints {...{ id: id!, hint, mistake }} />
    </div>
  );
}

function Hints({
  id,
  hint,
  mistake,
}: {
  id: string;
  hint?: ComponentChildren;
  mistake?: string | undefined;
}) {
  return (
    <>
      {hint && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {mistake && (
        <p class="mistake" id={`${id}-mistake`}>
          {mistake}
        </p>
      )}
    </>
  );
}

function describedBy(id: string, hint: ComponentChildren, mistake: string | undefined) {
  const ids = [hint ? `${id}-hint` : "", mistake ? `${id}-mistake` : ""].filter(Boolean).join(" ");
  return {
    ...(ids && { "aria-describedby": ids }),
    ...(mistake && { "aria-invalid": "true" as const, autofocus: true }),
  };
}

/** What is wrong with a form as a whole. */
export function FormMistake({ children }: { children: string | undefined }) {
  if (!children) return null;
  return (
    <p class="mistake" role="alert">
      {children}
    </p>
  );
}
