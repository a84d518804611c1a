"""Uses the dashboard as a person would, in a headless Chromium. Called by scripts/dashboard."""

import json
import math
import os
import pathlib
import random
import socket
import subprocess
import sys
import tempfile
import time

from playwright.sync_api import sync_playwright

HOSTILE = "<img src=x onerror=document.title='owned'>"


def own_name():
    """This process as a run's files name it: it is alive."""
    text = pathlib.Path("/proc/self/stat").read_text().rsplit(")", 1)[1].split()
    boot = pathlib.Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return {"host": socket.gethostname(), "process": os.getpid(), "began": int(text[19]), "boot": boot}


def stamp(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(seconds))


def make_run(folder, number, now, me):
    """A run of the garments example with curves like those of a training."""
    rng = random.Random(number)
    states = ["running", "finished", "finished", "failed", "stopped", "finished", "restarting"]
    state = states[number % len(states)]
    steps, rate = rng.choice([600, 1200, 3000]), rng.choice([0.001, 0.003, 0.0003])
    path = folder / "garments" / "runs" / (f"garments-{number:03d}" if number else HOSTILE.replace("/", ""))
    (path / "logs/attempt-1").mkdir(parents=True)
    (path / "checkpoints" / f"step-{steps:09d}").mkdir(parents=True)
    (path / "checkpoints" / f"step-{steps:09d}" / "manifest.json").write_text("{}")
    (path / "checkpoints" / f"step-{steps:09d}" / "weights.safetensors").write_bytes(bytes(900_000))
    (path / "job.yaml").write_text(
        f"name: garments\nseed: {number % 3}\noptimizer: {{class: {rng.choice(['Adam', 'SGD'])}, learning_rate: {rate}}}\n"
        f"training: {{epochs: 6, batch_size: {rng.choice([32, 64, 128])}}}\noutputs: {{kind: {{loss: x}}, box: {{loss: y}}}}\n")
    lines = []
    for step in range(1, steps + 1):
        left = math.exp(-step / 400 / (rate * 1000) ** 0.3)
        kind, box = 2.3 * left + 0.2 + rng.gauss(0, 0.08), 0.3 * left + 0.02 + rng.gauss(0, 0.01)
        values = {"loss": kind + box / 2, "kind_loss": kind, "kind_accuracy": 0.9 - 0.85 * left, "box_loss": box}
        lines.append({"event": "step", "step": step, "epoch": step * 6 // (steps + 1), **values, "learning_rate": rate,
                      "samples_per_second": 3400 + rng.gauss(0, 90)})
        if step % (steps // 6) == 0:
            lines.append({"event": "epoch", "step": step, "epoch": step * 6 // steps - 1, **values,
                          **{"val_" + name: value * 1.05 for name, value in values.items()}})
    (path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    began = now - rng.randrange(3_600, 400_000)
    ends = {"failed": ("out_of_memory", "The kernel ended rank 2 on node-3 for lack of memory: use fewer ranks on this machine."),
            "restarting": ("crashed", f"Rank 1 was ended by signal 11 at step {steps}, in the forward of conv1."),
            "stopped": ("stopped_by_user", "Stopped after a checkpoint: run it again to continue."),
            "finished": ("finished", "All 6 epochs are done.")}
    end = {"cause": ends[state][0], "text": ends[state][1], "step": steps} if state in ends else None
    (path / "status.json").write_text(json.dumps({
        "state": state, "attempt": 1, "step": steps, "epoch": 5, "epochs": 6, "ranks": 4, "began": stamp(began),
        "heartbeat": stamp(now), "writer": me, **({"end": end} if end else {})}))
    attempt = {"number": 1, "began": stamp(began), "ranks": 4, "launch": [], "supervisor": me, "from_step": 0, "to_step": steps}
    if end:
        attempt |= {"ended": stamp(began + 1900), "end": end}
    (path / "record.json").write_text(json.dumps({
        "format": 1, "id": str(number), "name": "garments", "created": stamp(began), "mio_version": "0", "command": [],
        "working_directory": "/", "data": [], "hosts": [], "attempts": [attempt]}))
    (path / "events.jsonl").write_text(json.dumps({"time": stamp(began), "event": "attempt", "attempt": 1, "text": "4 ranks"}) + "\n")
    (path / "logs/attempt-1/rank-0.log").write_text("".join(f"step {step} loss 0.5 {HOSTILE}\n" for step in range(0, steps, 10)))
    return path


def check(condition, what):
    if not condition:
        raise SystemExit(f"dashboard: {what}")
    print(f"  {what}")


def use(browser, link, runs, pictures):
    base = link.split("login")[0]
    troubles, hosts = [], set()

    def open_page(**options):
        context = browser.new_context(**options)
        page = context.new_page()
        page.on("console", lambda message: troubles.append(message.text) if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("request", lambda request: hosts.add(request.url.split("/")[2] if "//" in request.url else "data"))
        return context, page

    def picture(page, name):
        if pictures:
            page.screenshot(path=f"{pictures}/{name}.png")

    _, stranger = open_page()
    stranger.goto(base)
    stranger.wait_for_selector("text=This browser is not signed in")
    check(True, "a browser that is not signed in is told what to do")
    troubles.clear()  # The browser reports the refusal.

    context, page = open_page(viewport={"width": 1280, "height": 860})
    page.goto(link)
    page.wait_for_selector("table.runs")
    check(page.locator("table.runs tbody tr").count() == len(runs), "every run is in the table")
    check(page.locator(".live.on").count() == 1, "changes arrive as they happen")
    page.click('th button[title="Sort by epoch/val_kind_accuracy"]')
    page.wait_for_selector('th:has-text("↓") >> text=accuracy')
    picture(page, "list")
    page.fill("input[type=search]", "state=finished optimizer.class=Adam")
    page.wait_for_function(f"document.querySelectorAll('table.runs tbody tr').length < {len(runs)}")
    states = page.locator("table.runs .state").all_inner_texts()
    check(len(states) > 0 and set(states) == {"finished"}, f"a filter leaves {len(states)} runs, all finished")
    page.fill("input[type=search]", "")
    page.wait_for_function(f"document.querySelectorAll('table.runs tbody tr').length == {len(runs)}")
    for index in (1, 2, 3):
        page.locator("td.pick input").nth(index).check()
    page.click("text=Compare 3")
    page.wait_for_selector(".curve canvas")
    check(page.locator("text=What differs").count() == 1, "three runs are compared")
    page.wait_for_timeout(500)
    picture(page, "compare")

    # Its name is HTML, and its learning rate a constant, whose means differ in their last bits.
    page.goto(base)
    page.locator("tr:has(.state.running) td.name a:has-text('onerror')").click()
    page.wait_for_selector(".curve canvas")
    check(page.locator("h1").inner_text() == HOSTILE.replace("/", ""), "a name with HTML in it is text")
    page.goto(base)
    page.locator("tr:has(.state.running) td.name a:has-text('garments-')").first.click()
    page.wait_for_selector(".curve canvas")
    page.wait_for_timeout(800)
    picture(page, "run")
    check(page.locator(".curve").count() >= 5, "a run has its curves")
    box = page.locator(".curve canvas").first.bounding_box()
    page.mouse.move(box["x"] + 90, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 200, box["y"] + 60, steps=5)
    page.mouse.up()
    page.wait_for_selector("text=Show all steps >> visible=true")
    check(True, "dragging shows a part of the steps")
    page.wait_for_selector("pre.log >> text=loss 0.5")
    check("onerror" in page.locator("pre.log").inner_text(), "a log with HTML in it is text")
    page.once("dialog", lambda dialog: dialog.accept())
    page.click("text=Checkpoint >> visible=true")
    deadline = time.time() + 20
    while not any((run / "control").exists() for run in runs) and time.time() < deadline:
        page.wait_for_timeout(100)
    check(any((run / "control").exists() for run in runs), "a button asks the run for a checkpoint")

    number = page.locator(".facts dd").first.inner_text()
    running = [run for run in runs if (run / "control").exists()][0]
    status = json.loads((running / "status.json").read_text())
    status["step"] += 1234
    (running / "status.json.new").write_text(json.dumps(status))
    (running / "status.json.new").rename(running / "status.json")
    page.wait_for_function("before => document.querySelector('.facts dd').textContent !== before", arg=number, timeout=20_000)
    check(True, "the page shows a change by itself")

    signed_in = context.storage_state()
    _, dark = open_page(viewport={"width": 1280, "height": 860}, color_scheme="dark", storage_state=signed_in)
    dark.goto(page.url)
    dark.wait_for_selector(".curve canvas")
    dark.wait_for_timeout(500)
    picture(dark, "dark")
    check(dark.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(18, 21, 26)", "dark where the system is")
    _, phone = open_page(viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True, device_scale_factor=2,
                         storage_state=signed_in)
    for name, address in (("phone-list", base), ("phone-run", page.url)):
        phone.goto(address)
        phone.wait_for_selector("table.runs" if name == "phone-list" else ".curve canvas")
        phone.wait_for_timeout(500)
        picture(phone, name)
        check(phone.evaluate("document.documentElement.scrollWidth") <= 390, f"{name} fits a phone")
    check("owned" not in page.title(), "names with HTML in them are text")
    check(not troubles, f"no errors in the console {troubles}")
    check(hosts <= {base.split("/")[2], "data"}, f"nothing is fetched from elsewhere {hosts}")


def main():
    program, chromium, pictures = sys.argv[1:4]
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        me, now = own_name(), time.time()
        runs = [make_run(folder / "runs", number, now, me) for number in range(24)]
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        where = ["--socket", f"{temporary}/daemon/daemon.sock"]
        environment = os.environ | {"XDG_STATE_HOME": f"{temporary}/state"}
        daemon = subprocess.Popen(
            [program, "serve", "--runs", f"{temporary}/runs", "--index", f"{temporary}/index.sqlite", "--port", str(port), *where],
            env=environment)
        try:
            for _ in range(300):
                link = subprocess.run([program, "link", *where], capture_output=True, text=True, env=environment)
                if link.returncode == 0:
                    break
                time.sleep(0.1)
            else:
                raise SystemExit(f"dashboard: the daemon does not answer: {link.stderr}")
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
                use(browser, link.stdout.strip(), runs, pictures)
                browser.close()
        finally:
            daemon.terminate()
            daemon.wait(20)
    print("dashboard: all is as it should be")


main()
