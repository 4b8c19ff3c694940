"""Requests per second, processor time and instructions per request."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from statistics import median

from series import BENCH, BUILD, UNPACKED

CONNECTIONS = 16


class Load:
    """wrk against one server, each on its own core or both on the same."""

    def __init__(self, title, servers, server_core, client_core):
        self.title = title
        self.client_core = client_core
        for server in servers:
            for pid in server.all_processes():
                os.sched_setaffinity(pid, {server_core})

    def run(self, server, seconds):
        """Requests per second, and processor time of the server per request in microseconds."""
        command = [UNPACKED / "usr/bin/wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "60s"]
        request = server.series.request()
        for name, value in request.headers.items():
            command += ["-H", f"{name}: {value}"]
        before = processor_time(server.workers())
        done = subprocess.run(
            [*command, server.url(request)],
            env={"LD_LIBRARY_PATH": str(UNPACKED / "usr/lib/x86_64-linux-gnu")},
            preexec_fn=lambda: os.sched_setaffinity(0, {self.client_core}),
            capture_output=True,
            text=True,
            check=True,
        )
        used = processor_time(server.workers()) - before
        assert "Non-2xx" not in done.stdout and "Socket errors" not in done.stdout, (server.series.name, done.stdout)
        requests = int(re.search(r"(\d+) requests in", done.stdout)[1])
        return {
            "rate": float(re.search(r"Requests/sec:\s*([\d.]+)", done.stdout)[1]),
            "cpu": used / requests / 1000,
        }


def processor_time(pids):
    """Nanoseconds on a processor, by the scheduler's account."""
    return sum(int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) for pid in pids)


class Instructions:
    """User-space instructions of processes: by the processor's counter where there is one, otherwise by stepping."""

    def __init__(self, stepping=False):
        self.perf = None if stepping else shutil.which("perf")
        if self.perf:
            probe = [self.perf, "stat", "-x", ",", "-e", "instructions:u", "true"]
            answer = subprocess.run(probe, capture_output=True, text=True)
            if not re.match(r"\d+,", answer.stderr):
                self.perf = None
        self.stepper = BUILD / "bench" / "instructions"
        source = BENCH / "instructions.c"
        if not self.perf and (not self.stepper.exists() or self.stepper.stat().st_mtime < source.stat().st_mtime):
            subprocess.run(["cc", "-O2", "-Wall", "-o", self.stepper, source], check=True)

    @property
    def method(self):
        return "perf stat -e instructions:u" if self.perf else "stepping (no hardware counter here)"

    def per_request(self, server, request):
        """Of a warm server, over one connection. Each request has a new token: stepping may outlive one."""
        slow = server.series.django
        connection = server.connect()

        def act(requests):
            for _ in range(requests):
                asked = request()
                if not server.series.bad:
                    server.admit(asked)
                status = server.ask(connection, asked)[0]
                assert status == server.series.status, (server.series.name, status)

        act(5 if slow else 300)
        requests = 1000 if self.perf and not slow else 3 if slow else 15
        if self.perf:
            count = self.count_by_perf(server.workers(), lambda: act(requests)) / requests
        else:
            count = median(self.count_by_steps(server.workers(), [lambda: act(1)] * requests))
        connection.close()
        return count

    def count_by_perf(self, pids, act):
        """Instructions that `pids` execute while `act` runs."""
        command = [self.perf, "stat", "-x", ",", "-e", "instructions:u", "-p", ",".join(map(str, pids))]
        perf = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        time.sleep(0.3)
        act()
        time.sleep(0.1)
        perf.send_signal(signal.SIGINT)
        return int(perf.communicate()[1].split(",")[0])

    def count_by_steps(self, pids, acts, addresses=()):
        """Instructions that `pids` execute during each act; with files for it, also how often at which address."""
        files = [BUILD / "bench" / f"instructions.{pid}" for pid in pids]
        # Once a second nginx writes the time in four formats, which has nothing to do with how much a request costs
        # but does with how many there are in a second: few, when they are stepped through.
        left_out = [f"{address_of('ngx_time_update', pid):x}" for pid in pids]
        commands = [[self.stepper, str(pid), file, address] for pid, file, address in zip(pids, files, left_out)]
        for command, file in zip(commands, addresses):
            command.append(file)
        counters = []
        for command, pid in zip(commands, pids):
            counters.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
            # Handing over to another core at each step would take several times as long.
            os.sched_setaffinity(counters[-1].pid, {min(os.sched_getaffinity(pid))})
        try:
            for counter in counters:
                assert counter.stdout.readline() == "attached\n", "processes cannot be traced here"
            counts = [settled(files)]
            for act in acts:
                act()
                counts.append(settled(files))
            return [after - before for before, after in pairwise(counts)]
        finally:
            for counter in counters:
                counter.terminate()
            for counter in counters:
                counter.communicate()
            for file in files:
                file.unlink(missing_ok=True)


def address_of(symbol, pid):
    """Where a process has an exported function; 0 where its program has none of this name."""
    program = os.readlink(f"/proc/{pid}/exe")
    symbols = subprocess.run(["nm", "-D", "--defined-only", program], capture_output=True, text=True).stdout
    found = re.search(rf"^(\w+) T {symbol}$", symbols, re.M)
    if not found:
        return 0
    mappings = Path(f"/proc/{pid}/maps").read_text().splitlines()
    start = next(line for line in mappings if line.endswith(f" {program}")).split("-")[0]
    with open(program, "rb") as file:
        # ET_DYN: the symbols count from where the program was loaded.
        is_relocated = file.read(18)[16] == 3
    return int(found[1], 16) + is_relocated * int(start, 16)


def settled(files):
    """The count once nothing happens any more: a response arrives before the server is done with it."""
    last = None
    while last != (now := sum(int.from_bytes(file.read_bytes(), sys.byteorder) for file in files)):
        last = now
        time.sleep(0.05)
    return now
