import type { ComponentChildren } from "preact";
import { useRef, useState } from "preact/hooks";
import { isBlank } from "../../../contracts/visible.ts";
import { errorText, isUnavailable } from "../error-messages.ts";
import { fieldText } from "../field-text.ts";
import { reportFailure } from "../outages.ts";
import { SoukError } from "../souk.ts";
import { t } from "../texts.ts";

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
  // A password may consist of anything.
  const isMissing = (name: string) =>
    /password/i.test(name) ? !values[name] : isBlank(values[name] ?? "");
  const missing = Object.entries(messages).filter(([name]) => isMissing(name));
  if (missing.length > 0) throw new ValidationError(Object.fromEntries(missing));
}

interface FormProps {
  submit(values: Values): Promise<void>;
  submitLabel: string;
  /** Returns messages for errors that need others than `errorText`. */
  explain?(error: SoukError): FieldErrors | undefined;
  /** Called with all values after each change. */
  onChange?(values: Values): void;
  children(errors: FieldErrors): ComponentChildren;
  /** Rendered next to the button. */
  aside?: ComponentChildren;
}

/** A form that submits once at a time. Errors are shown at their fields or above the button. */
export function Form({ submit, submitLabel, explain, onChange, children, aside }: FormProps) {
  const [isBusy, setBusy] = useState(false);
  const [errors, setErrors] = useState<FieldErrors>({});
  const form = useRef<HTMLFormElement>(null);

  const onSubmit = async (event: Event) => {
    event.preventDefault();
    if (isBusy) return;
    const sent = event.currentTarget as HTMLFormElement;
    setBusy(true);
    setErrors({});
    try {
      await submit(valuesOf(sent));
    } catch (error) {
      if (isUnavailable(error)) reportFailure();
      setErrors(fieldErrors(error, explain, sent));
      // After the errors have been rendered.
      setTimeout(() => form.current?.querySelector<HTMLElement>("[aria-invalid]")?.focus());
    } finally {
      setBusy(false);
    }
  };

  // What is said about a field is no longer true when the field changes.
  const onInput = ({ target }: Event) => {
    onChange?.(valuesOf(form.current!));
    setErrors((before) => withoutErrorsOf((target as HTMLInputElement).name, before));
  };

  return (
    <form ref={form} class="form" onSubmit={onSubmit} onInput={onInput} noValidate>
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

/** The errors without those of the field and of the form as a whole. */
function withoutErrorsOf(name: string, errors: FieldErrors): FieldErrors {
  if (!errors[name] && !errors[""]) return errors;
  const { [name]: _corrected, "": _form, ...others } = errors;
  return others;
}

const valuesOf = (form: HTMLFormElement) => Object.fromEntries(new FormData(form)) as Values;

/** The server's own messages are English: the page has one for each field that can be refused. */
function fieldErrors(
  error: unknown,
  explain: FormProps["explain"],
  { elements }: HTMLFormElement,
): FieldErrors {
  if (error instanceof ValidationError) return error.fields;
  if (!(error instanceof SoukError)) return { "": errorText(error) };
  const explanation = explain?.(error);
  if (explanation) return explanation;
  const texts = (error.errors ?? []).flatMap((fault) => {
    const text = elements.namedItem(fault.field) && fieldText(fault, t);
    return text ? [[fault.field, text]] : [];
  });
  if (texts.length === 0) return { "": errorText(error) };
  return Object.fromEntries(texts) as FieldErrors;
}
