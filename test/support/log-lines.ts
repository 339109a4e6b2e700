import { inspect } from "node:util";
import { Loggers } from "moleculer";

/** A Moleculer logger that keeps its lines. */
export function linesOf(lines: string[]): Loggers.Base<object> {
  class Listener extends Loggers.Base<object> {
    override getLogHandler() {
      return (_level: string, args: unknown[]) =>
        void lines.push(
          args
            .map((arg) => inspect(arg))
            .join(" ")
            .replace(/^'|'$/g, ""),
        );
    }
  }
  return new Listener();
}
