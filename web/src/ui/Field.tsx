import type { JSX } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { t } from "../texts.ts";
import { Icon } from "./Icon.tsx";

interface FieldProps extends Omit<JSX.IntrinsicElements["input"], "name" | "label"> {
  label: string;
  name: string;
  hint?: string;
  error?: string | undefined;
  /** Something that is probably wrong, but accepted. */
  warning?: string | undefined;
  /** Makes it a text area of this height. */
  rows?: number;
}

/** An input with its label, hint and error message. */
export function Field({ label, name, hint, error, warning, rows, ...input }: FieldProps) {
  const id = useId();
  const describedBy =
    [hint && `${id}-hint`, (error || warning) && `${id}-error`].filter(Boolean).join(" ") ||
    undefined;
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
      {rows ? (
        <textarea {...props} rows={rows} dir="auto" />
      ) : input.type === "password" ? (
        <Password {...props} />
      ) : (
        <input {...props} />
      )}
      {hint && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {(error || warning) && (
        <p class="error" id={`${id}-error`} role={error ? undefined : "status"}>
          {error || warning}
        </p>
      )}
    </div>
  );
}

/** A password, which a button shows while it is pressed in. Password managers see the same input. */
function Password(props: object) {
  const [isShown, setShown] = useState(false);
  return (
    <span class="password">
      <input
        // The cast: Preact's types of inputs depend on a constant type.
        {...({ ...props, type: isShown ? "text" : "password" } as object)}
        autoCapitalize="none"
        spellcheck={false}
      />
      <button
        type="button"
        aria-pressed={isShown}
        aria-label={t.auth.showPassword}
        title={t.auth.showPassword}
        onClick={() => setShown(!isShown)}
      >
        <Icon name="eye" />
      </button>
    </span>
  );
}

/** Focuses the first field of a form when its view is opened. The attribute `autofocus` works only once per page. */
export function useFirstField() {
  const fields = useRef<HTMLDivElement>(null);
  useEffect(() => fields.current!.querySelector("input")!.focus({ preventScroll: true }), []);
  return fields;
}
