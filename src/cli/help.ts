/** The text of `--help`. */

export const HELP = `Listens to the event stream of Ethereum beacon nodes.

Usage:
  beacon-sse [watch] <node-url>...   print the events of one or more beacon nodes
  beacon-sse demo                    the same against three embedded simulated nodes
                                     (2s slots, late blocks, empty slots, reorgs)
  beacon-sse replay FILE             the events of a recording; with --serve the recording as a
                                     beacon node there, whose time begins with the first reader

A node URL is http or https; localhost:5052 stands for http://localhost:5052. Userinfo in it
becomes an Authorization header.

Options:
  --topics a,b,c         topics to listen to; repeatable
                         (default head,chain_reorg,block,block_gossip)
  --format pretty|json   how events are printed (default pretty on a terminal, else json:
                         one JSON object per line)
  --serve HOST:PORT      serve the nodes as one beacon node: /eth/v1/events and other reads, a
                         live page at /, /metrics, /healthz, /readyz; port 0 takes a free one
                         (default off; demo: 127.0.0.1:9464, or a free port where that is taken)
  --token-file FILE      what is served, except health, requires the token in the first line of
                         FILE, as Bearer or as password of Basic authentication (default none)
  --pass-all             pass requests of all methods and paths to a node (default off: reads)
  --metric-label K=V     label of all metrics, such as cluster_name=a; repeatable
  --header "Name: value" header for every request to the nodes; repeatable
  --name LABEL           name of a node in lines and metrics; repeatable, by position
                         (default the URL without userinfo, query and secret path)
  --limit N              stop after N events (default never)
  --for DURATION         stop after a time such as 500ms, 30s, 2m, 1h or 1m30s (default never)
  --max-event-bytes N    drop a single event over N bytes (default 4194304)
  --idle-timeout DURATION
                         reconnect to a node that is silent for so long (default 5 slots;
                         1m until the slot length is known)
  --parity charon        skip late heads in metrics as Charon does (default off)
  --record FILE          record what is received as JSON lines, compressed where FILE ends with
                         .gz; a FILE that is there is renamed (default off)
  --rotate-bytes N       begin another FILE after N bytes before compression (default never)
  --rotate-every DURATION
                         begin another FILE after a time such as 1h (default never)
  --speed N|max          replay N times as fast as it was recorded (default 1)
  --nats URL             publish to NATS JetStream, such as nats://localhost:4222 (default off)
  --nats-network NAME    name of the chain in subjects (default mainnet)
  --quiet                no log lines on stderr (default off)
  --version              print the version
  -h, --help             print this text

Pretty lines: time of arrival (UTC), slot, epoch+slot in the epoch, seconds from the start of the
slot to arrival (green: before attestations are due, red: after twice that time; negative: the
clocks disagree), topic, node where there are several, and the event. They fit the terminal.
NO_COLOR turns colours off.

Exit codes: 0 stopped (--limit, --for, SIGINT, SIGTERM, closed output pipe), 2 bad usage,
1 anything else. The only permission that is needed is --allow-net
(and --allow-read for --token-file and replay, with --allow-write for --record).
`;
