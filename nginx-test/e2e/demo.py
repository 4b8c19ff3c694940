"""`make demo`, as a process that prints and listens."""

import os
import signal
import subprocess
import time
from pathlib import Path

from client import Viewer
from stack import ROOT, eventually, free_ports
from tokens import mint

RUN = ROOT / "nginx-test" / "demo" / "run.sh"


def heed_ctrl_c():
    """As in a terminal: what a shell runs with `&` ignores SIGINT, and bash cannot trap what it was told to ignore."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Demo:
    def __init__(self, folder):
        self.folder = folder
        self.port, self.app_port = free_ports(2)
        self.www = f"http://www.localhost:{self.port}"
        self.media = f"http://media.localhost:{self.port}"
        self.documents = f"{self.www}/documents/"
        self.output = folder.parent / "output"
        with open(self.output, "wb") as output:
            self.process = subprocess.Popen(
                [RUN],
                env=self.environment(),
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=heed_ctrl_c,
            )
        deadline = time.monotonic() + 90
        while "Press Ctrl-C" not in self.printed():
            assert self.process.poll() is None, self.printed()
            assert time.monotonic() < deadline, self.printed()
            time.sleep(0.1)

    def environment(self):
        return {**os.environ, "PORT": str(self.port), "APP_PORT": str(self.app_port), "DEMO_DIR": str(self.folder)}

    def printed(self):
        return self.output.read_text()

    def press_ctrl_c(self):
        """The terminal sends it to all processes in the foreground."""
        os.killpg(self.process.pid, signal.SIGINT)
        try:
            return self.process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            raise

    def file(self, path):
        return (self.folder / "media" / path).read_bytes()

    def viewer(self, name=None):
        viewer = Viewer(self.www)
        if name:
            viewer.sign_in(name)
        return viewer

    def logs(self, line):
        log = self.folder / "logs" / "access.log"
        eventually(lambda: line in log.read_text(), line)

    def token(self, path, **kwargs):
        return mint(path, (self.folder / "secret_key").read_text().strip(), **kwargs)


def mentions(folder):
    """Command lines of running processes that name the folder, or work in it."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            environment = (process / "environ").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if str(folder) in command or f"DATA_DIR={folder}" in environment:
            found.append(command)
    return found
