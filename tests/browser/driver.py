"""A lesson in a browser tab: open it, run it, look at what came out.

Waits watch progress, not the clock. While a cell ends, an output grows or the page builds itself, a
wait goes on; it is given up when nothing has moved for many looks, one a second. The page looks at
itself, so on a busy machine it looks less often, and waits longer.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, Locator, Page

from tests.browser.lab import ROOT, Lab

SCREENSHOTS = ROOT / "screenshots"
WIDGET_MIME = "application/vnd.jupyter.widget-view+json"
# JupyterLab asks for all kernels every few seconds; the server fails while another lesson's starts.
POLL = re.compile(r"/api/kernels\?\d+$")
LOOKS_AT_A_RUN = 1200  # a cell of 11 trains for a minute without a word, alone on two cores
LOOKS_AT_A_PAGE = 300
LOOPBACK = {"127.0.0.1", "localhost", "[::1]"}

WATCH = """(() => {
    // Of the notebook alone, once it is there: JupyterLab's toolbar counts a busy kernel's seconds.
    const progress = () => {
        const place = window.lessonPanel?.content.node ?? document.documentElement;
        const cells = window.lessonPanel?.content.widgets ?? [];
        return JSON.stringify([
            place.getElementsByTagName('*').length,
            place.textContent,
            window.lessonPanel ? 0 : performance.getEntriesByType('resource').length,
            cells.map(cell => [cell.model.executionCount, cell.model.outputs?.length]),
        ]);
    };
    window.watched = (promise, looks, what) => {
        let timer;
        const stuck = new Promise((_, reject) => {
            let last, same;
            timer = setInterval(() => {
                const now = progress();
                if (now !== last) [last, same] = [now, 0];
                else if (++same >= looks)
                    reject(new Error(`nothing has moved in ${looks} looks: ${what}`));
            }, 1000);
        });
        return Promise.race([promise, stuck]).finally(() => clearInterval(timer));
    };
})();"""

# Waiting for the kernel avoids the dialog that a run before it would raise. Cells out of sight are
# otherwise left out of the page, and could be neither looked at nor checked.
READY = """async () => {
    const app = window.jupyterapp;
    await app.restored;
    const sleep = () => new Promise(done => setTimeout(done, 50));
    let isReady = false;
    const open = async () => {
        while (!app.shell.currentWidget?.context?.path?.endsWith('.ipynb')) await sleep();
        const panel = window.lessonPanel = app.shell.currentWidget;
        await panel.context.ready;
        await panel.sessionContext.ready;
        await panel.sessionContext.session.kernel.info;
        isReady = true;
    };
    const seeNoDialog = async () => {
        for (; !isReady; await sleep()) {
            const dialog = document.querySelector('.jp-Dialog');
            if (dialog) throw new Error('JupyterLab says: ' + dialog.textContent);
        }
    };
    await Promise.all([open(), seeNoDialog()]);
    await app.commands.execute('application:toggle-left-area');
    const content = window.lessonPanel.content;
    content.notebookConfig = {...content.notebookConfig, windowingMode: 'none'};
}"""
CELLS = "() => window.lessonPanel.content.model.toJSON().cells"
RUN_ALL = """looks => {
    const run = window.lessonRun = {ended: false, error: null};
    const cells = window.jupyterapp.commands.execute('notebook:run-all-cells');
    window.watched(cells, looks, 'running all cells')
        .catch(error => { run.error = error.message; })
        .finally(() => { run.ended = true; });
}"""
RUN_CELL = """async index => {
    window.lessonPanel.content.activeCellIndex = index;
    await window.jupyterapp.commands.execute('notebook:run-cell');
}"""
RUN_TO_WIDGET = """async ([index, mime]) => {
    const panel = window.lessonPanel;
    panel.content.activeCellIndex = index;
    const started = performance.now();
    await window.jupyterapp.commands.execute('notebook:run-cell');
    const cell = panel.content.widgets[index];
    const outputs = cell.model.type === 'code' ? cell.model.outputs.toJSON() : [];
    if (!outputs.some(output => output.data && mime in output.data)) return null;
    while (!cell.node.querySelector('.maml-player svg'))
        await new Promise(requestAnimationFrame);
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
            this.result = new Promise(resolve => {
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
            });
        },
    };
}"""


STEP_DRAWN = "player => { const old = player.dataset.step; return p => p.dataset.step !== old; }"
SCENE_DRAWN = "player => { const old = player.dataset.scene; return p => p.dataset.scene !== old; }"


class Lesson:
    """One notebook in one tab, with all that the browser complained about or asked for."""

    def __init__(self, context: BrowserContext, lab: Lab, name: str) -> None:
        self.name = name
        self.lab = lab
        self.file = lab.root / "notebooks" / f"{name}.ipynb"
        self.console: list[str] = []
        self.page_errors: list[str] = []
        self.outside: list[str] = []
        self.page: Page = context.new_page()
        self.page.set_default_timeout(1000 * LOOKS_AT_A_PAGE)
        self.page.add_init_script(WATCH)
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda error: self.page_errors.append(str(error)))
        self.page.on("request", lambda request: self._on_request(request.url))
        self.page.on("websocket", lambda socket: self._on_request(socket.url))
        workspace = f"{name}-{len(context.pages)}"
        self.page.goto(lab.url(f"notebooks/{name}.ipynb", workspace), wait_until="commit")
        self.page.wait_for_function("() => window.jupyterapp !== undefined")
        self.ask(READY, looks=LOOKS_AT_A_RUN)

    def ask(self, script: str, argument: object = None, *, looks: int = LOOKS_AT_A_PAGE) -> object:
        """The value of a JavaScript function in the page; an error when nothing moves any more."""
        return self.page.evaluate(
            f"""([argument, looks, what]) =>
                window.watched(Promise.resolve(({script})(argument)), looks, what)""",
            [argument, looks, script.strip()[:80]],
        )

    def until(self, is_so: Callable[[], bool], what: str) -> None:
        """Wait for what only Python can see; AssertionError with `what` if it does not come."""
        for _ in range(LOOKS_AT_A_PAGE):
            if is_so():
                return
            self.page.wait_for_timeout(1000)
        raise AssertionError(f"{self.name}: {what} did not come")

    def _on_console(self, message) -> None:
        url = message.location.get("url", "")
        if message.type == "error" and not POLL.search(url):
            self.console.append(f"{message.text} ({url})")

    def _on_request(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("data", "blob", "about") and parts.hostname not in LOOPBACK:
            self.outside.append(url)

    def run_until_first_widget(self) -> tuple[float, float]:
        """Run cell by cell to the first widget: seconds for its cell, and from the first cell."""
        before = 0.0
        for index in range(len(self.cells())):
            started = self.ask("() => performance.now()")
            shown = self.ask(RUN_TO_WIDGET, [index, WIDGET_MIME], looks=LOOKS_AT_A_RUN)
            if shown is not None:
                return shown / 1000, before + shown / 1000
            before += (self.ask("() => performance.now()") - started) / 1000
        raise AssertionError(f"{self.name} shows no widget")

    def run_cell(self, index: int) -> None:
        """Run one cell to its end."""
        self.ask(RUN_CELL, index, looks=LOOKS_AT_A_RUN)

    def start_all(self, *, looks: int = LOOKS_AT_A_RUN) -> None:
        """Have all cells run, without waiting."""
        self.ask(RUN_ALL, looks)

    def has_run(self) -> bool:
        """Whether all cells have run; AssertionError if they stopped half-way."""
        assert self.lab.process.poll() is None, "JupyterLab has ended"
        run = self.ask("() => window.lessonRun")
        assert run["error"] is None, f"{self.name}: {run['error']}"
        return run["ended"]

    def wait(self) -> None:
        """Wait until all cells have run, and all widgets of the outputs are drawn."""
        while not self.has_run():
            self.page.wait_for_timeout(200)
        self.wait_for_widgets()

    def wait_for_widgets(self) -> None:
        self.ask(
            """async expected => {
                for (;;) {
                    const widgets = [...document.querySelectorAll('.maml-player, .maml-quiz')];
                    const drawn = widgets.every(widget => widget.querySelector('svg, img'));
                    if (widgets.length >= expected && drawn) return;
                    await new Promise(done => setTimeout(done, 100));
                }
            }""",
            self.count_widgets(),
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

    def latencies(
        self, target: Locator, keys: Sequence[str], event: str, is_done: str
    ) -> list[float]:
        """The latency of each key in turn."""
        return [self.latency(target, key, event, is_done) for key in keys]

    def save(self) -> None:
        self.ask("() => window.lessonPanel.context.save()")

    def shut_down(self) -> None:
        """End the kernel, as JupyterLab's "Shut Down Kernel" does."""
        self.ask("() => window.lessonPanel.sessionContext.shutdown()")

    def close(self) -> None:
        self.page.close()


def there_and_back(slider: Locator, moves: int) -> list[str]:
    """Keys that walk a slider from its start to its end and back, again and again."""
    last = int(slider.get_attribute("max"))
    once = ["ArrowRight"] * last + ["ArrowLeft"] * last
    return (once * (moves // len(once) + 1))[:moves]


def median_p95(milliseconds: list[float]) -> tuple[float, float]:
    return statistics.median(milliseconds), statistics.quantiles(milliseconds, n=20)[-1]
