import type { JSX } from "preact";
import { useId } from "preact/hooks";

interface FieldProps extends Omit<JSX.IntrinsicElements["input"], "name" | "label"> {
  label: string;
  name: string;
  hint?: string;
  error?: string | undefined;
  /** Makes it a text area of this height. */
  rows?: number;
}

/** An input with its label, hint and error message. */
export function Field({ label, name, hint, error, rows, ...input }: FieldProps) {
  const id = useId();
  const describedBy =
    [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(" ") || undefined;
  const props = {
    // The cast: the attributes that are used here are those of inputs and text areas alike.
    ...(input as object),
    id,
    name,
    "aria-invalid": error ? true : undefined,
    "aria-describedby": describedBy,
  };
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {rows ? <textarea {...props} rows={rows} dir="auto" /> : <input {...props} />}
      {hint && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {error && (
        <p class="error" id={`${id}-error`}>
          {error}
        </p>
      )}
    </div>
  );
}
