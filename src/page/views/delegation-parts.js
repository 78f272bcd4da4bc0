import { icon } from "../icons.js";
import { h } from "../node.js";
import { facts, panel } from "../parts.js";
import { pill } from "../states.js";
import { instant, span, ticking } from "../time.js";

const ATTEMPT_WORDS = { "with-agent": ["dispatched", "with the agent"], over: ["failed", "came to nothing"] };
/** How one came to nothing: the words that the next attempt's prompt has. */
const ENDED = {
  timed_out: "no handoff came before its deadline",
  invalid_handoff: "its handoff could not be accepted",
  agent_failed: "it was handed in as failed",
  refused: "the gateway refused it",
  not_started: "it never started",
};
const VERDICTS = {
  accepted: "good",
  rejected: "bad",
  late: "late",
  duplicate: "quiet",
  changed: "bad",
  superseded: "quiet",
};

export function attempts({ attempts: all }, agent) {
  return panel(
    all.length === 1 ? "Attempt" : "Attempts",
    { key: "attempts", count: all.length > 1 ? all.length : undefined },
    h(
      "ol",
      { class: "attempts" },
      all.map((one) => attempt(one, agent, all.length)),
    ),
  );
}

function attempt(one, mainAgent, of) {
  const {
    attempt: number,
    agent,
    status,
    dispatchedAt,
    deadlineAt,
    endedAt,
    sends,
    waitedMs,
    workedMs,
    reason,
    text,
    problems = [],
    prompt,
  } = one;
  const [state, word] = ATTEMPT_WORDS[status] ?? [status];
  return h(
    "li",
    { key: number, class: "attempt" },
    h(
      "p",
      { class: "attempt-head" },
      pill(state, word),
      h("strong", {}, of > 1 ? `Attempt ${number}` : "", agent === mainAgent ? "" : ` by ${agent}`),
    ),
    facts([
      ["Sent", dispatchedAt === undefined ? "not yet" : instant(dispatchedAt)],
      ["Sends", sends > 1 ? `${sends}, the same one again` : undefined],
      ["Waited", waitedMs === undefined ? undefined : span(waitedMs)],
      [
        "Worked",
        workedMs === undefined
          ? dispatchedAt === undefined || endedAt !== undefined
            ? undefined
            : ticking(dispatchedAt)
          : span(workedMs),
      ],
      ["Deadline", endedAt === undefined && deadlineAt !== undefined ? ticking(deadlineAt, "in") : undefined],
    ]),
    (ENDED[reason] ?? text) ? h("p", { class: "reason" }, ENDED[reason] ?? text) : undefined,
    problems.length > 0
      ? h(
          "ul",
          { class: "missing" },
          problems.map(({ path, message }, at) =>
            h("li", { key: at }, path ? `${path}: ${message}` : message),
          ),
        )
      : undefined,
    prompt
      ? h(
          "details",
          { class: "prompt" },
          h(
            "summary",
            { data: { row: "" } },
            "Prompt",
            h("span", { class: "faint" }, " as it is composed today; tokens are placeholders"),
          ),
          h("pre", { class: "prompt-text", tabindex: 0 }, prompt.text),
        )
      : undefined,
  );
}

export function handoffs({ handoffs: all }) {
  if (all.length === 0) return undefined;
  return panel(
    "Documents seen",
    { key: "documents", count: all.length > 1 ? all.length : undefined },
    h(
      "ul",
      { class: "documents" },
      all.map(({ at, verdict, attempt: number, path, digest, problems = [] }) =>
        h(
          "li",
          { key: `${at} ${digest}` },
          h("span", { class: `pill tone-${VERDICTS[verdict] ?? "quiet"}` }, verdict),
          h("span", { class: "code document-path" }, path),
          h("span", { class: "faint" }, instant(at), ` · attempt ${number} · ${digest.slice(0, 12)}`),
          problems.length > 0
            ? h(
                "ul",
                { class: "missing" },
                problems.map(({ path: where, message }, index) =>
                  h("li", { key: index }, where ? `${where}: ${message}` : message),
                ),
              )
            : undefined,
        ),
      ),
    ),
  );
}

/** Where people can see it. */
export function receipts({ receipts: all, delegation }) {
  if (all.length === 0)
    return delegation.settledAt === undefined
      ? undefined
      : panel("Seen in Discord", { key: "receipts" }, h("p", { class: "muted" }, "Nothing was posted yet."));
  return panel(
    "Seen in Discord",
    { key: "receipts" },
    h(
      "ul",
      { class: "receipts" },
      all.map(({ delivery, what, part, channel, channelName, message, postedAt, link }) =>
        h(
          "li",
          { key: `${delivery} ${part}` },
          h("span", { class: "receipt-what" }, what, part > 0 ? ` ${part + 1}` : ""),
          isWebLink(link)
            ? h(
                "a",
                { href: link, target: "_blank", rel: "noopener noreferrer", data: { row: "" } },
                channelName ? `#${channelName}` : "Open in Discord",
                icon("out", 14),
              )
            : h("span", {}, channelName ? `#${channelName}` : `channel ${channel}`),
          h(
            "span",
            { class: "faint" },
            instant(postedAt),
            " · message ",
            h("span", { class: "code" }, message),
          ),
        ),
      ),
    ),
  );
}

const isWebLink = (link) => /^https?:\/\//.test(link ?? "");
