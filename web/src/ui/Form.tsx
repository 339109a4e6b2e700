import type { ComponentChildren } from "preact";
import { useRef, useState } from "preact/hooks";
import { errorText, isUnavailable } from "../error-messages.ts";
import { reportFailure } from "../outages.ts";
import { SoukError } from "../souk.ts";

export type Values = Record<string, string>;
/** Messages by field; "" is the form as a whole. */
export type FieldErrors = Record<string, string>;

/** Thrown by a form's `submit`, with messages for the fields that are not valid. */
export class ValidationError extends Error {
  readonly fields: FieldErrors;
  constructor(fields: FieldErrors) {
    super("The form is not valid.");
    this.fields = fields;
  }
}

/** Throws a ValidationError for the fields of `messages` that are empty. */
export function requireFields(values: Values, messages: FieldErrors): void {
  const missing = Object.entries(messages).filter(([name]) => !values[name]?.trim());
  if (missing.length > 0) throw new ValidationError(Object.fromEntries(missing));
}

interface FormProps {
  submit(values: Values): Promise<void>;
  submitLabel: string;
  /** Returns a text for errors that need one other than `errorText`. */
  explain?(error: SoukError): string | undefined;
  children(errors: FieldErrors): ComponentChildren;
  /** Rendered next to the button. */
  aside?: ComponentChildren;
}

/** A form that submits once at a time. Errors are shown at their fields or above the button. */
export function Form({ submit, submitLabel, explain, children, aside }: FormProps) {
  const [isBusy, setBusy] = useState(false);
  const [errors, setErrors] = useState<FieldErrors>({});
  const form = useRef<HTMLFormElement>(null);

  const onSubmit = async (event: Event) => {
    event.preventDefault();
    if (isBusy) return;
    setBusy(true);
    setErrors({});
    try {
      await submit(Object.fromEntries(new FormData(form.current!)) as Values);
    } catch (error) {
      if (isUnavailable(error)) reportFailure();
      setErrors(fieldErrors(error, explain));
      // After the errors have been rendered.
      setTimeout(() => form.current?.querySelector<HTMLElement>("[aria-invalid]")?.focus());
    } finally {
      setBusy(false);
    }
  };

  return (
    <form ref={form} class="form" onSubmit={onSubmit} noValidate>
      {children(errors)}
      <p class="error is-form" role="alert">
        {errors[""]}
      </p>
      <p class="actions">
        <button class="button" aria-disabled={isBusy}>
          {isBusy && <span class="spinner" />}
          {submitLabel}
        </button>
        {aside}
      </p>
    </form>
  );
}

function fieldErrors(error: unknown, explain: FormProps["explain"]): FieldErrors {
  if (error instanceof ValidationError) return error.fields;
  if (!(error instanceof SoukError)) return { "": errorText(error) };
  const explanation = explain?.(error);
  const fields = error.errors ?? [];
  if (explanation || fields.length === 0) return { "": explanation || errorText(error) };
  return Object.fromEntries(fields.map(({ field, message }) => [field, toSentence(message)]));
}

const toSentence = (message: string) =>
  `${message.charAt(0).toUpperCase()}${message.slice(1)}.`.replace(/\.\.$/, ".");
