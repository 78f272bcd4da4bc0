import type { EChartsCoreOption } from "echarts/core";
import type { MetricsView } from "../domain/metrics-types.ts";
import { FONT, GROUPS, inGroup, type Looks, percent, shortCount, shortSpan } from "./chart-looks.ts";

const AXIS_FONT = 14;
/** Above this ratio of the longest to the shortest a straight scale would hide the short ones. */
const STRAIGHT_UP_TO = 20;

type Series = MetricsView["series"];

/** What ended in each piece of the time line, by how it ended. */
export function hoursOption({ series }: MetricsView, looks: Looks): EChartsCoreOption {
  return {
    ...frame({ left: 44, right: 8, top: 8, bottom: 26 }, looks),
    xAxis: timeAxis(series, looks),
    yAxis: valueAxis(looks, shortCount),
    series: GROUPS.map(({ name }) => ({
      type: "bar",
      stack: "ended",
      name,
      barCategoryGap: "22%",
      itemStyle: { color: looks.groups[name] },
      data: series.items.map(({ byStatus }) => inGroup(byStatus, name)),
    })),
  };
}

/** Those that did most, each with how many it did and how many of them came to something. */
export function agentsOption({ agents }: MetricsView, looks: Looks, most: number): EChartsCoreOption {
  const shown = agents.slice(0, most).toReversed();
  const bare = { type: "category", axisLine: { show: false }, axisTick: { show: false } };
  const words = { fontSize: AXIS_FONT, fontFamily: FONT };
  return {
    ...frame({ left: 112, right: 112, top: 0, bottom: 4 }, looks),
    xAxis: { type: "value", show: false },
    yAxis: [
      {
        ...bare,
        data: shown.map(({ agent }) => agent),
        axisLabel: { ...words, color: looks.text, width: 108, overflow: "truncate", margin: 10 },
      },
      {
        ...bare,
        position: "right",
        data: shown.map(({ total, successRate }) => `{n|${shortCount(total)}}{p|${percent(successRate)}}`),
        axisLabel: {
          margin: 108,
          align: "right",
          rich: {
            n: { ...words, color: looks.text, fontWeight: "bold", width: 48, align: "right" },
            p: { ...words, color: looks.faint, width: 60, align: "right" },
          },
        },
      },
    ],
    series: GROUPS.map(({ name }) => ({
      type: "bar",
      stack: "ended",
      name,
      barWidth: 16,
      itemStyle: { color: looks.groups[name] },
      data: shown.map(({ byStatus }) => inGroup(byStatus, name)),
    })),
  };
}

/** Half of the work was quicker than the one line, nineteen of twenty quicker than the other. */
export function latencyOption({ series }: MetricsView, looks: Looks): EChartsCoreOption {
  const { items } = series;
  const line = (data: readonly (number | undefined)[], color: string, width: number) => ({
    type: "line",
    symbol: "circle",
    symbolSize: 6,
    smooth: 0.25,
    connectNulls: true,
    lineStyle: { width, color },
    itemStyle: { color },
    data: data.map((value) => (value === undefined ? null : Math.max(1, value))),
  });
  return {
    ...frame({ left: 56, right: 10, top: 10, bottom: 26 }, looks),
    xAxis: timeAxis(series, looks),
    yAxis: { ...valueAxis(looks, shortSpan), ...scaleOf(items) },
    series: [
      line(
        items.map(({ p95Ms }) => p95Ms.working),
        looks.second,
        2.5,
      ),
      line(
        items.map(({ p50Ms }) => p50Ms.working),
        looks.accent,
        3,
      ),
    ],
  };
}

/** Straight from zero, or in whole decades where short and long ones would not go together. */
function scaleOf(items: Series["items"]): object {
  const values = items.flatMap(({ p50Ms, p95Ms }) => [p50Ms.working ?? [], p95Ms.working ?? []].flat());
  const least = Math.max(1, Math.min(...values, 1e12));
  const most = Math.max(...values, 1);
  if (most / least <= STRAIGHT_UP_TO) return { min: 0 };
  const min = 10 ** Math.floor(Math.log10(least));
  return { type: "log", logBase: 10, min, max: 10 ** Math.ceil(Math.log10(most)) };
}

function frame(grid: object, looks: Looks): EChartsCoreOption {
  return {
    animation: false,
    backgroundColor: "transparent",
    textStyle: { fontFamily: FONT, color: looks.text },
    grid,
  };
}

function timeAxis({ every, items }: Series, looks: Looks) {
  const step = Math.max(1, Math.ceil(items.length / 6));
  return {
    type: "category",
    data: items.map(({ at }) => (every === "hour" ? hourText(at) : dayText(at))),
    axisLine: { lineStyle: { color: looks.line } },
    axisTick: { show: false },
    axisLabel: {
      color: looks.faint,
      fontSize: AXIS_FONT,
      fontFamily: FONT,
      margin: 8,
      // The newest one is always named.
      interval: (index: number) => (items.length - 1 - index) % step === 0,
    },
  };
}

const hourText = (at: number) => new Date(at).toISOString().slice(11, 16);

function dayText(at: number): string {
  return new Date(at).toLocaleDateString("en", { day: "numeric", month: "short", timeZone: "UTC" });
}

function valueAxis(looks: Looks, formatter: (value: number) => string) {
  return {
    type: "value",
    minInterval: 1,
    splitNumber: 3,
    axisLine: { show: false },
    splitLine: { lineStyle: { color: looks.line, width: 1 } },
    axisLabel: { color: looks.faint, fontSize: AXIS_FONT, fontFamily: FONT, formatter },
  };
}
