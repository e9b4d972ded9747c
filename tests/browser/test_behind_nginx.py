"""Two servers behind nginx, set up by the files in deploy/, one of which is killed."""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, expect
from test_draw import SEVEN, draw, open_draw, says, seven_on_paper, upload
from test_train import newest, start
from visit import App, StartApp, free_port, settle

DEPLOY = Path(__file__).parents[2] / "deploy"


@pytest.fixture
def servers(start_app: StartApp) -> dict[str, App]:
    """Two that share a folder of runs, by the names that nginx has for them."""
    return {"one": start_app(), "two": start_app()}


@pytest.fixture
def site(servers: dict[str, App], tmp_path: Path) -> Iterator[App]:
    """Both behind nginx, by https."""
    if not shutil.which("nginx"):
        missing = "no nginx here: install it, as with `apt-get install nginx-light`"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    certify(tmp_path / "digits.key", tmp_path / "digits.pem")
    port, runs = free_port(), servers["one"].runs
    changes = {
        "127.0.0.1:8501": servers["one"].address.removeprefix("http://"),
        "127.0.0.1:8502": servers["two"].address.removeprefix("http://"),
        "listen 443": f"listen 127.0.0.1:{port}",
        "/etc/ssl": str(tmp_path),
    }
    files = [(DEPLOY / name).read_text() for name in ("servers.conf", "nginx.conf")]
    config = re.sub("|".join(changes), lambda found: changes[found[0]], "".join(files))
    temporary = [
        f"{each}_temp_path {tmp_path}/{each};"
        for each in ("client_body", "proxy", "fastcgi", "scgi", "uwsgi")
    ]
    (tmp_path / "whole.conf").write_text(
        "daemon off; master_process off; error_log stderr; "
        f"pid {tmp_path}/pid; events {{}} http {{ log_format asked $server; "
        f"access_log {tmp_path}/asked asked; {' '.join(temporary)} {config} }}"
    )
    with (tmp_path / "nginx.log").open("wb") as log:
        command = ["nginx", "-e", "stderr", "-c", str(tmp_path / "whole.conf")]
        nginx = subprocess.Popen(command, stderr=log)
    while not (tmp_path / "pid").is_file():  # written once it listens
        assert nginx.poll() is None, (tmp_path / "nginx.log").read_text()
        time.sleep(0.01)
    yield App(f"https://127.0.0.1:{port}", runs, nginx)
    nginx.kill()
    nginx.wait()


def certify(key: Path, certificate: Path) -> None:
    """A certificate that nobody has signed."""
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=digits"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command + files, check=True, capture_output=True)


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    with browser.new_context(ignore_https_errors=True) as context:
        yield context


def cookie(context: BrowserContext, name: str) -> dict[str, object]:
    (found,) = (each for each in context.cookies() if each["name"] == name)
    return {**found}


def test_when_a_server_is_killed_its_visitors_go_on_with_the_other(
    servers: dict[str, App], site: App, context: BrowserContext, tmp_path: Path
) -> None:
    page = context.new_page()
    open_draw(page, site)
    draw(page, SEVEN)
    says(page, "This is a 7.")
    upload(page, "seven.png", seven_on_paper())  # by a request of its own
    expect(page.get_by_role("region", name="Answer").last).to_contain_text("This is a 7.")
    start(page, site.address, "Notebook", epochs=100)
    token = cookie(context, "see_a_network_learn")
    assert token["secure"]
    assert token["httpOnly"]
    had, has = sorted(servers, key=lambda name: name != cookie(context, "server")["value"])
    assert {*(tmp_path / "asked").read_text().split()} == {had}  # by all that went there till now
    servers[had].kill()
    deadline = time.monotonic() + 30
    while cookie(context, "server")["value"] != has and time.monotonic() < deadline:
        page.wait_for_timeout(100)
    settle(page)
    expect(page).to_have_url(re.compile(newest(site).id))
    assert newest(site).status().state == "running"
    page.get_by_role("button", name="Stop").click()  # it is still theirs
    expect(page.get_by_text("Stopped.")).to_be_visible()
    assert cookie(context, "see_a_network_learn")["value"] == token["value"]
