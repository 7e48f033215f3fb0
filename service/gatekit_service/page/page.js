// The page of one service. Every value is set as text; nothing is kept, nothing leaves the service.
"use strict";

const LOOK_AGAIN_MS = 5000;
const at = (id) => document.getElementById(id);
const put = (id, text) => { if (at(id).textContent !== text) at(id).textContent = text; };
const made = (name, text, kind) => {
  const element = document.createElement(name);
  if (text !== undefined) element.textContent = text;
  if (kind) element.className = kind;
  return element;
};
const when = (text) => {
  const date = new Date(text);
  return text && !Number.isNaN(date.getTime()) ? date.toLocaleString() : text || "";
};
const short = (digest) => (digest ? `sha256:${digest.slice(0, 12)}` : "");

let drawn = "";  // the columns the form was drawn for

function facts(health) {
  const proof = health.proof || {};
  const rows = proof.none
    ? [["Report", `none: ${proof.none}`, "bad"]]
    : [["Report", `${proof.outcome}, ${when(proof.created)}`,
        proof.outcome === "PASSED" ? "good" : "open"], ["Run", proof.report]];
  if (proof.expires) rows.push(["Holds until", when(proof.expires)]);
  rows.push(["Bytes", short(health.digest)], ["Engine", health.engine]);
  rows.push(["Journal", health.journal, /^agrees/.test(health.journal) ? "good" : "open"]);
  for (const each of health.overrides || []) {
    rows.push(["Override", `${each.gates.join(", ")}: ${each.reason} (${each.state} until ` +
      `${when(each.expires)})`, "open"]);
  }
  at("proof").replaceChildren(...rows.filter((row) => row[1]).flatMap(
    ([name, text, kind]) => [made("dt", name), made("dd", text, kind)]));
}

function holder(health, here) {
  const proof = health.proof || {};
  return [health.stage + (here ? " (here)" : ""),
    health.version ? `version ${health.version}` : health.status,
    when(health.since), proof.none ? `none: ${proof.none}` : proof.outcome || ""];
}

function beside(said) {
  const rows = [holder(said.health, true)];
  const other = said.beside;
  if (other && other.error) rows.push(["the other service", other.error, "", ""]);
  if (other && other.health) rows.push(holder(other.health, false));
  if (!other) {
    for (const each of said.health.pointers || []) {
      if (each.pointer.toLowerCase() === said.health.stage.toLowerCase()) continue;
      const how = each.by ? `${each.how} by ${each.by}` : each.how;
      rows.push([each.pointer, `version ${each.version}`, when(each.since), `journal: ${how}`]);
    }
  }
  const table = made("table"), head = made("tr");
  for (const name of ["Pointer", "Serves", "Since", "Proof"]) {
    const cell = made("th", name);
    cell.scope = "col";
    head.append(cell);
  }
  table.append(made("thead"), made("tbody"));
  table.tHead.append(head);
  for (const row of rows) {
    const line = made("tr");
    line.append(...row.map((text) => made("td", text)));
    table.tBodies[0].append(line);
  }
  if (rows.length === 1) {
    const line = made("tr"), cell = made("td", "nothing else: set GATEKIT_BESIDE to another service");
    cell.colSpan = 4;
    line.append(cell);
    table.tBodies[0].append(line);
  }
  at("beside").replaceChildren(table);
}

function field(column, number) {
  const box = made("div"), label = made("label", `${column.name} `);
  label.append(made("span", column.required ? column.type : `${column.type}, may be empty`, "soft"));
  let input = made("input");
  if (column.type === "boolean") {
    input = made("select");
    if (!column.required) input.append(new Option("", ""));
    input.append(new Option("true"), new Option("false"));
  } else if (["long", "integer", "double", "float"].includes(column.type)) {
    input.inputMode = "decimal";
  } else if (column.type === "datetime") {
    input.placeholder = "2026-01-31T12:00:00";
  }
  input.id = `field-${number}`;
  input.dataset.type = column.type;
  input.required = column.required;
  label.htmlFor = input.id;
  box.append(label, input);
  return box;
}

function form(columns) {
  const key = JSON.stringify(columns);
  if (key === drawn) return;  // what somebody is typing stays
  drawn = key;
  at("form").hidden = columns.length === 0;
  at("fields").replaceChildren(...columns.map(field));
  put("answer", "");
}

function cell(input) {
  const text = input.value.trim(), type = input.dataset.type;
  if (text === "") return type === "string" && input.required ? "" : null;
  if (type === "boolean") return text === "true";
  if (["long", "integer", "double", "float"].includes(type)) {
    const number = Number(text);
    return Number.isNaN(number) ? text : number;  // the service says what is wrong with it
  }
  return text;
}

async function predict(event) {
  event.preventDefault();
  const row = [...at("fields").querySelectorAll("input, select")].map(cell);
  const headers = { "Content-Type": "application/json" };
  if (at("token").value) headers.Authorization = `Bearer ${at("token").value}`;
  const answer = at("answer");
  try {
    const response = await fetch("predict", {
      method: "POST", headers, body: JSON.stringify({ features: [row] }) });
    const said = await response.json();
    if (response.status === 401) at("token-field").hidden = false;
    answer.className = response.ok ? "good" : "bad";
    put("answer", response.ok ? `${said.predictions[0]}  (version ${said.version})` : said.error);
  } catch (error) {
    answer.className = "bad";
    put("answer", "the service does not answer");
  }
}

function draw(said) {
  const health = said.health, served = Boolean(health.version);
  document.title = `${health.model} ${served ? health.version : ""} - ${health.stage}`;
  put("where", `${health.stage} serves`);
  put("title", served ? `${health.model} version ${health.version}` : `${health.model}: nothing yet`);
  put("status", health.status);
  at("status").className = `mark ${{ ok: "good", degraded: "bad" }[health.status] || "open"}`;
  put("since", served ? `since ${when(health.since)}` : "");
  at("error").hidden = !health.last_error;
  put("error", health.last_error || "");
  if (served) facts(health);
  beside(said);
  form(said.columns);
  at("swaps").replaceChildren(...[...(health.swaps || [])].reverse().map((swap) => made("li",
    `${when(swap.at)}: ${swap.from ? `version ${swap.from} to ` : "started with version "}` +
    (swap.from ? `version ${swap.to}` : swap.to))));
  put("release", said.release);
}

async function look() {
  try {
    draw(await (await fetch("page/state", { cache: "no-store" })).json());
  } catch (error) {
    put("status", "no answer");
    at("status").className = "mark bad";
  }
  setTimeout(look, LOOK_AGAIN_MS);
}

at("form").addEventListener("submit", predict);
look();
