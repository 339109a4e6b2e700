import type { ComponentChildren } from "preact";
import type { Task } from "../use-task.ts";

interface TaskButtonProps {
  task: Task;
  work(): Promise<unknown>;
  /** The name for screen readers, where the text alone does not say what it is for. */
  label?: string;
  class?: string;
  children: ComponentChildren;
}

/** A button that starts a task. `TaskMessage` shows how it ended. */
export const TaskButton = ({ task, work, label, class: more = "", children }: TaskButtonProps) => (
  <button
    type="button"
    class={`button is-secondary is-small ${more}`}
    aria-label={label}
    aria-disabled={task.isBusy}
    onClick={() => task.run(work)}
  >
    {children}
  </button>
);

export const TaskMessage = ({ task: { message, isError } }: { task: Task }) => (
  <p class={isError ? "error task-message" : "hint task-message"} role="status">
    {message}
  </p>
);
