import { el } from "./dom.js";
import { float, roveWith } from "./popup.js";

const EMOJI = [
  ["👍", "thumbs up"],
  ["👎", "thumbs down"],
  ["✅", "check mark"],
  ["❌", "cross"],
  ["👀", "eyes"],
  ["🎉", "party"],
  ["❤️", "heart"],
  ["😄", "grin"],
  ["😂", "tears of joy"],
  ["🙂", "smile"],
  ["🤔", "thinking"],
  ["😮", "surprised"],
  ["😢", "sad"],
  ["🙏", "thanks"],
  ["👏", "clap"],
  ["🔥", "fire"],
  ["🚀", "rocket"],
  ["⭐", "star"],
  ["💡", "idea"],
  ["⚠️", "warning"],
  ["🛑", "stop"],
  ["⏳", "hourglass"],
  ["🔁", "repeat"],
  ["📌", "pin"],
  ["📎", "paper clip"],
  ["📈", "chart up"],
  ["🔧", "wrench"],
  ["🧪", "test tube"],
  ["🤖", "robot"],
  ["💬", "speech"],
  ["🟢", "green circle"],
  ["🔴", "red circle"],
];
const COLUMNS = 8;

export function emojiName(emoji) {
  return EMOJI.find(([char]) => char === emoji)?.[1] ?? emoji;
}

/** A grid of emoji beside its anchor; `onPick` hears the chosen one. */
export function openEmoji({ anchor, onPick, label = "Pick an emoji" }) {
  const box = el("div", { class: "emoji-grid", role: "dialog", "aria-label": label });
  let close = () => {};
  for (const [char, name] of EMOJI) {
    box.append(
      el(
        "button",
        {
          type: "button",
          class: "emoji-button",
          "aria-label": name,
          title: name,
          on: {
            click: () => {
              close(true);
              onPick(char);
            },
          },
        },
        char,
      ),
    );
  }
  box.addEventListener("keydown", (event) => roveWith(event, [...box.children], { columns: COLUMNS }));
  close = float(box, { anchor, align: "end", prefer: "above" });
  box.firstElementChild.focus();
}
