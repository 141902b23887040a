"""A real JupyterLab, started as a reader does, by `make lab`, on copies of the lessons."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

SECONDS_WITHOUT_A_WORD = 300  # after which a JupyterLab that does not answer is given up

ROOT = Path(__file__).resolve().parents[2]


def copy_lessons(to: Path) -> Path:
    """Copies of the lessons, text included: the tests save what they open."""
    shutil.copytree(
        ROOT / "notebooks",
        to / "notebooks",
        ignore=shutil.ignore_patterns(".ipynb_checkpoints", "__pycache__"),
    )
    return to


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Lab:
    """JupyterLab on loopback, serving `root`. Use as a context manager."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.token = secrets.token_hex(16)
        self.base = f"http://127.0.0.1:{free_port()}"
        self.log = root / "lab.log"
        self.settings = root / ".settings"

    def url(self, notebook: str, workspace: str) -> str:
        """The address that opens one notebook, in a workspace (its tabs and panes) of its own."""
        return f"{self.base}/lab/workspaces/{workspace}/tree/{notebook}?token={self.token}"

    def __enter__(self) -> Lab:
        self._save_only_when_asked()
        port = self.base.rpartition(":")[2]
        flags = [
            "--no-browser",
            f"--port={port}",
            "--ServerApp.port_retries=0",
            f"--IdentityProvider.token={self.token}",
            f"--LabApp.workspaces_dir={self.root}/.workspaces",
            f"--LabApp.user_settings_dir={self.settings}",
            "--LabApp.expose_app_in_browser=True",  # lets the tests call JupyterLab's commands
        ]
        if os.geteuid() == 0:  # containers
            flags.append("--allow-root")
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                ["make", "lab", f"LAB_ROOT={self.root}", f"ARGS={' '.join(flags)}"],
                cwd=ROOT,
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                env={k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))},
            )
        self._wait()
        return self

    def __exit__(self, *_: object) -> None:
        for kind in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, kind)
                self.process.wait(15)
                return
            except subprocess.TimeoutExpired:
                continue
            except ProcessLookupError:
                return

    def get(self, path: str) -> object:
        """A GET of the server's own interface, with the token."""
        request = urllib.request.Request(
            f"{self.base}/{path}", headers={"Authorization": f"token {self.token}"}
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=5) as answer:
            return json.load(answer)

    def _save_only_when_asked(self) -> None:
        """No autosave: a save that meets another under way takes its file for someone else's, and
        waits for an answer to "File Changed"."""
        file = self.settings / "@jupyterlab/docmanager-extension/plugin.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text('{"autosave": false}', "utf-8")

    def _wait(self) -> None:
        """Wait for its first answer, as long as its log grows."""
        size, since = 0, time.monotonic()
        while self.process.poll() is None and time.monotonic() - since < SECONDS_WITHOUT_A_WORD:
            try:
                self.get("api/status")
                return
            except OSError:
                time.sleep(0.1)
            if self.log.stat().st_size != size:
                size, since = self.log.stat().st_size, time.monotonic()
        log = self.log.read_text("utf-8")[-3000:]
        self.__exit__()
        raise RuntimeError(f"JupyterLab did not start; it said:\n{log}")
