// Draws a dashboard from its declaration and the engine's answers.
"use strict";

const board = dashboards[Number(location.hash.slice(1) || 0)];
const unit = 20, gap = 8; // pixels of a row of Kibana's grid, and between two
const page = 10; // rows of a table that are shown at once
const palette = ["#6092c0", "#54b399", "#d36086", "#9170b8", "#ca8eae", "#d6bf57", "#b9a888", "#da8b45", "#aa6556"];

// unwrap keeps rings together that cross the date line; drawn as they are, they would cross the whole map.
function unwrap(ring) {
  let shift = 0;
  const whole = ring.map(([lon, lat], i) => {
    if (i > 0 && Math.abs(lon - ring[i - 1][0]) > 180) shift += lon < 0 ? 360 : -360;
    return [lon + shift, lat];
  });
  const west = whole.some(([lon]) => lon < -181) ? 360 : 0; // it began on the other side
  return whole.map(([lon, lat]) => [lon + west, lat]);
}

const land = topojson.feature(world, world.objects.land);
for (const f of land.features) {
  f.geometry.coordinates = f.geometry.coordinates.map((polygon) => polygon.map(unwrap)).filter((polygon) => polygon[0].every(([, lat]) => lat > -60));
}
echarts.registerMap("world", land);

function add(parent, tag, cls, text) {
  const e = document.createElement(tag);
  if (cls) e.className = cls;
  if (text !== undefined) e.textContent = text;
  parent.append(e);
  return e;
}

const day = new Intl.DateTimeFormat("en", { timeZone: "UTC", month: "short", day: "numeric" });
const minute = new Intl.DateTimeFormat("en", { timeZone: "UTC", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hour12: false });
const count = new Intl.NumberFormat("en");

function head() {
  const h = add(document.body, "header");
  add(h, "h1", "", board.Title);
  add(h, "span", "range", minute.format(new Date(board.Since)) + " → " + minute.format(new Date(board.Until)));
  add(h, "span", "label", "Preview with simulated data");
  const c = add(document.body, "div", "controls");
  for (const control of board.Controls) {
    const e = add(c, "div");
    add(e, "b", "", control.Label);
    add(e, "span", "", "Any");
  }
}

// markdown knows what the text panels use: bold and italic.
function markdown(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;")
    .replace(/\*\*([^*]+)\*\*/g, "<b>$1</b>").replace(/\*([^*]+)\*/g, "<i>$1</i>");
}

const drawers = {
  text: (p, body) => { add(body, "div", "text").innerHTML = markdown(p.Markdown); },
  links: (p, body) => {
    const e = add(body, "div", "links");
    for (const d of dashboards) add(e, "span", d.ID === board.ID ? "here" : "", d.Name);
  },
  number: (p, body) => {
    const e = add(body, "div", "number");
    e.style.background = p.Show[0].Color || "#ffffff";
    add(e, "div", "what", p.Show[0].Label);
    add(e, "div", "big", count.format(p.Answer.rows[0][0]));
    if (p.Show.length > 1) add(e, "div", "small", p.Show[1].Label + ": " + count.format(p.Answer.rows[0][1]));
  },
  bars: (p, body) => chart(body, stacked(p)),
  curves: (p, body) => chart(body, curves(p)),
  arrivals: (p, body) => chart(body, lines(p)),
  ranking: (p, body) => chart(body, ranking(p)),
  donut: (p, body) => chart(body, donut(p)),
  heatmap: (p, body) => chart(body, heatmap(p)),
  map: (p, body) => chart(body, map(p)),
  table: (p, body) => table(p, body, (i) => i < p.By.length ? (p.By[i].Time ? "date" : "key") : kindOf(p.Show[i - p.By.length])),
  events: (p, body) => table(p, body, (i) => (i === 0 ? "date" : "text")),
};

function kindOf(m) {
  return m.Op === "min" || m.Op === "max" ? "date" : m.Op === "last_value" ? "text" : "count";
}

function chart(body, option) {
  const c = echarts.init(body, null, { renderer: "canvas" });
  c.setOption({ animation: false, textStyle: { fontFamily: getComputedStyle(document.body).fontFamily }, ...option });
}

const grid = { left: 8, right: 14, top: 12, bottom: 34, containLabel: true };
const legend = { bottom: 4, icon: "roundRect", itemWidth: 12, itemHeight: 10, type: "scroll" };

function unique(rows, i) { return [...new Set(rows.map((r) => r[i]))]; }

// overTime is the count of every interval, also where there is none: stacks need it.
function overTime(rows, name) {
  const at = new Map(rows.filter((r) => r[0] === name).map((r) => [r[1], r[2]]));
  const data = [];
  for (let t = Date.parse(board.Since); t < Date.parse(board.Until); t += 3 * 3600e3) data.push([t, at.get(t) || 0]);
  return data;
}

function stacked(p) {
  const rows = p.Answer.rows;
  return {
    grid, legend, xAxis: { type: "time", min: board.Since, max: board.Until, axisLabel: { formatter: (v) => day.format(v) } }, yAxis: { type: "value" },
    useUTC: true,
    series: unique(rows, 0).map((name, i) => ({
      type: "bar", stack: "all", name, barWidth: 10, color: p.Colors?.[name] || palette[i % palette.length], data: overTime(rows, name),
    })),
  };
}

// curves connects what is known: where nothing happened there is no value.
function curves(p) {
  const rows = p.Answer.rows;
  return {
    grid, legend, xAxis: { type: "time", min: board.Since, max: board.Until, axisLabel: { formatter: (v) => day.format(v) } }, yAxis: { type: "value" },
    useUTC: true,
    series: unique(rows, 0).map((name, i) => ({
      type: "line", name, symbolSize: 4, color: p.Colors?.[name] || palette[i % palette.length], lineStyle: { width: 2 }, data: rows.filter((r) => r[0] === name).map((r) => [r[1], r[2]]),
    })),
  };
}

function lines(p) {
  const rows = p.Answer.rows;
  return {
    grid, legend, xAxis: { type: "time", min: board.Since, max: board.Until, axisLabel: { formatter: (v) => day.format(v) } }, yAxis: { type: "value" },
    useUTC: true,
    series: unique(rows, 0).map((name, i) => ({
      type: "line", name, symbol: "none", color: board.Lines[i], lineStyle: { width: 2, type: i ? "solid" : "dashed" }, data: overTime(rows, name),
    })),
  };
}

function ranking(p) {
  const rows = [...p.Answer.rows].reverse();
  return {
    grid: { ...grid, right: 40, bottom: 8 }, xAxis: { type: "value", splitLine: { show: false }, axisLabel: { show: false } },
    yAxis: { type: "category", data: rows.map((r) => r[0]), axisLabel: { width: 240, overflow: "truncate" }, axisTick: { show: false } },
    series: [{ type: "bar", color: p.Show[0].Color || palette[0], data: rows.map((r) => r[1]), label: { show: true, position: "right" } }],
  };
}

function donut(p) {
  return {
    legend: { bottom: 4, icon: "circle", itemWidth: 10 },
    color: palette,
    series: [{ type: "pie", radius: ["32%", "62%"], center: ["50%", "38%"], label: { formatter: (v) => Math.round(v.percent) + "%", position: "inside", color: "#1d2a3e" },
      data: p.Answer.rows.map((r) => ({ name: r[0], value: r[1] })) }],
  };
}

function heatmap(p) {
  const rows = p.Answer.rows;
  const axis = (i) => {
    const values = unique(rows, i);
    return p.By[i].Time ? values.sort((a, b) => a - b) : values.reverse();
  };
  const ys = axis(0), xs = axis(1);
  const titles = p.By[0].Time;
  const name = (i) => (v) => (p.By[i].Time ? day.format(Number(v)) : v);
  return {
    grid: { ...grid, bottom: titles ? 28 : 8, left: titles ? 34 : 8, top: 8 },
    xAxis: { type: "category", data: xs, axisLabel: { formatter: name(1) }, name: titles ? p.By[1].Label : "", nameLocation: "middle", nameGap: 28 },
    yAxis: { type: "category", data: ys, inverse: p.By[0].Time, axisLabel: { formatter: name(0), width: 200, overflow: "truncate" }, name: titles ? p.By[0].Label : "",
      nameLocation: "middle", nameGap: 52 },
    visualMap: { show: false, min: 0, max: Math.max(...rows.map((r) => r[2])), inRange: { color: board.Heat } },
    series: [{ type: "heatmap", data: rows.map((r) => [xs.indexOf(r[1]), ys.indexOf(r[0]), r[2]]), label: { show: true, fontSize: 11 },
      itemStyle: { borderColor: "#fff", borderWidth: 1 } }],
  };
}

function map(p) {
  const most = Math.max(...p.Answer.rows.map((r) => r[2]));
  return {
    geo: { map: "world", left: 4, right: 4, top: 4, bottom: 4, boundingCoords: [[-165, 80], [190, -54]], itemStyle: { areaColor: "#e4e9f1", borderColor: "#c6cfdd" }, silent: true },
    visualMap: { show: false, min: 0, max: most, dimension: 2, inRange: { color: p.Alarm ? ["#f4d35e", "#ee964b", "#cc5642", "#8b1e1e"] : ["#9cc4e4", "#6092c0", "#3571ac", "#1f4f85"] } },
    series: [{ type: "scatter", coordinateSystem: "geo", symbolSize: (v) => 8 + 22 * Math.sqrt(v[2] / most),
      itemStyle: { opacity: 0.8, borderColor: "#fff" }, labelLayout: { hideOverlap: true }, label: { show: true, formatter: (v) => v.value[2], fontSize: 10, color: "#1d2a3e", position: "right" },
      data: p.Answer.rows.map((r) => [r[1], r[0], r[2]]) }],
  };
}

function table(p, body, kind) {
  const { columns, rows, total } = p.Answer;
  const t = add(body, "table", p.Kind === "events" ? "" : "lens");
  const share = add(t, "colgroup");
  if (p.Kind !== "events") for (const width of p.Widths) add(share, "col").style.width = width ? width + "px" : "auto";
  const h = add(t, "tr");
  columns.forEach((c, i) => add(h, "th", kind(i) === "count" ? "n" : "", c));
  const fits = Math.floor((body.clientHeight - h.offsetHeight - 26) / (p.Kind === "events" ? 25 : 33));
  const room = p.Kind === "events" ? fits : Math.min(fits, page);
  for (const row of rows.slice(0, room)) {
    const r = add(t, "tr");
    row.forEach((v, i) => {
      if (v === null || v === undefined) return add(r, "td", "none", "–");
      const k = kind(i);
      if (k === "count") return add(r, "td", "n", count.format(v));
      if (k === "date") return add(r, "td", "", minute.format(new Date(v)));
      return add(r, "td", k === "key" ? "key" : /uuid|id$/i.test(columns[i]) ? "id" : "", String(v));
    });
  }
  const left = (p.Kind === "events" ? total : rows.length) - Math.min(room, rows.length);
  if (left > 0) add(body, "div", "more", (p.Kind === "events" ? "" : "Rows per page: " + page + " · ") + "and " + count.format(left) + " more");
}

head();
const later = [];
for (const panels of board.Panels) {
  const row = add(document.body, "div", "row");
  row.style.height = panels[0].Height * (unit + gap) - gap + "px";
  for (const p of panels) {
    const e = add(row, "section", "panel");
    e.style.flex = `${p.Width} 1 0`;
    if (p.Kind !== "text" && p.Kind !== "links") add(e, "h2", "", p.Question);
    later.push([p, add(e, "div", "body")]);
  }
}
for (const [p, body] of later) drawers[p.Kind](p, body);
