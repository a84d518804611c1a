"use strict";
// The dashboard. Everything that runs, files and people have named goes into the page as text, never as HTML.

const page = document.getElementById("page");
const crumbs = document.getElementById("crumbs");
const live = document.getElementById("live");
const me = { role: "read_only", roots: [] };
let view = null; // {refresh(), run(row)?, list()?}

// MARK: Small tools

/** An element: h("a", {href: "#/"}, "text", child). */
function h(tag, properties, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "style") Object.assign(element.style, value);
    else if (name in element && name !== "list") element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...some(children));
  return element;
}

const some = (children) => children.flat(3).filter((child) => child !== null && child !== undefined && child !== false);

/** Gives an element other children. */
const fill = (element, ...children) => element.replaceChildren(...some(children));

/** A name with places at which a line may break: `val_kind_accuracy`. */
const breaking = (name) => name.split(/(?<=[_.\]/])/).flatMap((part, index) => (index > 0 ? [h("wbr"), part] : [part]));

class APIFailure extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

async function api(path, options) {
  const answer = await fetch(`api/v1/${path}`, options);
  const type = answer.headers.get("content-type") ?? "";
  const body = type.startsWith("application/json") ? await answer.json() : await answer.text();
  if (!answer.ok) throw new APIFailure(answer.status, body.error?.message ?? String(body));
  return body;
}

const post = (path, body) =>
  api(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body ?? {}) });

const short = Curves.short;
const plural = (count, word) => `${Number(count).toLocaleString("en-US")} ${word}${count === 1 ? "" : "s"}`;

function ago(seconds) {
  const age = Date.now() / 1000 - seconds;
  if (age < 5) return "now";
  if (age < 90) return `${Math.round(age)} s ago`;
  if (age < 5400) return `${Math.round(age / 60)} min ago`;
  if (age < 129600) return `${Math.round(age / 3600)} h ago`;
  return `${Math.round(age / 86400)} days ago`;
}

function when(time) {
  const date = typeof time === "number" ? new Date(time * 1000) : new Date(time);
  return Number.isNaN(date.getTime()) ? String(time) : date.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
}

function lasted(seconds) {
  if (!(seconds >= 0)) return "";
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${Math.floor(seconds / 3600)} h ${Math.round((seconds % 3600) / 60)} min`;
}

function bytes(count) {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let unit = 0;
  for (; count >= 1000 && unit < units.length - 1; unit++) count /= 1000;
  return `${unit === 0 ? count : count.toPrecision(3)} ${units[unit]}`;
}

const causes = {
  finished: "finished", stopped_by_user: "stopped by a user", deadline: "time limit", preemption: "preempted", regrouped: "more ranks",
  crashed: "crashed", out_of_memory: "out of memory", host_lost: "machine lost", hang: "hung", diverged: "diverged", bad_input: "bad input",
  disk_full: "disk full", no_progress: "no progress", superseded: "taken over", unknown: "unknown cause",
};

const state = (name) => h("span", { className: `state ${name}` }, name);
/** What Slurm says about a run's job: PENDING (Priority). */
const slurm = (batch) => `${batch.state}${batch.reason ? ` (${batch.reason})` : ""}`;

/** Says when what Slurm is known to have said is old. */
function slurmNotice(freshness) {
  if (!freshness?.problem) return null;
  const age = freshness.answered ? `What it said is of ${ago(freshness.answered)}.` : "It has said nothing yet.";
  return h("p", { className: "notice", role: "status" }, `Slurm does not answer. ${age} ${freshness.problem}`);
}

const stored = (key, fallback) => { try { return JSON.parse(localStorage.getItem(`mio.${key}`)) ?? fallback; } catch { return fallback; } };
const store = (key, value) => { try { localStorage.setItem(`mio.${key}`, JSON.stringify(value)); } catch { /* private windows */ } };

function failure(error) {
  if (error.status === 401) {
    live.hidden = true;
    return h("div", { className: "card" },
      h("h2", null, "This browser is not signed in"),
      h("p", null, "Run this on the daemon's machine, and open the link that it prints:"),
      h("pre", { className: "log" }, "mio-coordinator link"));
  }
  return h("p", { className: "notice", role: "alert" }, error.message || String(error));
}

/** Calls at most once in so many milliseconds, and once more at the end. */
function seldom(milliseconds, body) {
  let last = 0;
  let timer = null;
  return () => {
    if (timer) return;
    timer = setTimeout(() => { timer = null; last = Date.now(); body(); }, Math.max(0, last + milliseconds - Date.now()));
  };
}

// MARK: The table of runs

/** `training.batch_size` as `batch_size`, but `optimizer.class`, and `model.layers[conv1].filters` as `conv1.filters`. */
function settingLabel(name) {
  const layer = /\[([^\]]+)\]\.([^.[]+)$/.exec(name);
  if (layer) return `${layer[1]}.${layer[2]}`;
  const parts = name.split(".");
  const says = (parts.at(-1) ?? "").includes("_") || parts.length === 1;
  return says ? parts.at(-1) : parts.slice(-2).join(".");
}

/** A metric worth a column, by default: the total's and each output's validation. */
const isUsual = (series) => series.startsWith("epoch/val_");

async function listView(parameters) {
  const options = { filter: parameters.get("q") ?? "", sort: parameters.get("sort") ?? "-updated", offset: Number(parameters.get("offset") ?? 0) };
  const picked = new Set();
  let answer = null;
  const search = h("input", { type: "search", value: options.filter, placeholder: "Filter: name, state=running, optimizer.class=Adam", ariaLabel: "Filter",
    oninput: seldom(250, () => { options.filter = search.value.trim(); options.offset = 0; remember(); load(); }) });
  const chips = h("div", { className: "row" });
  const body = h("div");
  const comparison = h("button", { disabled: true, onclick: () => { location.hash = `#/compare/${[...picked].join(",")}`; } }, "Compare");
  const menu = h("details", { className: "menu" }, h("summary", { className: "button" }, "Columns"), h("div"));
  fill(page, h("div", { className: "row tools" }, search, h("span", { className: "grow" }), comparison, menu), chips, body);
  chips.style.marginBottom = "12px";

  function remember() {
    const wanted = new URLSearchParams();
    if (options.filter) wanted.set("q", options.filter);
    if (options.sort !== "-updated") wanted.set("sort", options.sort);
    if (options.offset) wanted.set("offset", options.offset);
    const text = wanted.toString();
    history.replaceState(null, "", text ? `#/?${text}` : "#/");
  }

  async function load() {
    const query = new URLSearchParams({ filter: options.filter, sort: options.sort, limit: "100", offset: String(options.offset) });
    try {
      answer = await api(`runs?${query}`);
      draw();
    } catch (error) {
      fill(body, failure(error));
    }
  }

  function columns() {
    const values = new Set();
    for (const run of answer.runs) for (const name of Object.keys(run.values)) values.add(name);
    const names = [...values].sort();
    const usual = names.filter(isUsual);
    const losses = usual.length > 0 ? usual : names.filter((name) => name.endsWith("loss"));
    const chosen = stored("columns", {});
    const isShown = (name, usually) => chosen[name] ?? usually;
    // The whole loss first.
    losses.sort((a, b) => (a !== "epoch/val_loss") - (b !== "epoch/val_loss") || a.localeCompare(b));
    return {
      values: names, settings: answer.differing,
      shownValues: [...losses, ...names.filter((name) => !losses.includes(name))].filter((name) => isShown(name, losses.indexOf(name) >= 0 && losses.indexOf(name) < 5)),
      shownSettings: answer.differing.filter((name, index) => isShown(`=${name}`, index < 6)),
    };
  }

  function sortButton(label, key) {
    const isSorted = options.sort.replace(/^-/, "") === key;
    const direction = options.sort.startsWith("-") ? "↓" : "↑";
    return h("button", {
      title: `Sort by ${key}`,
      onclick: () => {
        options.sort = isSorted && options.sort.startsWith("-") ? key : isSorted ? `-${key}` : key === "name" ? key : `-${key}`;
        options.offset = 0;
        remember();
        load();
      },
    }, breaking(label), isSorted ? ` ${direction}` : "");
  }

  function drawChips() {
    const total = Object.values(answer.states).reduce((sum, count) => sum + count, 0);
    const current = /(^| )state=(\S+)/.exec(options.filter)?.[2];
    const choose = (name) => {
      const rest = options.filter.replace(/(^| )state=\S+/, "").trim();
      options.filter = [rest, name ? `state=${name}` : ""].filter(Boolean).join(" ");
      options.offset = 0;
      search.value = options.filter;
      remember();
      load();
    };
    fill(chips,
      h("button", { className: "chip", ariaPressed: String(!current), onclick: () => choose("") }, `all ${total}`),
      Object.entries(answer.states).map(([name, count]) =>
        h("button", { className: "chip", ariaPressed: String(current === name), onclick: () => choose(name) }, `${name} ${count}`)));
  }

  function drawMenu(shown) {
    const box = menu.lastElementChild;
    const entry = (key, label, isOn) => h("label", null,
      h("input", { type: "checkbox", checked: isOn, onchange: (event) => {
        store("columns", { ...stored("columns", {}), [key]: event.target.checked });
        draw();
      } }), ` ${label}`);
    fill(box,
      h("strong", null, "Settings that differ"),
      shown.settings.length === 0 ? h("p", { className: "muted" }, "none") : shown.settings.map((name) => entry(`=${name}`, name, shown.shownSettings.includes(name))),
      h("strong", null, "Newest values"),
      shown.values.map((name) => entry(name, name, shown.shownValues.includes(name))));
  }

  const rowsByKey = new Map();

  function draw() {
    drawChips();
    if (answer.runs.length === 0) {
      fill(body, h("div", { className: "card" },
        answer.count === 0 && !options.filter
          ? [h("h2", null, "No runs yet"), h("p", { className: "muted" }, `Runs appear here as soon as one writes into ${me.roots.join(", ") || "a folder of --runs"}.`)]
          : h("p", { className: "muted" }, "No run matches this filter.")));
      return;
    }
    const shown = columns();
    if (!menu.open) drawMenu(shown);
    const label = (name) => name.replace(/^epoch\//, "").replace(/^step\//, "step ");
    rowsByKey.clear();
    const head = h("tr", null, h("th"), h("th", null, sortButton("Run", "name")), h("th", null, sortButton("State", "state")),
      h("th", { className: "number" }, sortButton("Step", "step")),
      shown.shownValues.map((name) => h("th", { className: "number" }, sortButton(label(name), name))),
      shown.shownSettings.map((name) => h("th", { title: name }, breaking(settingLabel(name)))),
      h("th", { className: "number" }, sortButton("Changed", "updated")));
    const row = (run) => {
      const mark = h("input", { type: "checkbox", checked: picked.has(run.key), ariaLabel: `Compare ${run.key}`, onchange: (event) => {
        event.target.checked ? picked.add(run.key) : picked.delete(run.key);
        comparison.disabled = picked.size < 2;
        comparison.textContent = picked.size > 0 ? `Compare ${picked.size}` : "Compare";
      } });
      const folder = run.path.split("/").at(-1);
      return h("tr", null, h("td", { className: "pick" }, mark),
        h("td", { className: "name" }, h("a", { href: `#/run/${run.key}`, title: run.path }, folder),
          h("small", null, run.path.split("/").slice(1, -1).filter((part) => part !== "runs").slice(-2).join("/"))),
        h("td", { "data-label": "State" }, h("span", null, state(run.state),
          run.cause && run.cause !== run.state && !(run.cause === "stopped_by_user") ? h("small", { className: "muted" }, causes[run.cause] ?? run.cause) : null,
          run.batch && run.state === "waiting" ? h("small", { className: "muted" }, slurm(run.batch)) : null)),
        h("td", { className: "number", "data-label": "Step" }, short(run.step)),
        shown.shownValues.map((name) => h("td", { className: `number ${run.values[name] === undefined ? "empty" : ""}`, "data-label": label(name) }, short(run.values[name]))),
        shown.shownSettings.map((name) => h("td", { "data-label": settingLabel(name), className: run.settings?.[name] === undefined ? "empty" : "" }, run.settings?.[name] ?? "")),
        h("td", { className: "number", "data-label": "Changed", title: when(run.updated) }, ago(run.updated)));
    };
    const rows = answer.runs.map((run) => { const element = row(run); rowsByKey.set(run.key, element); return element; });
    view.row = (run) => {
      const index = answer.runs.findIndex((known) => known.key === run.key);
      if (index < 0) return;
      answer.runs[index] = { ...run, settings: answer.runs[index].settings };
      const element = row(answer.runs[index]);
      rowsByKey.get(run.key)?.replaceWith(element);
      rowsByKey.set(run.key, element);
    };
    const to = Math.min(options.offset + answer.runs.length, answer.count);
    const turn = (offset) => { options.offset = Math.max(0, offset); remember(); load(); scrollTo(0, 0); };
    fill(body, slurmNotice(answer.slurm),
      h("div", { className: "card list scroll" }, h("table", { className: "runs" }, h("thead", null, head), h("tbody", null, rows))),
      h("div", { className: "row muted" }, answer.count > 100 ? [
        h("button", { disabled: options.offset === 0, onclick: () => turn(options.offset - 100) }, "‹ Before"),
        h("span", null, `${options.offset + 1} to ${to} of ${plural(answer.count, "run")}`),
        h("button", { disabled: to >= answer.count, onclick: () => turn(options.offset + 100) }, "Next ›"),
      ] : plural(answer.count, "run")));
  }

  const reload = seldom(5000, load);
  view = { refresh: load, list: reload, run: (row) => view.row?.(row) };
  fill(crumbs);
  document.title = "Runs · mio";
  await load();
}

// MARK: Curves of one or several runs

/** Curves that belong into one picture: `kind_loss` of steps, of epochs, and its validation. */
const family = (series) => series.replace(/^[^/]*\//, "").replace(/^val_/, "");

/** Losses first, then what else is learnt, then how it goes. */
function familyOrder(name) {
  if (name === "loss") return 0;
  if (/(^|_)loss$/.test(name)) return 1;
  if (["learning_rate", "samples_per_second", "step_seconds", "epoch_seconds", "data_wait_seconds"].includes(name)) return 3;
  return 2;
}

/**
 * The pictures of runs [{key, label, series: [names]}].
 * Returns {element, refresh}.
 */
function curvesOf(runs) {
  const options = { log: stored("log", false), from: null, through: null };
  const grid = h("div", { className: "curves" });
  const range = h("button", { hidden: true, onclick: () => zoom() }, "Show all steps");
  const log = h("label", null, h("input", { type: "checkbox", checked: options.log, onchange: (event) => {
    options.log = event.target.checked;
    store("log", options.log);
    refresh();
  } }), " logarithmic losses");
  const element = h("div", null, h("div", { className: "row tools" }, h("h2", { style: { margin: 0 } }, "Curves"), h("span", { className: "grow" }), range, log,
    h("span", { className: "muted pointer" }, "Drag to zoom")), grid);

  function zoom(from, through) {
    options.from = from ?? null;
    options.through = through ?? null;
    range.hidden = from === undefined;
    refresh();
  }

  async function refresh() {
    const answers = await Promise.all(runs.filter((run) => run.series.length > 0).map(async (run) => {
      const query = new URLSearchParams({ points: runs.length > 3 ? "200" : "400" });
      for (const name of run.series.slice(0, 100)) query.append("series", name);
      if (options.from !== null) query.set("from", String(options.from));
      if (options.through !== null) query.set("through", String(options.through));
      return { run, curves: (await api(`runs/${run.key}/curves?${query}`)).curves };
    }));
    const families = new Map();
    answers.forEach(({ run, curves }) => {
      const runIndex = runs.indexOf(run);
      for (const curve of curves) {
        if (curve.steps.length === 0) continue;
        const name = family(curve.series);
        const isValidation = /\/val_/.test(curve.series);
        const isStep = curve.series.startsWith("step/");
        // One run: a colour for training and one for validation. Several: a colour a run.
        const index = runs.length > 1 ? runIndex : isValidation ? 1 : 0;
        const line = { ...curve, index, color: Curves.color(index), dashed: runs.length > 1 && isValidation, isStep,
          label: runs.length > 1 ? `${run.label}${isValidation ? " val" : ""}` : isValidation ? "validation" : isStep ? "training" : "training, of the epoch" };
        if (!families.has(name)) families.set(name, []);
        families.get(name).push(line);
      }
    });
    const charts = [...families].sort(([a], [b]) => familyOrder(a) - familyOrder(b) || a.localeCompare(b)).map(([name, lines]) => {
      // The epoch's mean of training says little beside its steps.
      const hasSteps = lines.some((line) => line.isStep);
      const shown = lines.filter((line) => !hasSteps || line.isStep || /\/val_/.test(line.series));
      return Curves.chart(name, shown, { log: options.log && /loss$/.test(name), onZoom: zoom });
    });
    grid.replaceChildren(...(charts.length > 0 ? charts : [h("p", { className: "muted" }, "No numbers yet.")]));
  }
  return { element, refresh };
}

// MARK: One run

async function runView(key) {
  fill(crumbs, h("a", { href: "#/" }, "Runs"), " / ", key);
  document.title = `${key} · mio`;
  let detail = null;
  const head = h("div", { className: "card" });
  const pictures = h("div", { className: "card" });
  const attempts = h("div", { className: "card" });
  const checkpoints = h("div", { className: "card" });
  const events = h("div", { className: "card" });
  const log = logCard(key);
  const anatomy = h("div", { className: "card", hidden: true });
  const settings = h("div", { className: "card" });
  fill(page, head, pictures, attempts, h("div", { className: "two" }, checkpoints, events), log.element, anatomy, settings);
  let curves = null;

  async function load() {
    try {
      detail = await api(`runs/${key}`);
    } catch (error) {
      fill(page, failure(error));
      return;
    }
    drawHead();
    drawAttempts();
    drawSettings();
    const names = detail.series.map((entry) => entry.series);
    if (!curves || curves.names !== names.join()) {
      curves = { ...curvesOf([{ key, label: key, series: names }]), names: names.join() };
      fill(pictures, curves.element);
    }
    await Promise.all([curves.refresh(), drawCheckpoints(), drawEvents(), log.refresh()].map((work) => work.catch((error) => console.warn(error))));
  }

  function drawHead() {
    const status = detail.status ?? {};
    const fact = (name, value) => (value === null || value === undefined || value === "" ? null : h("div", null, h("dt", null, name), h("dd", null, value)));
    const end = status.end;
    const isBad = ["failed", "lost"].includes(detail.state);
    const steps = status.steps_per_epoch && status.epochs ? status.steps_per_epoch * status.epochs : null;
    const value = (name) => detail.values[name];
    fill(head,
      h("div", { className: "row" }, h("h1", null, detail.path.split("/").at(-1)), state(detail.state),
        detail.name !== detail.path.split("/").at(-1) ? h("span", { className: "muted" }, detail.name) : null, h("span", { className: "grow" }), buttons()),
      h("div", { className: "muted mono", style: { overflowWrap: "anywhere" } }, detail.path),
      end ? h("p", { className: `end ${isBad ? "bad" : detail.state === "restarting" ? "warn" : ""}` }, h("strong", null, `${causes[end.cause] ?? end.cause}: `), end.text)
        : detail.state === "lost" ? h("p", { className: "end bad" }, "It says that it runs, and no process of it is left. Retry continues it from its newest checkpoint.") : null,
      failed(), slurmNotice(detail.slurm),
      h("dl", { className: "facts" },
        fact("Step", steps ? `${short(detail.step)} of ${short(steps)}` : short(detail.step)),
        fact("Epoch", status.epochs ? `${Math.min(detail.epoch + 1, status.epochs)} of ${status.epochs}` : short(detail.epoch)),
        fact("Attempt", detail.attempt || null), fact("Ranks", detail.ranks),
        fact("Samples a second", short(status.samples_per_second ?? value("step/samples_per_second"))),
        fact("Seconds a step", short(value("step/step_seconds"))),
        fact("Loss", short(value("step/loss") ?? value("epoch/loss"))), fact("Validation loss", short(value("epoch/val_loss"))),
        detail.batch ? fact("Slurm", batch(detail.batch)) : null,
        fact("Began", when(detail.created)), fact("Changed", ago(detail.updated)),
        detail.damaged_lines ? fact("Damaged lines", detail.damaged_lines) : null));
  }

  function batch(known) {
    const job = known.job ? `job ${known.job}: ` : "";
    const place = known.state === "PENDING" ? (known.start ? `, expected to begin ${when(known.start)}` : "") : known.nodes ? ` on ${known.nodes}` : "";
    return `${job}${slurm(known)}${place}`;
  }

  function failed() {
    const last = detail.submission?.requests?.at(-1);
    if (!last?.end || !["failed", "stopped"].includes(detail.state)) return null;
    return last.end.exit_code === 75 ? h("p", { className: "end" }, last.end.text)
      : h("p", { className: "end bad" }, h("strong", null, `It could not be started (exit code ${last.end.exit_code}): `), h("span", { style: { whiteSpace: "pre-wrap" } }, last.end.text));
  }

  function buttons() {
    if (me.role !== "full") return null;
    const ask = (label, path, className, question) => h("button", { className, onclick: async (event) => {
      if (question && !confirm(question)) return;
      event.target.disabled = true;
      try {
        await post(`runs/${key}/${path}`);
        await load();
      } catch (error) {
        alert(error.message);
        event.target.disabled = false;
      }
    } }, label);
    if (["running", "starting", "restarting"].includes(detail.state)) {
      return [ask("Checkpoint", "checkpoint"), ask("Stop", "stop", "danger", "Stop this run after a checkpoint? Retry continues it.")];
    }
    if (detail.state === "waiting" && detail.submission) return ask("Take out of the queue", "stop", "danger");
    if (["stopped", "failed", "lost"].includes(detail.state) && detail.submission) return ask("Retry", "retry", "primary");
    return null;
  }

  function drawAttempts() {
    const list = detail.record?.attempts ?? [];
    attempts.hidden = list.length === 0;
    fill(attempts, h("h2", null, "Attempts"), h("div", { className: "scroll" }, h("table", null,
      h("thead", null, h("tr", null, ["", "Began", "Lasted", "Ranks", "Steps", "End"].map((name) => h("th", null, name)))),
      h("tbody", null, [...list].reverse().map((attempt) => h("tr", null,
        h("td", null, attempt.number), h("td", { style: { whiteSpace: "nowrap" } }, when(attempt.began)),
        h("td", { style: { whiteSpace: "nowrap" } }, attempt.ended ? lasted((new Date(attempt.ended) - new Date(attempt.began)) / 1000) : "at work"),
        h("td", null, attempt.ranks), h("td", { style: { whiteSpace: "nowrap" } }, `${short(attempt.from_step) || 0} to ${short(attempt.end?.step ?? attempt.to_step) || "…"}`),
        h("td", { style: { minWidth: "240px" } }, attempt.end ? [h("strong", null, causes[attempt.end.cause] ?? attempt.end.cause), h("div", { className: "muted" }, attempt.end.text)] : "")))))));
  }

  async function drawCheckpoints() {
    const { checkpoints: list } = await api(`runs/${key}/checkpoints`);
    fill(checkpoints, h("h2", null, "Checkpoints"), list.length === 0 ? h("p", { className: "muted" }, "None yet.") : h("table", null,
      h("thead", null, h("tr", null, h("th", { className: "number" }, "Step"), h("th", null, "Written"), h("th", { className: "number" }, "Size"))),
      h("tbody", null, list.map((checkpoint) => h("tr", null, h("td", { className: "number" }, short(checkpoint.step)),
        h("td", null, when(checkpoint.written), checkpoint.complete ? "" : " (not complete)"), h("td", { className: "number" }, bytes(checkpoint.bytes)))))));
  }

  async function drawEvents() {
    const { events: list } = await api(`runs/${key}/events`);
    const text = (event) => event.text ?? event.end?.text ?? "";
    fill(events, h("h2", null, "Events"), list.length === 0 ? h("p", { className: "muted" }, "None yet.") : h("div", { style: { maxHeight: "320px", overflow: "auto" } }, h("table", null,
      h("tbody", null, [...list].reverse().slice(0, 200).map((event) => h("tr", null, h("td", { className: "muted", style: { whiteSpace: "nowrap" } }, when(event.time)),
        h("td", null, h("strong", null, String(event.event).replaceAll("_", " ")), event.attempt ? ` ${event.attempt}` : "", " ",
          text(event), event.by ? h("small", { className: "muted" }, `by ${event.by}`) : null)))))));
  }

  function drawSettings() {
    const list = Object.entries(detail.settings);
    fill(settings, h("details", { open: settings.querySelector("details")?.open }, h("summary", null, h("strong", null, `Settings (${list.length})`)), h("table", null,
      h("tbody", null, list.map(([name, value]) => h("tr", null, h("td", { className: "mono" }, name), h("td", { className: "mono" }, value)))))));
  }

  view = { refresh: load, run: (row) => { if (row.key === key) reload(); } };
  const reload = seldom(3000, load);
  await load();
  if (detail?.has_trace) anatomyOf(key, anatomy).catch((error) => { anatomy.hidden = false; fill(anatomy, failure(error)); });
}

function logCard(key) {
  const choice = h("select", { ariaLabel: "Attempt and rank", onchange: () => show() });
  const text = h("pre", { className: "log", tabIndex: 0, ariaLabel: "The log's end" });
  const element = h("div", { className: "card", hidden: true }, h("div", { className: "row" }, h("h2", { style: { margin: 0 } }, "Log"), choice), text);
  let known = "";

  async function show() {
    if (!choice.value) return;
    const content = await api(`runs/${key}/logs/${choice.value}?bytes=65536`);
    const isAtEnd = text.scrollTop + text.clientHeight >= text.scrollHeight - 30;
    text.textContent = content || "(empty)";
    if (isAtEnd) text.scrollTop = text.scrollHeight;
  }

  async function refresh() {
    const { attempts } = await api(`runs/${key}/logs`);
    const names = attempts.flatMap((attempt) => attempt.logs.map((log) => `${attempt.attempt}/${log.name}`));
    element.hidden = names.length === 0;
    if (names.join() !== known) {
      const before = choice.value;
      choice.replaceChildren(...names.map((name) => h("option", { value: name }, `attempt ${name.replace("/", ", ")}`)));
      if (names.includes(before)) choice.value = before;
      known = names.join();
    }
    await show();
  }
  return { element, refresh };
}

/** One step of a trace, rank by rank, and where the time of all steps went. */
async function anatomyOf(key, card) {
  const trace = await api(`runs/${key}/trace`);
  const ranks = [...new Set(trace.events.map((event) => event.rank))].sort((a, b) => a - b);
  const whole = Math.max(...trace.events.map((event) => event.start + event.duration), 1);
  const names = trace.rows.map((row) => row.name);
  const color = (event) => { const index = names.indexOf(event.name.split(" ")[0]); return Curves.color(index < 0 ? 7 : index); };
  const strip = (rank) => {
    const picture = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    picture.setAttribute("viewBox", "0 0 1000 22");
    picture.setAttribute("preserveAspectRatio", "none");
    for (const event of trace.events.filter((candidate) => candidate.rank === rank && candidate.kind !== "step")) {
      const bar = document.createElementNS("http://www.w3.org/2000/svg", "rect");
      const place = { x: (event.start / whole) * 1000, y: 2, width: Math.max((event.duration / whole) * 1000, 0.5), height: 18 };
      for (const [name, value] of Object.entries(place)) bar.setAttribute(name, String(value));
      bar.style.fill = color(event);
      const title = document.createElementNS("http://www.w3.org/2000/svg", "title");
      title.textContent = `${event.name}: ${short(event.duration / 1000)} ms`;
      bar.append(title);
      picture.append(bar);
    }
    return picture;
  };
  card.hidden = false;
  fill(card, h("h2", null, `A step's anatomy: step ${trace.step}, ${short(whole / 1000)} ms`),
    h("div", { className: "timeline" }, ranks.flatMap((rank) => [h("span", { className: "muted" }, `rank ${rank}`), strip(rank)])),
    h("p", { className: "muted" }, `All traced steps, ${trace.first_step} to ${trace.last_step}: ${short(trace.mean_milliseconds)} ms on average, half of them at most ${short(trace.median_milliseconds)} ms.`),
    h("div", { className: "scroll" }, h("table", null, h("thead", null, h("tr", null, h("th", null, "Part"), h("th", { className: "number" }, "ms a step"), h("th", { className: "number" }, "Share"), h("th", { style: { width: "40%" } }))),
      h("tbody", null, trace.rows.map((row, index) => h("tr", null, h("td", null, row.name), h("td", { className: "number" }, short(row.milliseconds)), h("td", { className: "number" }, `${(row.share * 100).toFixed(1)} %`),
        h("td", null, h("div", { className: "share", style: { width: `${Math.max(0, row.share) * 100}%`, background: Curves.color(index) } }))))))));
}

// MARK: Several runs

async function compareView(keys) {
  fill(crumbs, h("a", { href: "#/" }, "Runs"), " / compare");
  document.title = "Compare · mio";
  let curves = null;
  async function load() {
    try {
      const answer = await api(`compare?runs=${keys.map(encodeURIComponent).join(",")}`);
      const label = (run) => run.path.split("/").at(-1);
      const mark = (index) => h("span", { className: "swatch", style: { background: Curves.color(index) } });
      const values = [...new Set(answer.runs.flatMap((run) => Object.keys(run.values)))].filter((name) => isUsual(name) || name === "step/samples_per_second").sort();
      const table = h("div", { className: "card" }, h("h2", null, "What differs"), h("div", { className: "scroll" }, h("table", null,
        h("thead", null, h("tr", null, h("th"), answer.runs.map((run, index) => h("th", null, mark(index), h("a", { href: `#/run/${run.key}` }, label(run)))))),
        h("tbody", null,
          answer.differing.map((row) => h("tr", null, h("td", { className: "mono" }, row.key), row.values.map((value) => h("td", { className: "mono" }, value ?? "")))),
          answer.differing.length === 0 ? h("tr", null, h("td", { className: "muted", colSpan: answer.runs.length + 1 }, "Their jobs are the same.")) : null,
          h("tr", null, h("td", null, "state"), answer.runs.map((run) => h("td", null, state(run.state)))),
          h("tr", null, h("td", null, "step"), answer.runs.map((run) => h("td", null, short(run.step)))),
          values.map((name) => h("tr", null, h("td", null, name.replace("epoch/", "").replace("step/", "")), answer.runs.map((run) => h("td", null, short(run.values[name])))))))));
      if (!curves) curves = curvesOf(answer.runs.map((run) => ({ key: run.key, label: label(run), series: Object.keys(run.values) })));
      fill(page, table, h("div", { className: "card" }, curves.element));
      await curves.refresh();
    } catch (error) {
      fill(page, failure(error));
    }
  }
  const reload = seldom(5000, load);
  view = { refresh: load, run: (row) => { if (keys.includes(row.key)) reload(); } };
  await load();
}

// MARK: Places and changes

async function go() {
  const [path, query] = location.hash.replace(/^#/, "").split("?");
  const parts = path.split("/").filter(Boolean).map(decodeURIComponent);
  view = null;
  fill(page, h("p", { className: "muted" }, "Loading …"));
  if (parts[0] === "run" && parts[1]) await runView(parts[1]);
  else if (parts[0] === "compare" && parts[1]) await compareView(parts[1].split(","));
  else await listView(new URLSearchParams(query ?? ""));
}

function listen() {
  const stream = new EventSource("api/v1/events");
  let wasOff = false;
  stream.onopen = () => {
    live.textContent = "live";
    live.className = "live on";
    if (wasOff) view?.refresh();
    wasOff = false;
  };
  stream.onerror = () => {
    live.textContent = "no connection";
    live.className = "live off";
    wasOff = true;
    // The browser tries again by itself, unless the answer was a refusal.
    if (stream.readyState === EventSource.CLOSED) setTimeout(() => { stream.close(); listen(); }, 10000);
  };
  stream.addEventListener("run", (event) => view?.run?.(JSON.parse(event.data)));
  stream.addEventListener("list", () => view?.list?.());
}

window.addEventListener("hashchange", go);
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => view?.refresh());
(async () => {
  try {
    Object.assign(me, await api("me"));
    listen();
    await go();
  } catch (error) {
    fill(page, failure(error));
  }
})();
