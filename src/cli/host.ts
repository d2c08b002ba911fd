/** What the command uses of its runtime. Deno and Node differ in this file only. */

import process from "node:process";
import { isatty } from "node:tty";

/** Stdout or stderr. */
export interface Output {
  readonly isTerminal: boolean;
  /** Writes some or all of the bytes and resolves with how many. It never blocks the process. */
  write(bytes: Uint8Array): Promise<number>;
  /** Writes to a terminal at once. */
  writeSync(bytes: Uint8Array): unknown;
}

const deno = (globalThis as { Deno?: typeof Deno }).Deno;

export const stdout: Output = createOutput("stdout", isatty(1));
export const stderr: Output = createOutput("stderr", isatty(2));

function createOutput(name: "stdout" | "stderr", isTerminal: boolean): Output {
  // Deno's own, as its `process.stdout` blocks where a pipe is full.
  const own = deno?.[name];
  if (own !== undefined) {
    return {
      isTerminal,
      write: (bytes) => own.write(bytes),
      writeSync: (bytes) => own.writeSync(bytes),
    };
  }
  let isOpen = false;
  const open = () => {
    // The error of a write is given to its callback too.
    if (!isOpen) process[name].on("error", () => {});
    isOpen = true;
    return process[name];
  };
  return {
    isTerminal,
    write: (bytes) =>
      new Promise((resolve, reject) => {
        open().write(
          bytes,
          (error) => error ? reject(error) : resolve(bytes.length),
        );
      }),
    writeSync: (bytes) => open().write(bytes),
  };
}

/** Whether the user wants no colours: `NO_COLOR`. Deno's own reading of it needs no permission. */
export function isColorless(): boolean {
  return deno?.noColor ?? Boolean(process.env.NO_COLOR);
}

/** Width of the terminal on stdout; 80 where that is not known. */
export function columns(): number {
  try {
    const size = deno === undefined ? process.stdout : deno.consoleSize();
    return size.columns || 80;
  } catch {
    return 80;
  }
}

/**
 * Waits for SIGINT and SIGTERM. After the first one, and once the returned function is called, the
 * next one ends the process.
 */
export function onSignal(listener: () => void): () => void {
  const names = ["SIGINT", "SIGTERM"] as const;
  const remove = () => {
    for (const name of names) process.off(name, onFirst);
  };
  const onFirst = () => {
    remove();
    listener();
  };
  for (const name of names) process.on(name, onFirst);
  return remove;
}

/** Whether the command is what the process runs. Node before 22.18 has no `import.meta.main`. */
export function isMain({ main }: { main?: boolean }): boolean {
  return main ??
    /[\\/](cli[\\/]main\.js|beacon-sse)$/.test(process.argv[1] ?? "");
}

/** Runs the process: its arguments in, its exit code out. */
export async function runProcess(
  run: (args: string[]) => Promise<number>,
): Promise<void> {
  const code = await run(process.argv.slice(2));
  // Not left to the runtime: a write to a pipe without a reader would keep the process alive.
  process.exit(code);
}
