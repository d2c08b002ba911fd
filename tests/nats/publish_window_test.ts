import { assertEquals, assertRejects } from "@std/assert";
import {
  type Message,
  type Outcome,
  PublishWindow,
} from "../../src/nats/publish_window.ts";

function message(id: string): Message {
  return { subject: "s", id, headers: {}, body: id };
}

/** A server that answers when the test lets it. */
function scriptedServer() {
  const sent: string[] = [];
  const answers: PromiseWithResolvers<Outcome>[] = [];
  return {
    sent,
    answers,
    send({ id }: Message): Promise<Outcome> {
      sent.push(id);
      const answer = Promise.withResolvers<Outcome>();
      answers.push(answer);
      return answer.promise;
    },
  };
}

Deno.test("PublishWindow.resend() sends what has no outcome again, in order, and nothing else", async () => {
  const { sent, answers, send } = scriptedServer();
  const outcomes: string[] = [];
  const window = new PublishWindow({
    send,
    inFlight: 10,
    onOutcome: ({ id }, outcome) => outcomes.push(`${id} ${outcome}`),
  });
  for (const id of ["a", "b", "c"]) await window.publish(message(id));
  answers[1]!.resolve("stored");
  await Promise.resolve();
  window.resend();
  assertEquals(sent, ["a", "b", "c", "a", "c"]);
  answers[3]!.resolve("duplicate");
  answers[4]!.resolve("stored");
  await window.flush();
  assertEquals(outcomes, ["b stored", "a duplicate", "c stored"]);
  assertEquals(window.pending, 0);
});

Deno.test("PublishWindow.publish() waits while the window is full", async () => {
  const { sent, answers, send } = scriptedServer();
  const window = new PublishWindow({ send, inFlight: 2, onOutcome() {} });
  await window.publish(message("a"));
  let isThrough = false;
  const second = window.publish(message("b")).then(() => isThrough = true);
  await Promise.resolve();
  assertEquals([sent, isThrough], [["a", "b"], false]);
  answers[0]!.resolve("stored");
  await second;
  assertEquals(isThrough, true);
  answers[1]!.resolve("stored");
  await window.flush();
});

Deno.test("PublishWindow does not let a later message overtake one that failed", async () => {
  const { sent, answers, send } = scriptedServer();
  const window = new PublishWindow({
    send,
    inFlight: 10,
    retryMs: 1,
    onOutcome() {},
  });
  await window.publish(message("a"));
  await window.publish(message("b"));
  answers[0]!.reject(new Error("timeout"));
  await new Promise((resolve) => queueMicrotask(() => resolve(undefined)));
  await window.publish(message("c"));
  assertEquals(sent, ["a", "b"]);
  while (sent.length < 5) await new Promise((done) => setTimeout(done, 1));
  assertEquals(sent.slice(2), ["a", "b", "c"]);
  for (const answer of answers.slice(1)) answer.resolve("stored");
  await window.flush();
});

Deno.test("PublishWindow.close() returns what has no outcome and takes no more", async () => {
  const { send } = scriptedServer();
  const window = new PublishWindow({ send, inFlight: 10, onOutcome() {} });
  await window.publish(message("a"));
  assertEquals(window.close().map(({ id }) => id), ["a"]);
  await assertRejects(() => window.publish(message("b")), Error, "closed");
});
