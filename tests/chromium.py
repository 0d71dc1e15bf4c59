"""Headless Chromium over its own pipe: loads a page at a width, and tells what it did."""

import fcntl
import json
import os
import shutil
import subprocess
import threading
from base64 import b64decode
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
INSTALL = "apt-get install --yes --no-install-recommends chromium"
DEADLINE_S = 120
# The network is taken away: whatever the page would fetch fails, and is seen.
OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--remote-debugging-pipe",
)
EVENTS = ("Page", "Runtime", "Log", "Network")


@dataclass
class Seen:
    """What a page did: requests of other files, and what it wrote to the console."""

    requests: list = field(default_factory=list)
    console: list = field(default_factory=list)


class Page:
    """One tab, spoken to in Chrome's DevTools protocol: JSON ended by a zero byte."""

    def __init__(self, write, read):
        self._write, self._read = write, read
        self._number, self._session, self._rest = 0, None, b""
        self._loaded = False
        self.seen = Seen()
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in EVENTS:
            self.call(f"{domain}.enable")

    def call(self, method, **parameters):
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, (method, answer["error"])
                return answer["result"]

    def _next(self):
        while b"\0" not in self._rest:
            part = os.read(self._read, 1 << 16)
            assert part, "the browser has gone"
            self._rest += part
        line, _, self._rest = self._rest.partition(b"\0")
        message = json.loads(line)
        self._note(message.get("method"), message.get("params", {}))
        return message

    def _note(self, method, event):
        if method == "Page.loadEventFired":
            self._loaded = True
        elif method == "Network.requestWillBeSent":
            self.seen.requests.append(event["request"]["url"])
        elif method in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"):
            self.seen.console.append(event)

    def open(self, path, width):
        """Load a file at a width in CSS pixels; returns what it did meanwhile."""
        self.seen, self._loaded = Seen(), False
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=900,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        self.call("Page.navigate", url=path.as_uri())
        while not self._loaded:
            self._next()
        return self.seen

    def value(self, expression):
        """Value of a JavaScript expression."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def picture(self, path):
        """Write what the whole page looks like."""
        found = self.call("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(b64decode(found["data"]))


def program():
    """Path of a browser; the test fails, with the line that installs one, where there is none."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.fail(f"no Chromium: {INSTALL}", pytrace=False)
    return found


def _out_of_the_way(descriptor):
    """Return another number for a descriptor, past 3 and 4."""
    high = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 10)
    os.close(descriptor)
    return high


@contextmanager
def browser(profile):
    """A page in a browser of its own, which is gone afterwards."""
    (to_read, write), (read, to_write) = (map(_out_of_the_way, os.pipe()) for _ in range(2))
    # Chromium reads commands from descriptor 3 and answers on 4; bash passes any on as those.
    shell = f'exec "$0" "$@" 3<&{to_read} 4>&{to_write}'
    process = subprocess.Popen(
        ["bash", "-c", shell, program(), *OPTIONS, f"--user-data-dir={profile}"],
        pass_fds=(to_read, to_write),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    os.close(to_read)
    os.close(to_write)
    watchdog = threading.Timer(DEADLINE_S, process.kill)  # ends every wait for an answer
    watchdog.start()
    try:
        yield Page(write, read)
    finally:
        watchdog.cancel()
        process.kill()
        process.wait()
        os.close(write)
        os.close(read)
