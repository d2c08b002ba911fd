import { assertEquals } from "@std/assert";
import { mock } from "node:test";
import {
  type StreamFault,
  Watchdog,
} from "../../../src/listener/connection/watchdog.ts";

/** Runs a watchdog under fake timers, and returns what it reports. */
function watch(
  timeoutMs: number | (() => number),
  run: (watchdog: Watchdog, faults: StreamFault[]) => void,
  options: Partial<ConstructorParameters<typeof Watchdog>[0]> = {},
): StreamFault[] {
  mock.timers.enable({ apis: ["setTimeout"] });
  try {
    const faults: StreamFault[] = [];
    using watchdog = new Watchdog({
      timeoutMs: () => typeof timeoutMs === "number" ? timeoutMs : timeoutMs(),
      onFault: (fault) => faults.push(fault),
      now: () => 0,
      ...options,
    });
    run(watchdog, faults);
    return faults;
  } finally {
    mock.timers.reset();
  }
}

/** Lets time pass a tenth of a second a step, as real time would. */
function pass(milliseconds: number, each: () => void = () => {}): void {
  for (let passed = 0; passed < milliseconds; passed += 100) {
    each();
    mock.timers.tick(100);
  }
}

Deno.test("Watchdog() reports a connection that never sent a byte", () => {
  assertEquals(watch(10_000, () => pass(9900)), []);
  assertEquals(watch(10_000, () => pass(10_000)), ["idle"]);
});

Deno.test("Watchdog() reports a connection that fell silent, once", () => {
  const silences = watch(10_000, (watchdog) => {
    pass(60_000, () => {
      watchdog.sawBytes();
      watchdog.sawProgress();
    });
    pass(60_000);
  });
  assertEquals(silences, ["idle"]);
});

Deno.test("Watchdog() reports bytes that never make an event or a comment", () => {
  assertEquals(
    watch(10_000, (watchdog) => pass(9900, () => watchdog.sawBytes())),
    [],
  );
  assertEquals(
    watch(10_000, (watchdog) => pass(10_000, () => watchdog.sawBytes())),
    ["stalled"],
  );
});

Deno.test("Watchdog() lets a connection live that only sends comments", () => {
  const silences = watch(10_000, (watchdog) => {
    for (let minute = 0; minute < 60; minute++) {
      pass(9000);
      watchdog.sawBytes();
      watchdog.sawProgress();
    }
  });
  assertEquals(silences, []);
});

Deno.test("Watchdog() is silent once disposed", () => {
  const silences = watch(10_000, (watchdog) => {
    watchdog[Symbol.dispose]();
    pass(60_000);
  });
  assertEquals(silences, []);
});

Deno.test("Watchdog() keeps to a timeout that becomes shorter while it watches", () => {
  let timeoutMs = 60_000;
  const silences: number[] = [];
  watch(() => timeoutMs, () => {
    pass(1000);
    timeoutMs = 2000;
    pass(900);
    assertEquals(silences, []);
    pass(200);
  }, { onFault: (_fault, timeoutMs) => silences.push(timeoutMs) });
  assertEquals(silences, [2000]);
});

Deno.test("Watchdog() waits where silence is expected, and counts from its end", () => {
  let isPaused = true;
  const faults = watch(10_000, (_watchdog, faults) => {
    pass(60_000);
    isPaused = false;
    pass(9000);
    assertEquals(faults, []);
    pass(1000);
  }, { isPaused: () => isPaused });
  assertEquals(faults, ["idle"]);
});

Deno.test("Watchdog() finds that the machine slept where a timer fires far too late", () => {
  let now = 0;
  const faults = watch(60_000, (_watchdog, faults) => {
    pass(5000, () => now += 100);
    assertEquals(faults, []);
    now += 3_600_000;
    pass(1000);
  }, { now: () => now });
  assertEquals(faults, ["slept"]);
});
