/** Says early what a listener that reconnects for ever would say for ever: no permission. */

/**
 * Checks that the nodes may be reached. Where Deno can ask the user, it does so later by itself.
 *
 * @param urls The nodes' URLs.
 * @throws {Error} If `--allow-net` does not cover a node; the message names its host.
 */
export async function checkNetPermission(
  urls: readonly string[],
): Promise<void> {
  for (const url of urls) {
    const { hostname, port, protocol } = new URL(url);
    const host = `${hostname}:${port || (protocol === "https:" ? 443 : 80)}`;
    const { state } = await Deno.permissions.query({ name: "net", host });
    if (
      state === "denied" || (state === "prompt" && !Deno.stdin.isTerminal())
    ) {
      throw new Error(`no permission to reach ${host}: run with --allow-net`);
    }
  }
}
