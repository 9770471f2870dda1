"""Opens a report in headless Chromium, reads it, and fails on whatever a reader would miss.

    python3 read_report.py report.html expected.json [screenshot.png [dark]]

Talks the DevTools protocol over the pipe of --remote-debugging-pipe (messages end in a zero byte): no port, no package.
Every console error, uncaught exception, and request that leaves the page is a failure.
"""

import base64
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

PATIENCE_S = 120
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


class Browser:
    def __init__(self, profile):
        to_browser, self.outgoing = os.pipe()
        self.incoming, from_browser = os.pipe()
        # Chromium reads commands from descriptor 3 and answers on 4.
        command = ('exec "$0" "$@" 3<&{} 4>&{}').format(to_browser, from_browser)
        self.process = subprocess.Popen(
            ["bash", "-c", command, find_browser(), "--headless=new", "--no-sandbox", "--disable-gpu",
             "--disable-dev-shm-usage", "--no-first-run", "--disable-extensions", "--disable-background-networking",
             "--hide-scrollbars", "--remote-debugging-pipe", f"--user-data-dir={profile}", "about:blank"],
            pass_fds=(to_browser, from_browser), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_browser)
        os.close(from_browser)
        self.buffer, self.events, self.number = b"", [], 0
        self.deadline = time.monotonic() + PATIENCE_S

    def receive(self):
        while b"\0" not in self.buffer:
            os.set_blocking(self.incoming, False)
            try:
                part = os.read(self.incoming, 1 << 20)
                if not part:
                    sys.exit("the browser ended")
                self.buffer += part
            except BlockingIOError:
                if time.monotonic() > self.deadline:
                    sys.exit(f"the page was not drawn in {PATIENCE_S} s")
                time.sleep(0.01)
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, session=None, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self.outgoing, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.receive()
            if answer.get("id") == self.number:
                if "error" in answer:
                    sys.exit(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def close(self):
        self.process.terminate()
        self.process.wait()


def find_browser():
    for name in BROWSERS:
        for folder in os.environ["PATH"].split(":"):
            if os.access(os.path.join(folder, name), os.X_OK):
                return os.path.join(folder, name)
    sys.exit("no Chromium in PATH; scripts/setup installs it")


class Page:
    def __init__(self, browser, path, scheme):
        self.browser = browser
        target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.call("Emulation.setDeviceMetricsOverride", width=1100, height=900, deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.url = pathlib.Path(path).resolve().as_uri()
        self.call("Page.navigate", url=self.url)
        while not self.evaluate("document.body?.hasAttribute('data-drawn') ?? false"):
            time.sleep(0.05)

    def call(self, method, **parameters):
        return self.browser.call(method, self.session, **parameters)

    def evaluate(self, expression):
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            sys.exit(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def complaints(self):
        """Console errors, exceptions, log entries of level error, and requests for anything but the page and its own data."""
        found = []
        for event in self.browser.events:
            method, data = event.get("method"), event.get("params", {})
            if method == "Runtime.consoleAPICalled" and data["type"] in ("error", "warning", "assert"):
                found.append("console: " + " ".join(str(a.get("value", a.get("description"))) for a in data["args"]))
            elif method == "Runtime.exceptionThrown":
                found.append("exception: " + json.dumps(data["exceptionDetails"])[:500])
            elif method == "Log.entryAdded" and data["entry"]["level"] in ("error", "warning"):
                found.append("log: " + data["entry"]["text"])
            elif method == "Network.requestWillBeSent":
                url = data["request"]["url"]
                if url != self.url and not url.startswith("data:"):
                    found.append("request: " + url)
            elif method == "Network.loadingFailed":
                found.append("failed request: " + data["errorText"])
        return found


# What is read from the page, as JavaScript that returns a value that JSON can hold.
READINGS = {
    "words": "[...document.querySelectorAll('#verdict .word')].map(e => e.firstChild.textContent.trim())",
    "cards": "[...document.querySelectorAll('#verdict .claim')].map(e => e.textContent)",
    "charts": "Object.fromEntries([...document.querySelectorAll('[data-chart]')].map(e => "
              "[e.dataset.chart, e.querySelectorAll('svg [class*=\"role-mark\"] path').length]))",
    "labels": "[...document.querySelectorAll('[data-chart=forest] svg text')].map(e => e.textContent)",
    "costs": "[...document.querySelectorAll('[data-table=costs] td')].map(e => e.textContent)",
    "rows": "Object.fromEntries([...document.querySelectorAll('[data-chart], [data-table]')].map(e => "
            "[e.dataset.chart ?? e.dataset.table, e.querySelectorAll('tbody tr').length]))",
    "documents": "[...document.querySelectorAll('#heatmap .tokens')].map(e => e.querySelectorAll('.token').length)",
    "refined": "document.querySelectorAll('#heatmap .token.refined').length",
    "coloured": "[...document.querySelectorAll('#heatmap .token')].filter(e => e.style.background).length",
    "text": "[...document.querySelectorAll('#heatmap .tokens')].map(e => e.textContent).join('')",
    "injected": "window.injected ?? null",
    "width": "document.documentElement.scrollWidth - document.documentElement.clientWidth",
}


def read_heatmap_by_hand(page):
    """What pointing at a token and walking on with the keyboard show."""
    inspector = "document.querySelector('.inspector').textContent"
    page.evaluate("document.querySelector('#heatmap .token:nth-child(3)')"
                  ".dispatchEvent(new MouseEvent('mouseover', {bubbles: true}))")
    hovered = page.evaluate(inspector)
    page.evaluate("document.querySelector('#heatmap .token').focus()")
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft"):
        page.call("Input.dispatchKeyEvent", type="keyDown", key=key, code=key)
        page.call("Input.dispatchKeyEvent", type="keyUp", key=key, code=key)
    place = "[...document.querySelectorAll('#heatmap .token')].indexOf(document.activeElement)"
    return {"hovered": hovered, "walked": page.evaluate(inspector), "focus": page.evaluate(place),
            "label": page.evaluate("document.activeElement.getAttribute('aria-label')")}


def recolour(page):
    page.evaluate("document.querySelector('input[value=static]')?.click()")
    return page.evaluate(READINGS["coloured"])


def main():
    path, expected_path, *more = sys.argv[1:]
    expected = json.loads(pathlib.Path(expected_path).read_text())
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = Browser(profile)
        try:
            page = Page(browser, path, "dark" if "dark" in more else "light")
            found = {name: page.evaluate(expression) for name, expression in READINGS.items()}
            if expected.get("documents"):
                found |= read_heatmap_by_hand(page)
                found["recoloured"] = recolour(page)
            if more:
                shot = page.call("Page.captureScreenshot", captureBeyondViewport=True)
                pathlib.Path(more[0]).write_bytes(base64.b64decode(shot["data"]))
            complaints = page.complaints()
        finally:
            browser.close()
    check(found, expected, complaints)


def check(found, expected, complaints):
    faults = list(complaints)
    for name, wanted in ((n, w) for n, w in expected.items() if n != "drawn"):
        if name.endswith(" contains"):
            text = json.dumps(found[name.removesuffix(" contains")], ensure_ascii=False)
            faults += [f"{name} {part!r}: not in {text[:2000]}" for part in wanted if part not in text]
        elif name.endswith(" above"):
            if not found[name.removesuffix(" above")] > wanted:
                faults.append(f"{name} {wanted}: found {found[name.removesuffix(' above')]}")
        elif found[name] != wanted:
            faults.append(f"{name}: expected {wanted}, found {found[name]}")
    for name, marks in found["charts"].items():
        if name in expected["drawn"] and marks == 0:
            faults.append(f"chart {name} has no mark")
    print("\n".join(faults) if faults else "the report reads well")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
