"""A lesson in a browser tab: open it, run it, look at what came out."""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, Locator, Page

from tests.browser.lab import ROOT, Lab

SCREENSHOTS = ROOT / "screenshots"
WIDGET_MIME = "application/vnd.jupyter.widget-view+json"
SECONDS_A_LESSON = 600  # 08 trains for more than a minute, and a test machine is a busy one
LOOPBACK = {"127.0.0.1", "localhost", "[::1]"}

# Waiting for the kernel avoids the dialog that a run before it would raise. Cells out of sight are
# otherwise left out of the page, and could be neither looked at nor checked.
READY = """async () => {
    const app = window.jupyterapp;
    await app.restored;
    const started = performance.now();
    const isOpen = () => app.shell.currentWidget?.context?.path?.endsWith('.ipynb');
    while (!isOpen()) {
        if (performance.now() - started > 60000) throw new Error('the notebook did not open');
        await new Promise(done => setTimeout(done, 50));
    }
    const panel = app.shell.currentWidget;
    await panel.context.ready;
    await panel.sessionContext.ready;
    await panel.sessionContext.session.kernel.info;
    await app.commands.execute('application:toggle-left-area');
    panel.content.notebookConfig = {...panel.content.notebookConfig, windowingMode: 'none'};
    window.lessonPanel = panel;
}"""
CELLS = "() => window.lessonPanel.content.model.toJSON().cells"
RUN_ALL = """() => {
    window.lessonRun = window.jupyterapp.commands.execute('notebook:run-all-cells');
}"""
RUN_CELL = """async ([index, mime]) => {
    const panel = window.lessonPanel;
    panel.content.activeCellIndex = index;
    const started = performance.now();
    await window.jupyterapp.commands.execute('notebook:run-cell');
    const cell = panel.content.widgets[index];
    const outputs = cell.model.type === 'code' ? cell.model.outputs.toJSON() : [];
    if (!outputs.some(output => output.data && mime in output.data)) return null;
    while (!cell.node.querySelector('.maml-player svg')) {
        if (performance.now() - started > 60000) throw new Error('the widget did not show');
        await new Promise(requestAnimationFrame);
    }
    return performance.now() - started;
}"""

LESSON_HEIGHT = "() => document.querySelector('.jp-WindowedPanel-outer').scrollHeight"
TO_THE_TOP = """async () => {
    document.querySelector('.jp-WindowedPanel-outer').scrollTop = 0;
    for (let frame = 0; frame < 10; frame++) await new Promise(requestAnimationFrame);
}"""
PICTURE_HEIGHT = 1600

# Time from an event to the frame that shows its effect. `inFrame` is true while the browser makes a
# frame: a change made then is painted by that frame, any other change by the next one.
STOPWATCH = """() => {
    if (window.stopwatch) return;
    const afterFrame = todo => {
        const channel = new MessageChannel();
        channel.port1.onmessage = todo;
        channel.port2.postMessage(0);
    };
    let inFrame = false;
    let running = false; // headless tabs are all "visible": an idle one must not paint for ever
    const tick = () => {
        inFrame = true;
        afterFrame(() => { inFrame = false; });
        if (running) requestAnimationFrame(tick);
    };
    window.stopwatch = {
        start(player, event, isDone) {
            running = true;
            requestAnimationFrame(tick);
            this.result = new Promise((resolve, reject) => {
                let began = null;
                const observer = new MutationObserver(() => {
                    if (began === null || !isDone(player)) return;
                    observer.disconnect();
                    const finish = () => {
                        running = false;
                        resolve(performance.now() - began);
                    };
                    if (inFrame) afterFrame(finish);
                    else requestAnimationFrame(() => afterFrame(finish));
                });
                observer.observe(player, {
                    subtree: true, childList: true, attributes: true, characterData: true,
                });
                player.addEventListener(
                    event, e => { began = e.timeStamp; }, {capture: true, once: true});
                setTimeout(() => reject(new Error('no change after ' + event)), 10000);
            });
            this.result.catch(() => {});
        },
    };
}"""


class Lesson:
    """One notebook in one tab, with all that the browser complained about or asked for."""

    def __init__(self, context: BrowserContext, lab: Lab, name: str) -> None:
        self.name = name
        self.lab = lab
        text = lab.root / "notebooks" / "text" / f"{name}.py"
        self.text = text.read_text("utf-8") if text.exists() else ""
        self.console: list[str] = []
        self.page_errors: list[str] = []
        self.outside: list[str] = []
        self.page: Page = context.new_page()
        self.page.set_default_timeout(30_000)
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda error: self.page_errors.append(str(error)))
        self.page.on("request", lambda request: self._on_request(request.url))
        self.page.on("websocket", lambda socket: self._on_request(socket.url))
        workspace = f"{name}-{len(context.pages)}"
        self.page.goto(lab.url(f"notebooks/{name}.ipynb", workspace), wait_until="commit")
        self.page.wait_for_function("() => window.jupyterapp !== undefined", timeout=60_000)
        self.ask(READY, seconds=60)

    def ask(self, script: str, argument: object = None, *, seconds: float = 30) -> object:
        """The value of a JavaScript function in the page; an error if it takes too long."""
        late = f"the page gave no answer within {seconds} s to: {script.strip()[:80]}"
        return self.page.evaluate(
            f"""([argument, ms, late]) => Promise.race([
                Promise.resolve(({script})(argument)),
                new Promise((_, reject) => setTimeout(() => reject(new Error(late)), ms)),
            ])""",
            [argument, seconds * 1000, late],
        )

    def _on_console(self, message) -> None:
        if message.type == "error":
            self.console.append(f"{message.text} ({message.location.get('url', '')})")

    def _on_request(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("data", "blob", "about") and parts.hostname not in LOOPBACK:
            self.outside.append(url)

    def run_until_first_widget(self) -> tuple[float, float]:
        """Run cell by cell to the first widget: seconds for its cell, and from the first cell."""
        before = 0.0
        for index in range(len(self.cells())):
            started = self.ask("() => performance.now()")
            shown = self.ask(RUN_CELL, [index, WIDGET_MIME], seconds=120)
            if shown is not None:
                return shown / 1000, before + shown / 1000
            before += (self.ask("() => performance.now()") - started) / 1000
        raise AssertionError(f"{self.name} shows no widget")

    def start_all(self) -> None:
        """Have all cells run, without waiting."""
        self.ask(RUN_ALL)
        self.end = time.monotonic() + SECONDS_A_LESSON

    def has_run(self, *, seconds: float = 1) -> bool:
        """Whether all cells have run; waits for some seconds at most."""
        has_run = self.ask(
            """ms => Promise.race([
                window.lessonRun.then(() => true),
                new Promise(resolve => setTimeout(() => resolve(false), ms)),
            ])""",
            seconds * 1000,
        )
        assert has_run or time.monotonic() < self.end, f"{self.name} has not come to its end"
        return has_run

    def wait(self) -> None:
        """Wait until all cells have run, and all widgets of the outputs are drawn."""
        while not self.has_run():
            pass
        self.wait_for_widgets()

    def wait_for_widgets(self) -> None:
        self.page.wait_for_function(
            """expected => {
                const widgets = [...document.querySelectorAll('.maml-player, .maml-quiz')];
                const drawn = widgets.every(widget => widget.querySelector('svg, img'));
                return widgets.length >= expected && drawn;
            }""",
            arg=self.count_widgets(),
        )

    def cells(self) -> list[dict]:
        return self.ask(CELLS)

    def outputs(self) -> list[dict]:
        return [output for cell in self.cells() for output in cell.get("outputs", [])]

    def errors(self) -> list[str]:
        """Exceptions and warnings that a reader would see, but for the one that says which data
        there is: it belongs to a machine without a network."""
        found = [
            output.get("ename", "") + ": " + output.get("evalue", "")
            if output["output_type"] == "error"
            else "".join(output["text"])
            for output in self.outputs()
            if output["output_type"] == "error" or output.get("name") == "stderr"
        ]
        return [error for error in found if "StandInWarning" not in error]

    def count_widgets(self) -> int:
        return sum(WIDGET_MIME in output.get("data", {}) for output in self.outputs())

    def players(self) -> list[Locator]:
        return self.page.locator(".maml-player").all()

    def quizzes(self) -> list[Locator]:
        return self.page.locator(".maml-quiz").all()

    def player_with(self, control: str) -> Locator:
        """The first player that has this control."""
        return self.page.locator(f".maml-player:has([data-name={control}])").first

    def screenshots(self) -> list[Path]:
        """The whole lesson, from its top, in pictures of one screen or two each."""
        SCREENSHOTS.mkdir(exist_ok=True)
        for old in SCREENSHOTS.glob(f"{self.name}-*.png"):
            old.unlink()
        size = self.page.viewport_size
        height = self.ask(LESSON_HEIGHT) + 200
        self.page.set_viewport_size({"width": size["width"], "height": min(height, 16_000)})
        self.ask(TO_THE_TOP)
        whole = {"x": 0, "width": size["width"], "height": PICTURE_HEIGHT}
        paths = []
        for y in range(0, min(height, 16_000), PICTURE_HEIGHT):
            paths.append(SCREENSHOTS / f"{self.name}-{len(paths) + 1:02d}.png")
            self.page.screenshot(path=paths[-1], clip={**whole, "y": y}, animations="disabled")
        self.page.set_viewport_size(size)
        return paths

    def latency(self, target: Locator, key: str, event: str, is_done: str) -> float:
        """Milliseconds from `event` (caused by `key` on `target`) to the frame that shows it.

        `is_done` is a JavaScript function of the player: has it changed as wanted?
        """
        self.page.evaluate(STOPWATCH)
        target.evaluate(
            "(input, [event, isDone]) => window.stopwatch.start("
            "input.closest('.maml-player'), event, eval(isDone)(input.closest('.maml-player')))",
            [event, is_done],
        )
        target.press(key)
        return self.ask("() => window.stopwatch.result")

    def save(self) -> None:
        self.ask("() => window.lessonPanel.context.save()")

    def close(self) -> None:
        self.page.close()


def median_p95(milliseconds: list[float]) -> tuple[float, float]:
    return statistics.median(milliseconds), statistics.quantiles(milliseconds, n=20)[-1]
