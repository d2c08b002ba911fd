/** The process of `browser.ts`: takes commands as lines of JSON, answers each with one. */

import { TextLineStream } from "@std/streams/text-line-stream";
import axe from "npm:axe-core@^4.10";
import { chromium, type Page } from "npm:playwright-core@^1.65.1";

const browser = await chromium.launch({
  executablePath: Deno.args[0]!,
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
});
const errors: string[] = [];
const requests: string[] = [];
let page: Page;

const commands: Record<string, (argument: never) => unknown> = {
  async open(options: object) {
    const context = await browser.newContext(options);
    page = await context.newPage();
    page.on("console", (message) => {
      if (message.type() === "error") errors.push(message.text());
    });
    page.on("pageerror", (error) => errors.push(String(error)));
    page.on("request", (request) => requests.push(request.url()));
  },
  goto: async (url: string) => void await page.goto(url),
  evaluate: (expression: string) => page.evaluate(expression),
  /** Asks again and again: the page's policy keeps an observer of ours out. */
  async waitFor(expression: string) {
    const deadline = Date.now() + 20_000;
    while (Date.now() < deadline) {
      const value = await page.evaluate(expression);
      if (value) return value;
      await page.waitForTimeout(20);
    }
    throw new Error("it was not so within 20 s");
  },
  click: (selector: string) => page.click(selector),
  press: (key: string) => page.keyboard.press(key),
  async axe() {
    // The page's policy lets no script in but its own; the debugger is above it.
    await page.evaluate(axe.source);
    return await page.evaluate(
      "axe.run().then(({ violations }) => violations.map(({ id, nodes }) => [id, nodes[0].html]))",
    );
  },
  log: () => ({ errors, requests }),
};

const lines = Deno.stdin.readable
  .pipeThrough(new TextDecoderStream())
  .pipeThrough(new TextLineStream());
for await (const line of lines) {
  const [name, argument] = JSON.parse(line);
  let answer;
  try {
    answer = { result: await commands[name]!(argument as never) ?? null };
  } catch (error) {
    answer = { error: String(error) };
  }
  const text = `${JSON.stringify(answer)}\n`;
  await Deno.stdout.write(new TextEncoder().encode(text));
}
await browser.close();
