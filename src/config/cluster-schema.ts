import { z } from "zod";
import { duration, hours, minutes, pathText, size } from "./fields.ts";

const MIB = 1024 * 1024;

/** The gateways that `hq cluster` makes and runs on this machine. */
export const clusterSchema = z
  .strictObject({
    dir: pathText
      .optional()
      .describe("Where instances/ and shared.env are. Default: cluster beside the configuration folder."),
    command: z
      .array(z.string().min(1).max(4000))
      .min(1)
      .max(50)
      .default(["openclaw", "gateway"])
      .describe(
        "What runs one gateway: a program and its arguments, never a shell. Default: openclaw gateway.",
      ),
    restart_after: duration({ minMs: 100, maxMs: minutes(10) })
      .prefault("5s")
      .describe("A gateway that ended is started again after this time, then after longer. Default 5s."),
    start_limit: z
      .int()
      .min(1)
      .max(100)
      .default(5)
      .describe("After this many starts within 60 s it is left alone. Default 5."),
    stop_grace: duration({ minMs: 0, maxMs: hours(1) })
      .prefault("330s")
      .describe("How long a gateway may finish its turn when it is stopped. Default 330s."),
    log_max: size({ min: 64 * 1024, max: 1024 * MIB })
      .prefault("16MiB")
      .describe("A gateway's log is set aside at this size, and the one before it goes. Default 16MiB."),
  })
  .prefault({});
