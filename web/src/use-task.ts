import { useEffect, useRef, useState } from "preact/hooks";
import { errorText, isUnavailable } from "./error-messages.ts";
import { reportFailure } from "./outages.ts";

export interface Task {
  isBusy: boolean;
  /** How it ended, for a live region. */
  message: string;
  isError: boolean;
  /** Starts it, unless it runs. If it resolves to a text, that is shown. */
  run(work: () => Promise<unknown>): void;
}

/** Work of a button: once at a time, with its result as a text. */
export function useTask(): Task {
  const idle = { isBusy: false, message: "", isError: false };
  const [shown, setShown] = useState(idle);
  const isOpen = useRef(true);
  const isBusy = useRef(false);
  useEffect(() => () => void (isOpen.current = false), []);

  const run: Task["run"] = (work) => {
    if (isBusy.current) return;
    isBusy.current = true;
    setShown({ ...idle, isBusy: true });
    const end = (message: string, isError: boolean) => {
      isBusy.current = false;
      if (isOpen.current) setShown({ isBusy: false, message, isError });
    };
    work().then(
      (result) => end(typeof result === "string" ? result : "", false),
      (error: unknown) => {
        if (isUnavailable(error)) reportFailure();
        end(errorText(error), true);
      },
    );
  };
  return { ...shown, run };
}
