import type { ComponentChildren, JSX } from "preact";
import { useId, useRef, useState } from "preact/hooks";
import type { FieldError } from "../../../contracts/errors.ts";
import { suspect } from "../outages.ts";
import { isAway, sentenceOf, SoukError } from "../item-cache.ts";
import { Icon } from "./bits.tsx";

interface FieldProps extends Omit<JSX.IntrinsicElements["input"], "name" | "label"> {
  label: string;
  name: string;
  hint?: string;
  fault?: string | undefined;
  rows?: number;
}

/** A labelled input, with what is wrong with it said beside it. */
export function Field({ label, name, hint, fault, rows, ...input }: FieldProps) {
  const id = useId();
  const described =
    [hint && `${id}-hint`, fault && `${id}-fault`].filter(Boolean).join(" ") || undefined;
  const props = {
    id,
    name,
    "aria-invalid": fault ? true : undefined,
    "aria-describedby": described,
  };
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {rows ? (
        <textarea {...(input as object)} {...props} rows={rows} dir="auto" />
      ) : (
        <input {...(input as object)} {...props} />
      )}
      {hint && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {fault && (
        <p class="fault" id={`${id}-fault`}>
          {fault}
        </p>
      )}
    </div>
  );
}

type Values = Record<string, string>;
export type Faults = Record<string, string>;

/** Thrown by a form's `act`: what is wrong with which field. */
export class Wrong extends Error {
  readonly faults: Faults;
  constructor(faults: Faults) {
    super("The form is not filled in right");
    this.faults = faults;
  }
}

interface FormProps {
  act(values: Values): Promise<void>;
  /** On the button. */
  submit: string;
  /** What to say about an error, when there is more to say than the market does. */
  explain?(error: SoukError): string | undefined;
  children(faults: Faults): ComponentChildren;
  aside?: ComponentChildren;
}

/** Sends once at a time; what went wrong stands beside its field, or above the button. */
export function Form({ act, submit, explain, children, aside }: FormProps) {
  const [isBusy, setBusy] = useState(false);
  const [faults, setFaults] = useState<Faults>({});
  const form = useRef<HTMLFormElement>(null);

  const send = async (event: Event) => {
    event.preventDefault();
    if (isBusy) return;
    setBusy(true);
    setFaults({});
    try {
      await act(Object.fromEntries(new FormData(form.current!)) as Values);
    } catch (error) {
      if (!(error instanceof Wrong) && isAway(error)) suspect();
      setFaults(faultsOf(error, explain));
      // Once the faults are shown.
      setTimeout(() => form.current?.querySelector<HTMLElement>("[aria-invalid]")?.focus());
    } finally {
      setBusy(false);
    }
  };

  return (
    <form ref={form} class="form" onSubmit={send} noValidate>
      {children(faults)}
      <p class={faults[""] ? "fault is-whole" : "fault is-whole is-none"} role="alert">
        {faults[""]}
      </p>
      <p class="actions">
        <button class="button" aria-disabled={isBusy}>
          {isBusy ? <Waiting>{submit}</Waiting> : submit}
        </button>
        {aside}
      </p>
    </form>
  );
}

const Waiting = ({ children }: { children: ComponentChildren }) => (
  <>
    <span class="spinner" />
    {children}
  </>
);

function faultsOf(error: unknown, explain: FormProps["explain"]): Faults {
  if (error instanceof Wrong) return error.faults;
  if (!(error instanceof SoukError)) return { "": sentenceOf(error) };
  const told = explain?.(error);
  if (told) return { "": told };
  const fields = (error.errors ?? []) as FieldError[];
  if (fields.length === 0) return { "": sentenceOf(error) };
  return Object.fromEntries(
    fields.map(({ field, message }) => [
      field,
      `${message.charAt(0).toUpperCase()}${message.slice(1)}.`,
    ]),
  );
}

export const BackLink = ({ href, children }: { href: string; children: ComponentChildren }) => (
  <a class="back" href={href}>
    <Icon name="back" />
    {children}
  </a>
);
