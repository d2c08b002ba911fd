/**
 * Chromium, driven by playwright-core in a process of its own: it needs more permissions than tests
 * have.
 */

import { TextLineStream } from "@std/streams/text-line-stream";

const CHROMIUM = "/usr/bin/chromium";

/** Options of a test that needs Chromium. */
export const NEEDS_CHROMIUM = { ignore: !isInstalled() };

if (NEEDS_CHROMIUM.ignore) {
  // deno-lint-ignore no-console -- shows why tests are ignored
  console.log(`${CHROMIUM} is not installed: tests that need it are ignored`);
}

/** How a page is opened. */
export interface PageOptions {
  /** Width and height of the window, in pixels. */
  viewport?: { width: number; height: number };
  /** The value of `prefers-color-scheme`. */
  colorScheme?: "light" | "dark";
  /** The value of `prefers-reduced-motion`. */
  reducedMotion?: "reduce";
}

/** A browser with one page. */
export class Browser implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #output: ReadableStreamDefaultReader<string>;

  private constructor() {
    this.#process = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--quiet",
        "--no-check",
        "--allow-all",
        new URL("./drive.ts", import.meta.url).pathname,
        CHROMIUM,
      ],
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#input = this.#process.stdin.getWriter();
    this.#output = this.#process.stdout
      .pipeThrough(new TextDecoderStream())
      .pipeThrough(new TextLineStream())
      .getReader();
  }

  /** Starts a browser, and opens a page that stays blank until `goto`. */
  static async start(options: PageOptions = {}): Promise<Browser> {
    const browser = new Browser();
    await browser.#call("open", options);
    return browser;
  }

  /** Opens a URL. */
  async goto(url: string): Promise<void> {
    await this.#call("goto", url);
  }

  /** The value of an expression in the page. */
  async evaluate<T>(expression: string): Promise<T> {
    return await this.#call("evaluate", expression) as T;
  }

  /** Waits until an expression in the page is truthy; returns its value. */
  async waitFor<T>(expression: string): Promise<T> {
    return await this.#call("waitFor", expression) as T;
  }

  /** Clicks what a selector finds first. */
  async click(selector: string): Promise<void> {
    await this.#call("click", selector);
  }

  /** Presses a key. */
  async press(key: string): Promise<void> {
    await this.#call("press", key);
  }

  /** What axe finds wrong with the page for people who cannot see it or use a mouse. */
  async violations(): Promise<unknown[]> {
    return await this.#call("axe") as unknown[];
  }

  /** What the page's console, its errors and its requests were so far. */
  async log(): Promise<{ errors: string[]; requests: string[] }> {
    return await this.#call("log") as { errors: string[]; requests: string[] };
  }

  async #call(name: string, argument: unknown = null): Promise<unknown> {
    const line = `${JSON.stringify([name, argument])}\n`;
    await this.#input.write(new TextEncoder().encode(line));
    const { done, value } = await this.#output.read();
    if (done) throw new Error("the browser's process has ended");
    const { error, result } = JSON.parse(value);
    if (error !== undefined) throw new Error(`${name}(${argument}): ${error}`);
    return result;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#input.close();
    await this.#process.status;
    await this.#output.cancel();
  }
}

function isInstalled(): boolean {
  try {
    return Deno.statSync(CHROMIUM).isFile;
  } catch {
    return false;
  }
}
