import { after } from "node:test";

/**
 * Loaded before each file of `npm test`: a file whose tests have ended leaves the machine to the others.
 *
 * What still holds it after a while is named, and fails it: a forgotten handle would hold the whole run, for ever.
 * And it leaves past Node's own end, which may wait for a compilation that waits for it (nodejs/node#54918).
 */
const within = Number(process.env.HQ_TEST_LEAVES_WITHIN_MS ?? 120_000);

/** The coverage is written in Node's own end. */
const mustEndByItself = process.env.NODE_V8_COVERAGE !== undefined;

if (process.env.NODE_TEST_CONTEXT)
  after(() => {
    setTimeout(() => {
      const holders = [...new Set(process.getActiveResourcesInfo())].join(", ");
      process.stderr.write(
        `${process.argv[1]}: its tests ended ${within} ms ago, it is held by ${holders}\n`,
      );
      process.exit(1);
    }, within).unref();
    process.on("exit", (code) => {
      if (code === 0 && !mustEndByItself) process.execve?.("/bin/true", ["true"]);
    });
  });
