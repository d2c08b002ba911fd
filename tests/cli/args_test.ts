import { assert, assertEquals, assertThrows } from "@std/assert";
import { type Command, parseArgs } from "../../src/cli/args.ts";
import { UsageError } from "../../src/cli/usage_error.ts";

const URL_A = "http://localhost:5052";

function watch(
  feed: object,
  nodes: object[] = [{ url: `${URL_A}/` }],
): Command {
  return {
    kind: "watch",
    nodes,
    feed: { headers: [], quiet: false, ...feed },
  } as Command;
}

const GOOD: [args: string[], command: Command][] = [
  [["--help"], { kind: "help" }],
  [["-h"], { kind: "help" }],
  [[URL_A, "--help"], { kind: "help" }],
  [["--version"], { kind: "version" }],
  [[URL_A], watch({})],
  [["watch", URL_A], watch({})],
  [["--", URL_A], watch({})],
  [["localhost:5052"], watch({})],
  [["localhost"], watch({}, [{ url: "http://localhost/" }])],
  [["[::1]:5052/base"], watch({}, [{ url: "http://[::1]:5052/base" }])],
  [
    ["https://u:p@host/key?a=b"],
    watch({}, [{ url: "https://u:p@host/key?a=b" }]),
  ],
  [[URL_A, "--topics", "head,block"], watch({ topics: ["head", "block"] })],
  [
    ["--topics=head, head_v2,head", URL_A],
    watch({ topics: ["head", "head_v2"] }),
  ],
  [[URL_A, "--format", "json"], watch({ format: "json" })],
  [[URL_A, "--format=pretty"], watch({ format: "pretty" })],
  [
    [URL_A, "--topics=head,block", "--topics", "chain_reorg,head"],
    watch({ topics: ["head", "block", "chain_reorg"] }),
  ],
  [
    [URL_A, "--serve", "0.0.0.0:80"],
    watch({ serve: { hostname: "0.0.0.0", port: 80 } }),
  ],
  [
    [URL_A, "--serve", "[::1]:0"],
    watch({ serve: { hostname: "::1", port: 0 } }),
  ],
  [[URL_A, "--header", "X-Key: a: b"], watch({ headers: [["X-Key", "a: b"]] })],
  [
    [URL_A, "--header=A:1", "--header", "B:"],
    watch({ headers: [["A", "1"], ["B", ""]] }),
  ],
  [[URL_A, "--limit", "12"], watch({ limit: 12 })],
  [[URL_A, "--for", "1m30s"], watch({ forMs: 90_000 })],
  [[URL_A, "--max-event-bytes", "65536"], watch({ maxEventBytes: 65536 })],
  [[URL_A, "--idle-timeout", "500ms"], watch({ idleTimeoutMs: 500 })],
  [[URL_A, "--parity", "charon"], watch({ parity: "charon" })],
  [[URL_A, "--quiet"], watch({ quiet: true })],
  [
    [URL_A, "--name", "a", "other:1", "--name=b c"],
    watch({}, [{ url: `${URL_A}/`, name: "a" }, {
      url: "http://other:1/",
      name: "b c",
    }]),
  ],
  [
    [URL_A, "other:1", "--name", "a"],
    watch({}, [{ url: `${URL_A}/`, name: "a" }, { url: "http://other:1/" }]),
  ],
  [
    ["http://a:p@host", "http://b:p@host", "--name=a"],
    watch({}, [{ url: "http://a:p@host/", name: "a" }, {
      url: "http://b:p@host/",
    }]),
  ],
  [
    [URL_A, "--token-file", "t", "--pass-all", "--metric-label=a=1=2"],
    watch({ tokenFile: "t", passAll: true, labels: { a: "1=2" } }),
  ],
  [
    [URL_A, "--metric-label", "a=1", "--metric-label", "b="],
    watch({ labels: { a: "1", b: "" } }),
  ],
  [["demo"], { kind: "demo", names: [], feed: { headers: [], quiet: false } }],
  [
    ["--limit", "3", "demo", "--name", "sim"],
    {
      kind: "demo",
      names: ["sim"],
      feed: { headers: [], quiet: false, limit: 3 },
    },
  ],
];

for (const [args, command] of GOOD) {
  Deno.test(`parseArgs() accepts ${JSON.stringify(args)}`, () => {
    assertEquals(parseArgs(args), command);
  });
}

const BAD: [args: string[], message: string][] = [
  [[], "no node URL given: expected one such as http://localhost:5052"],
  [["watch"], "no node URL given: expected one such as http://localhost:5052"],
  [["--bogus", URL_A], 'unknown flag "--bogus": see beacon-sse --help'],
  [["--bogus=s3cret", URL_A], 'unknown flag "--bogus": see beacon-sse --help'],
  [["--toString", URL_A], 'unknown flag "--toString": see beacon-sse --help'],
  [["--h", URL_A], 'unknown flag "--h": see beacon-sse --help'],
  [
    [URL_A, "--format=pretty", "--format=json"],
    '--format may be given once, got "json" too',
  ],
  [
    [URL_A, "--limit", "1", "--limit", "2"],
    '--limit may be given once, got "2" too',
  ],
  [[URL_A, "--quiet", "--quiet"], "--quiet may be given once"],
  [["-x", URL_A], 'unknown flag "-x": see beacon-sse --help'],
  [
    ["--mqtt", "mqtt://x", URL_A],
    'unknown flag "--mqtt": see beacon-sse --help',
  ],
  [
    ["wacth", URL_A],
    'unknown command or node URL "wacth": expected watch, demo or a URL such as http://localhost:5052',
  ],
  [["demo", URL_A], `demo takes no node URL, got "${URL_A}"`],
  [
    ["demo", ...["a", "b", "c", "d"].map((name) => `--name=${name}`)],
    '--name "d" has no node: 3 nodes have a name already',
  ],
  [
    [URL_A, "--metric-label", "a"],
    '--metric-label must be NAME=VALUE such as cluster_name=a, got "a"',
  ],
  [
    [URL_A, "--metric-label", "addr=x"],
    '--metric-label must have a name that is free, got "addr"',
  ],
  [["ftp://host"], 'node URL must be http or https, got "ftp://host"'],
  [
    ["http://"],
    'node URL must be a URL such as http://localhost:5052, got "http://"',
  ],
  [
    ["http://u:s3cret@ho st/p?s3cret=s3cret"],
    'node URL must be a URL such as http://localhost:5052, got "http://…@ho st/p?…"',
  ],
  [
    ["ftp://u:s3c@ret@host"],
    'node URL must be http or https, got "ftp://…@host"',
  ],
  [
    ["host:99999"],
    'node URL must be a URL such as http://localhost:5052, got "host:99999"',
  ],
  [
    ["http:/host"],
    'node URL must be a URL such as http://localhost:5052, got "http:/host"',
  ],
  [
    ["//host"],
    'node URL must be a URL such as http://localhost:5052, got "/host"',
  ],
  [
    ["ftp://host/s3cret"],
    'node URL must be http or https, got "ftp://host/…"',
  ],
  [
    ["host:99999/s3cret"],
    'node URL must be a URL such as http://localhost:5052, got "host:99999/…"',
  ],
  [[URL_A, "--limit"], "--limit needs a value, got nothing"],
  [[URL_A, "--limit", "--quiet"], '--limit needs a value, got "--quiet"'],
  [[URL_A, "--limit", "ten"], '--limit must be a positive integer, got "ten"'],
  [[URL_A, "--limit="], '--limit must be a positive integer, got ""'],
  [[URL_A, "--limit", "0"], '--limit must be a positive integer, got "0"'],
  [[URL_A, "--limit", "-5"], '--limit must be a positive integer, got "-5"'],
  [[URL_A, "--limit", "1.5"], '--limit must be a positive integer, got "1.5"'],
  [
    [URL_A, "--limit", "9".repeat(17)],
    `--limit must be a positive integer, got "${"9".repeat(17)}"`,
  ],
  [
    [URL_A, "--max-event-bytes", "4M"],
    '--max-event-bytes must be a positive integer, got "4M"',
  ],
  [
    [URL_A, "--for", "30"],
    '--for must be a duration such as 500ms, 30s or 1m30s, 596h at most, got "30"',
  ],
  [
    [URL_A, "--idle-timeout", "0s"],
    '--idle-timeout must be a duration such as 500ms, 30s or 1m30s, 596h at most, got "0s"',
  ],
  [[URL_A, "--format", "xml"], '--format must be pretty or json, got "xml"'],
  [[URL_A, "--parity", "pluto"], '--parity must be charon, got "pluto"'],
  [[URL_A, "--quiet=yes"], '--quiet takes no value, got "yes"'],
  [[URL_A, "--help=me"], '--help takes no value, got "me"'],
  [
    [URL_A, "--topics", ""],
    '--topics must be names such as head,chain_reorg, got "" in ""',
  ],
  [
    [URL_A, "--topics", "head,,block"],
    '--topics must be names such as head,chain_reorg, got "" in "head,,block"',
  ],
  [
    [URL_A, "--topics", "head&x=1"],
    '--topics must be names such as head,chain_reorg, got "head&x=1" in "head&x=1"',
  ],
  ...[
    "9464",
    ":9464",
    "host:",
    "host:65536",
    "::1:80",
    "ho st:1",
    "[::1]",
    "[1]:80",
  ].map(
    (value) =>
      [
        [URL_A, "--serve", value],
        `--serve must be HOST:PORT such as 127.0.0.1:9464, got "${value}"`,
      ] as [string[], string],
  ),
  [
    [URL_A, "--serve", "http://u:s3cret@host:80"],
    '--serve must be HOST:PORT such as 127.0.0.1:9464, got "http://…@host:80"',
  ],
  [
    [URL_A, "--header", "nocolon"],
    '--header must be "Name: value", got "nocolon"',
  ],
  [
    [URL_A, "--header", "Bearer s3cret"],
    '--header must be "Name: value", got "Bearer …"',
  ],
  [
    [URL_A, "--header", "s3cret1234"],
    '--header must be "Name: value", got 10 characters without a colon',
  ],
  [
    [URL_A, "--header", "X Y: s3cret"],
    '--header must be "Name: value" with a valid name, got "X Y"',
  ],
  [
    [URL_A, "--header", ": s3cret"],
    '--header must be "Name: value" with a valid name, got ""',
  ],
  [
    [URL_A, "--header", "X-Key: s3cret\r\nX: y"],
    '--header "X-Key" has a value with characters no header can hold',
  ],
  [[URL_A, "--name", " "], '--name must be text on one line, got " "'],
  [[URL_A, "--name", "a\nb"], '--name must be text on one line, got "a\\nb"'],
  [
    [URL_A, "--name", "a", "--name", "b"],
    '--name "b" has no node: 1 node has a name already',
  ],
  [
    [URL_A, "other:1", "--name=a", "--name=a"],
    '--name must be different for each node, got "a" twice',
  ],
  [
    [URL_A, `${URL_A}/`],
    `--name must be different for each node, got "${URL_A}" twice`,
  ],
  [
    ["http://a:s3cret@host/?s3cret", "http://host"],
    '--name must be different for each node, got "http://host" twice',
  ],
  [
    [URL_A, "--format", "\x1b[31m\u009b\u202e\n"],
    '--format must be pretty or json, got "\\u001b[31m\\u009b\\u202e\\n"',
  ],
  [
    [URL_A, "--format", "x".repeat(500)],
    `--format must be pretty or json, got "${"x".repeat(80)}…"`,
  ],
];

for (const [args, message] of BAD) {
  Deno.test(`parseArgs() refuses ${JSON.stringify(args).slice(0, 100)}`, () => {
    const error = assertThrows(() => parseArgs(args), UsageError);
    assertEquals(error.message, message);
    assert(!error.message.includes("s3c"));
  });
}
