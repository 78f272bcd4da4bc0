import { h } from "../node.js";
import { crumb, facts, panel, prose, viewHead } from "../parts.js";
import { to } from "../router.js";
import { pill } from "../states.js";
import { instant, span, ticking } from "../time.js";

/** One worker process: what it was to do, what it left. */
export function workerView(app, { id }) {
  let worker;
  async function load() {
    worker = await app.api.get(`/workers/${encodeURIComponent(id)}`);
  }
  function draw() {
    const {
      status,
      task,
      worker: kind,
      model,
      thinking,
      asker,
      objective,
      queuedAt,
      begunAt,
      settledAt,
      reason,
      result,
      summary,
      files,
      folder,
      usage,
    } = worker;
    return [
      viewHead({
        title: `Worker ${kind}`,
        above: crumb(to("queue", task), "Its task"),
        beside: pill(status),
        below: [
          reason ? h("p", { class: "reason" }, reason) : undefined,
          facts([
            ["Id", h("span", { class: "code" }, id)],
            ["Model", model],
            ["Thinking", thinking],
            ["Asked by", asker],
            ["Asked", instant(queuedAt)],
            [
              "Worked",
              begunAt === undefined
                ? undefined
                : settledAt === undefined
                  ? ticking(begunAt)
                  : span(settledAt - begunAt),
            ],
            ["Folder", folder ? h("span", { class: "code" }, folder) : undefined],
            ["Files", files.join(", ")],
            ["Tokens", usage ? `${usage.inputTokens} in, ${usage.outputTokens} out` : "unknown"],
          ]),
        ],
      }),
      panel("Task", { key: "task" }, prose(objective)),
      result || summary ? panel("Result", { key: "result" }, prose(result ?? summary)) : undefined,
    ];
  }
  return { title: () => `Worker ${id}`, load, draw, concerns: ({ stream }) => stream === id };
}
