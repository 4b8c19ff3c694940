"""Debian's Chromium, driven over chromedriver, in a profile of its own."""

import base64
import json
import shutil

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait
from stack import BUILD

CHROMIUM = shutil.which("chromium")
DRIVER = shutil.which("chromedriver")
SCREENSHOTS = BUILD / "screenshots"
DESKTOP, PHONE = 1280, 360
ARGUMENTS = [
    "--headless=new",
    # Containers often have neither user namespaces nor a large /dev/shm; what is shown is our own.
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    # It is to talk to nobody but the demo.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--no-default-browser-check",
    "--no-first-run",
    "--no-pings",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE *.localhost, EXCLUDE 127.0.0.1",
]


class Browser:
    """`folder` holds the profile and, after `quit`, the log of all that went over the wire."""

    def __init__(self, folder, demo):
        self.demo = demo
        self.netlog = folder / "netlog.json"
        options = webdriver.ChromeOptions()
        options.binary_location = CHROMIUM
        for argument in ARGUMENTS:
            options.add_argument(argument)
        options.add_argument(f"--user-data-dir={folder / 'profile'}")
        options.add_argument(f"--log-net-log={self.netlog}")
        if digest := getattr(demo, "public_key_digest", None):
            options.add_argument(f"--ignore-certificate-errors-spki-list={digest}")
        options.add_argument("--net-log-capture-mode=IncludeSensitive")
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(executable_path=DRIVER))
        self.driver.set_page_load_timeout(30)
        self.driver.set_script_timeout(30)
        self.resize(DESKTOP)

    def quit(self):
        if self.driver:
            self.driver.quit()
        self.driver = None

    def open(self, url):
        self.driver.get(url)

    def sign_in(self, name):
        self.open(f"{self.demo.www}/sign-in/")
        self.fill_in(name)
        self.until(lambda: self.driver.current_url == f"{self.demo.www}/", "the gallery")

    def fill_in(self, name):
        self.find("[name=username]").send_keys(name)
        self.find("[name=password]").send_keys(name)
        self.find("main button").click()

    def find(self, selector):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def link(self, text):
        return self.driver.find_element(By.PARTIAL_LINK_TEXT, text)

    def script(self, text, *arguments):
        return self.driver.execute_script(text, *arguments)

    def until(self, holds, what, seconds=10):
        return WebDriverWait(self.driver, seconds, poll_frequency=0.05).until(lambda _: holds(), what)

    def in_frame(self, selector, function):
        self.driver.switch_to.frame(self.find(selector))
        try:
            return function()
        finally:
            self.driver.switch_to.default_content()

    def rows(self, section):
        """The requests that the page shows beside an exhibit: (status, site, file, reason)."""
        cells = self.script(
            "return [...document.querySelectorAll(`[data-section=${arguments[0]}] tr`)]"
            ".map(row => [...row.cells].map(cell => cell.textContent))",
            section,
        )
        return [] if cells == [["None yet."]] else [tuple(row) for row in cells]

    def resize(self, width, height=900):
        """Emulated, because a headless window has a least width above that of a phone."""
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500},
        )

    def prefer(self, scheme):
        self.driver.execute_cdp_cmd(
            "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        )

    def screenshot(self, name):
        image = base64.b64decode(self.driver.execute_cdp_cmd("Page.captureScreenshot", {})["data"])
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        (SCREENSHOTS / f"{name}.png").write_bytes(image)
        return image

    def console(self):
        """What was written to the console since it was last looked at."""
        return [f"{entry['level']}: {entry['message']}" for entry in self.driver.get_log("browser")]

    def sent(self):
        """After `quit`: (target, headers) of all requests that went over the wire."""
        lines = self.netlog.read_text().splitlines()
        events = [json.loads(line.rstrip(",")).get("params", {}) for line in lines if ' HTTP/1.1\\r\\n"' in line]
        return [
            (event["line"].split()[1], dict(header.lower().split(": ", 1) for header in event["headers"]))
            for event in events
            if "line" in event
        ]

    def responses(self):
        """(URL, status, type) of the responses since they were last looked at."""
        events = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        answers = [event["params"]["response"] for event in events if event["method"] == "Network.responseReceived"]
        return [(answer["url"], answer["status"], answer["mimeType"]) for answer in answers]
