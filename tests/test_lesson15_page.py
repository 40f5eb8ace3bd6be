"""Lesson 15's claims about the page, as a browser shows it."""

import base64
import os
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from classroom import catalog
from lesson15 import store
from tests.island import eventually
from tests.uploads import PNG, essay, upload

LESSON = catalog.find("15")
DATA = LESSON.folder / "data"
live = pytest.mark.usefixtures("workers")
once = pytest.mark.once


@once
@live
def test_the_page_from_end_to_end(page: Page, http: httpx.Client, tmp_path: Path) -> None:
    """Drop three files, watch the bars move, ask, read the passage, break one, retry it, reload in the middle."""
    address = f"http://127.0.0.1:{os.environ['API_PORT']}"
    for document in http.get("/documents?limit=1000").json():  # of other tests
        http.delete(f"/documents/{document['id']}")
    wanted = os.environ.get("LESSONS_PICTURES")
    pictures = LESSON.folder if wanted else tmp_path
    complaints: list[str] = []
    asked: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if "Content Security" in said.text else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: complaints.append(dialog.message))
    page.on("request", lambda request: asked.append(request.url))
    page.set_viewport_size({"width": 1100, "height": 640})
    page.goto(address)
    expect(page.locator("#line")).to_have_text("live")
    policy = http.get("/").headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src")

    # Three files at once; the bar of the large one moves.
    large = tmp_path / "atlas.txt"
    large.write_bytes(essay(15_000))
    page.locator("#files").set_input_files([large, DATA / "handbook.pdf", DATA / "guide-ko.docx"])
    atlas = page.locator(".document", has_text="atlas.txt")
    seen: set[int] = set()

    def moved() -> bool:
        seen.add(int(atlas.locator("progress").evaluate("bar => bar.value")) if atlas.count() else 0)
        return len(seen) > 3

    eventually(moved, "the bar doesn't move")
    page.reload()  # in the middle: everything is there again, and goes on
    expect(page.locator(".document")).to_have_count(3)
    for name in "atlas.txt", "handbook.pdf", "guide-ko.docx":
        row = page.locator(".document", has_text=name)
        expect(row.locator(".status")).to_have_text("completed")
        assert row.locator("progress").evaluate("bar => bar.value") == 100

    # One that is torn fails, says why, and is retried; it can be dropped, too.
    torn = (DATA / "handbook.pdf").read_bytes()[:900]
    page.evaluate(
        """([name, text]) => {
            const data = new DataTransfer();
            data.items.add(new File([Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))], name));
            document.querySelector("#drop").dispatchEvent(new DragEvent("drop", { dataTransfer: data }));
        }""",
        ["<img src=x onerror=alert(1)>.pdf", base64.b64encode(torn).decode()],
    )
    broken = page.locator(".document", has_text="<img src=x onerror=alert(1)>.pdf")
    expect(broken.locator(".message")).to_contain_text("It can't be read as a PDF")
    before = store.last_event()
    broken.get_by_role("button", name="Retry").click()
    eventually(lambda: store.last_event() >= before + 3, "it isn't retried")
    expect(broken.locator(".status")).to_have_text("failed")
    broken.get_by_role("button", name="Delete").click()
    expect(page.locator(".document")).to_have_count(3)
    page.locator("#files").set_input_files({"name": "cat.pdf", "mimeType": "", "buffer": PNG})
    expect(page.locator("#refusals")).to_have_text("cat.pdf is called PDF, and isn't one.")
    page.locator("#files").set_input_files([])

    # A question, and the passage with its document and page.
    page.locator("#question").fill("For how many weeks may I keep a book?")
    page.get_by_role("button", name="Ask").click()
    first = page.locator(".passage").first
    expect(first.locator(".source")).to_have_text("handbook.pdf, page 2")
    expect(first.locator(".text")).to_contain_text("Books may be kept for four weeks")
    upload(http, "second.txt", essay(15_000))  # of another client: the page hears of it
    second = page.locator(".document", has_text="second.txt")
    expect(second.locator(".message")).to_contain_text(" of ")
    page.screenshot(path=pictures / "page.png")
    expect(second.locator(".status")).to_have_text("completed")

    # On a phone nothing sticks out.
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.screenshot(path=pictures / "answer.png")
    page.reload()
    expect(page.locator(".document")).to_have_count(4)  # though nothing happens any more
    assert all(picture.stat().st_size < 150_000 for picture in pictures.glob("*.png"))
    assert complaints == []
    assert {url.partition("//")[2].partition("/")[0] for url in asked if url.startswith("http")} == {
        f"127.0.0.1:{os.environ['API_PORT']}"
    }


@once
@live
def test_many_tabs_share_one_stream(page: Page, http: httpx.Client) -> None:
    """A browser has six connections to a server. Seven tabs show what happens, also once the listening one is gone."""
    assert page.context.browser
    tabs = page.context.browser.new_context(base_url=f"http://127.0.0.1:{os.environ['API_PORT']}")
    streams: list[str] = []
    tabs.on("request", lambda request: streams.append(request.url) if request.url.endswith("/events") else None)
    pages = [tabs.new_page() for _ in range(7)]
    for tab in pages:
        tab.goto("/")
        expect(tab.locator("#line")).to_have_text("live")
    assert len(streams) == 1

    def all_show(name: str) -> None:
        document = upload(http, name, essay()).headers["Location"]
        for tab in pages:
            expect(tab.locator(".document", has_text=name).locator(".status")).to_have_text("completed")
            assert tab.evaluate(f"async () => (await fetch('{document}')).status") == 200

    all_show("seven.txt")
    pages.pop(0).close()
    for tab in pages:
        expect(tab.locator("#line")).to_have_text("live")
    eventually(lambda: tab_listens(pages[0], streams), "no other tab listens")
    all_show("six.txt")
    assert len(streams) == 2
    tabs.close()


def tab_listens(tab: Page, streams: list[str]) -> bool:
    """Whether another stream was opened; Playwright sees requests only while it is asked something."""
    tab.evaluate("0")
    return len(streams) == 2
