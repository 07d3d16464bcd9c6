/* Draws .readme/redistributed-episode.svg: the first example of the experiment in DIR, by the report's own
 * chart. One file for light and dark: the colours of the dark palette stand in a media query.
 *   build/rudder experiment configs/watch-repair.yaml --seeds 0:1 --set methods=rudder -o DIR
 *   node .readme/picture.js DIR > .readme/redistributed-episode.svg */
"use strict";
const fs = require("fs");
const path = require("path");
const root = path.dirname(__dirname);
const read = name => JSON.parse(fs.readFileSync(path.join(root, "rudder/experiment/vega", name)));
const vega = new Function(fs.readFileSync(path.join(root, "build/vega.js"), "utf8") + "; return vega;")();

const runs = fs.readFileSync(path.join(process.argv[2], "runs.jsonl"), "utf8");
const example = runs.split("\n").filter(Boolean).map(JSON.parse).find(run => run.examples).examples[0];
const light = read("config-light.json"), dark = read("config-dark.json");
light.background = "#ffffff";
dark.background = "#14171a";

const chart = read("example.json");
const signal = name => chart.signals.find(entry => entry.name === name);
chart.signals[chart.signals.indexOf(signal("width"))] = {name: "width", value: 634};
signal("upper").value = 170;
signal("lower").value = 130;
const before = values => [0].concat(values); // a 0 stands before the first step, where the sums begin
chart.data.find(set => set.name === "rewards").values = [{
  original: before(example.original),
  redistributed: before(example.redistributed),
  exact: before(example.exact),
}];

/* Words beside what happens: what is paid when, and each flat tire. */
const words = [
  {panel: 0, step: 25, y: signal("upper").value - 24, text: "the repair is paid for at step 1, the watch at step 50"},
  {panel: 1, step: 1.6, y: 16, align: "left", text: "repair"},
];
example.exact.forEach((reward, t) => {
  if (reward < -5) {
    const late = t > 0.9 * example.exact.length; // the words stand left of what comes late
    words.push({panel: 1, step: t + (late ? 0.4 : 1.6), y: 92, align: late ? "right" : "left", text: "flat tire"});
  }
});
chart.data.push({name: "words", values: words});
[0, 1].forEach(panel => chart.marks[panel].marks.push({
  type: "text",
  style: "note",
  from: {data: "words"},
  encode: {
    update: {
      x: {scale: "x", field: "step"},
      y: {field: "y"},
      align: {signal: "datum.align || 'center'"},
      text: {signal: `datum.panel === ${panel} ? datum.text : ''`},
    },
  },
}));

/* [light, dark] of every colour in which the two palettes differ. */
function pairs(a, b) {
  if (typeof a === "string") return a[0] === "#" ? [[a, b]] : [];
  return Object.keys(Object(a)).flatMap(key => pairs(a[key], b[key]));
}
const rules = new Set(pairs(light, dark).flatMap(([a, b]) => ["fill", "stroke"].map(
  attribute => `[${attribute}="${a}"]{${attribute}:${b}}`)));

new vega.View(vega.parse(chart, light), {renderer: "none"}).toSVG().then(svg => {
  const used = Array.from(rules).filter(rule => svg.includes(rule.slice(1, rule.indexOf("]"))));
  const style = `<style>@media (prefers-color-scheme:dark){${used.join("")}}</style>`;
  process.stdout.write(svg.replace(/(<svg[^>]*>)/, `$1${style}`).replace(/ aria-[a-z]*="[^"]*"/g, "") + "\n");
});
