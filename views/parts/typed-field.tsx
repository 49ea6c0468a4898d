/** @jsxImportSource preact */
import type { ContactProperty } from "../../src/contacts/schema.ts";
import { SelectField, TextField } from "./form.tsx";

interface TypedFieldProps {
  name: string;
  label: string;
  type: ContactProperty["type"] | string;
  value: string;
  mistake?: string | undefined;
  hint?: string;
}

const hints: Record<string, string> = {
  number: "A number, such as 12 or 0.5.",
  date: "A date such as 2026-08-05, or a time such as 2026-08-05T11:52:01Z.",
};

/** A field for a value of a property's type. */
export function TypedField({ name, label, type, value, mistake, hint }: TypedFieldProps) {
  const common = { name, label, value, mistake, hint: hint ?? hints[type] };
  if (type === "boolean") {
    return (
      <SelectField
        {...common}
        options={[
          ["", "Not known"],
          ["true", "Yes"],
          ["false", "No"],
        ]}
      />
    );
  }
  return <TextField {...common} inputMode={type === "number" ? "decimal" : "text"} maxLength={2_000} />;
}
